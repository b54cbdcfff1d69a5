"""`run` and `rebuild`: days from GitHub to the report, and everything anew from what is staged."""

from __future__ import annotations

import sys
from datetime import date

import click

from oss_datastore.commands.days import Day
from oss_datastore.settings import Settings


@click.command(short_help="Fetch and load days; without a day, whatever is missing.")
@click.option("--day", type=Day(), help="One UTC day.")
@click.option("--from", "first", type=Day(), help="First day of a range.")
@click.option("--to", "last", type=Day(), help="Last day of the range (default: the last day that is over).")
@click.option(
    "--select", help="Assets in Dagster's selection syntax, such as 'group:staging' or 'key:\"psa/issues\"+'."
)
@click.option("--force", is_flag=True, help="Ask again for what is staged; a failure never displaces a whole day.")
@click.option("--json", "wants_json", is_flag=True, help="Print the outcome as JSON.")
def run(
    day: date | None, first: date | None, last: date | None, select: str | None, force: bool, wants_json: bool
) -> None:
    """Fetches days from GitHub and brings them to the report.

    \b
    Exit codes: 0 every planned scope is settled
                3 something is partial, failed, pending or forbidden
                1 an error
                2 wrong usage
    """
    settings = Settings.load()
    if day and (first or last):
        raise click.UsageError("give --day, or --from and --to, not both")
    if last and not first:
        raise click.UsageError("--to needs --from")
    from oss_datastore.commands.demo import demo_world
    from oss_datastore.commands.running import present, run_spans, spans_to_run

    with demo_world(settings) as settings:
        outcome = run_spans(settings, spans_to_run(settings, day, first, last), select=select, force=force)
        present(settings, outcome, wants_json)
    sys.exit(outcome.exit_code)


@click.command(short_help="Empty the warehouse and load everything staged anew.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rebuild(yes: bool) -> None:
    """Empties the warehouse and loads every staged day anew: the tables come out the same, row for row."""
    settings = Settings.load()
    from oss_datastore.commands.running import rebuild_all

    if not yes and sys.stdin.isatty():
        click.confirm("Empty the warehouse and load it from what is staged?", abort=True)
    sys.exit(rebuild_all(settings))
