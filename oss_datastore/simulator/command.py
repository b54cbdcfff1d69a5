"""The command `simulate`: serves the simulator until interrupted. What it serves belongs to `server`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TextIO

import click

from oss_datastore.simulator.faults import BEHAVIOURS, KINDS
from oss_datastore.simulator.limits import Limits
from oss_datastore.simulator.server import Simulator, serve
from oss_datastore.simulator.world.changes import EXAMPLES


def _faults_help() -> str:
    lines = []
    for number, behaviour in BEHAVIOURS.items():
        lines.append(f"{number:>2} {behaviour}")
        lines += [f"     {name:<26} {kind.looks}" for name, kind in KINDS.items() if kind.behaviour == number]
    return "\n".join(lines)


def _changes_help() -> str:
    return "\n".join(f"  --change '{example}'" for example in EXAMPLES)


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
The pattern is a glob over the path, or /graphql/<operation>?<variable>=<value>,
or /graphql/<operation>/<field>?<variable>=<value> for queries with a field. Without :sticky each attempt is a
throw of its own, so that a retry may succeed. What is lasting (moved, deleted, disabled, hidden, ...) belongs to a
repository, an organisation or an item instead, at this rate. Example:
  --faults 'reset=0.01,bad_gateway@/repos/acme/*/traffic/popular/paths;day=2026-03-04=1'
\b
Changes are written <subject> <what> [words] [on <time>]; without a time the seed picks a day of 2026:
{_changes_help()}
""",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--org", "orgs", multiple=True, default=("acme",), help="Login; repeatable or comma separated.")
@click.option("--repos", type=click.IntRange(1), default=12, show_default=True, help="Repositories of each.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another world.")
@click.option("--now", help="Hold the calendar at this time (UTC); default: real time.")
@click.option("--latency-ms", type=click.FloatRange(0), default=0.0, help="Wait before each answer.")
@click.option("--faults", default="", help="What goes wrong, see above.")
@click.option("--idle", is_flag=True, help="Repositories in which nothing happens any more.")
@click.option("--change", "changes", multiple=True, help="What happens on purpose, see above; repeatable.")
@click.option("--limit-core", type=click.IntRange(0), default=Limits.core, show_default=True, help="REST, an hour.")
@click.option("--limit-graphql", type=click.IntRange(0), default=Limits.graphql, show_default=True, help="Points.")
@click.option("--limit-search", type=click.IntRange(0), default=Limits.search, show_default=True, help="A minute.")
@click.option(
    "--limit-installation",
    type=click.IntRange(0),
    default=Limits.installation,
    show_default=True,
    help="Of an app's installation, an hour; more for each repository and member beyond twenty.",
)
@click.option(
    "--points-per-minute",
    type=click.IntRange(0),
    default=Limits.points_per_minute,
    show_default=True,
    help="Secondary limit of each REST endpoint.",
)
@click.option(
    "--primary-status",
    type=click.Choice(["403", "429"]),
    default=str(Limits.primary_status),
    show_default=True,
    help="How an exhausted budget is refused.",
)
@click.option(
    "--statistics-after",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="How often statistics answer 202 after a push.",
)
@click.option("--app-public-key", type=click.File(), help="PEM of the key a GitHub App must sign with; default: any.")
@click.option("--app-id", type=int, help="Id a GitHub App must sign as; default: any.")
def simulate(
    orgs: tuple[str, ...],
    now: str | None,
    limit_core: int,
    limit_graphql: int,
    limit_search: int,
    limit_installation: int,
    points_per_minute: int,
    primary_status: str,
    app_public_key: TextIO | None,
    **more: Any,
) -> None:
    """Serves until interrupted; `more` are options that the simulator has under the same names."""
    logins = [login.strip() for given in orgs for login in given.split(",") if login.strip()]
    moment = _moment(now)
    limits = Limits(
        core=limit_core,
        graphql=limit_graphql,
        search=limit_search,
        installation=limit_installation,
        points_per_minute=points_per_minute,
        primary_status=int(primary_status),
    )
    key = app_public_key.read() if app_public_key else None
    try:
        simulator = Simulator(orgs=logins, now=moment, limits=limits, app_public_key=key, **more)
        simulator.start()
    except (ValueError, OSError) as wrong:
        raise click.ClickException(str(wrong)) from None
    click.echo(f"REST    {simulator.url}")
    click.echo(f"GraphQL {simulator.graphql_url}")
    serve(simulator)
