"""The command `simulate`: serves the simulator until interrupted. What it serves belongs to `server`."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from oss_datastore.simulator.faults import BEHAVIOURS, KINDS
from oss_datastore.simulator.server import Simulator, serve


def _faults_help() -> str:
    lines = []
    for number, behaviour in BEHAVIOURS.items():
        lines.append(f"{number:>2} {behaviour}")
        lines += [f"     {name:<26} {kind.looks}" for name, kind in KINDS.items() if kind.behaviour == number]
    return "\n".join(lines)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"expected a time such as 2026-03-01T00:10:00Z, not {text}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command(
    short_help="Serve a GitHub-compatible world on loopback.",
    help=f"""Serve a GitHub-compatible world on loopback: REST, GraphQL and a history made from a seed.

\b
Faults are written name[@pattern][;day=YYYY-MM-DD][=rate][:sticky], comma separated:
{_faults_help()}
\b
The pattern is a glob over the path, or /graphql/<operation>?<variable>=<value>. Without :sticky each attempt is a
throw of its own, so that a retry may succeed. What is lasting (moved, deleted, disabled, hidden, ...) belongs to a
repository, an organisation or an item instead, at this rate. Example:
  --faults 'reset=0.01,bad_gateway@/repos/acme/*/traffic/popular/paths;day=2026-03-04=1'
""",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--org", "orgs", multiple=True, default=("acme",), help="Login; repeatable or comma separated.")
@click.option("--repos", type=click.IntRange(1), default=12, show_default=True, help="Repositories of each.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another world.")
@click.option("--now", help="Hold the calendar at this time (UTC); default: real time.")
@click.option("--latency-ms", type=click.FloatRange(0), default=0.0, help="Wait before each answer.")
@click.option("--faults", default="", help="What goes wrong, see above.")
def simulate(
    port: int, orgs: tuple[str, ...], repos: int, seed: int, now: str | None, latency_ms: float, faults: str
) -> None:
    """Serves until interrupted."""
    logins = [login.strip() for given in orgs for login in given.split(",") if login.strip()]
    moment = _moment(now)
    try:
        simulator = Simulator(
            port=port, orgs=logins, repos=repos, seed=seed, now=moment, latency_ms=latency_ms, faults=faults
        )
        simulator.start()
    except (ValueError, OSError) as wrong:
        raise click.ClickException(str(wrong)) from None
    click.echo(f"REST    {simulator.url}")
    click.echo(f"GraphQL {simulator.graphql_url}")
    serve(simulator)
