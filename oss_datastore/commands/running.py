"""What `run`, `rebuild` and `demo` share: which days, the runs themselves, and what is said at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import click

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.commands.output import as_json, fetch_progress
from oss_datastore.completeness import DayState, day_state, exit_code, missing_days, spans, unsettled
from oss_datastore.connections import open_fetcher, open_queue, open_store, open_warehouse, prepare_home
from oss_datastore.settings import Settings
from oss_datastore.staging.days import DayNotOver
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.scopes import unmatched_patterns

if TYPE_CHECKING:
    from oss_datastore.runs import Runner


@dataclass
class Outcome:
    """What became of a command: the runs' errors and the days' states."""

    run_ids: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    states: list[DayState] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """1 when a run failed, else what the ledger says."""
        return 1 if self.errors else exit_code(self.states)


def spans_to_run(
    settings: Settings, day: date | None, first: date | None, last: date | None
) -> list[tuple[date, date]]:
    """The ranges to run: those asked for, else what is missing. Raises DayNotOver and UsageError."""
    closed = settings.clock.last_closed_day()
    if day or first:
        begin, end = (day, day) if day else (first, last or closed)
        assert begin is not None  # noqa: S101
        assert end is not None  # noqa: S101
        if end < begin:
            raise click.UsageError(f"the range ends ({end}) before it begins ({begin})")
        if end > closed:
            raise DayNotOver(f"{end} is not over yet: the last day that can be fetched is {closed}")
        if begin < settings.start_date:
            raise click.UsageError(
                f"{begin} lies before OSS_DATASTORE_START_DATE ({settings.start_date}), the first partition there is"
            )
        return [(begin, end)]
    if closed < settings.start_date:
        raise click.UsageError(f"OSS_DATASTORE_START_DATE ({settings.start_date}) lies after the last day that is over")
    return spans(missing_days(Staging(open_store(settings)), settings.start_date, closed, settings.datasets))


def run_spans(
    settings: Settings, ranges: list[tuple[date, date]], *, select: str | None = None, force: bool = False
) -> Outcome:
    """Runs each range; what ends a run at once (token, organisation, host) is raised before Dagster starts."""
    prepare_home(settings)
    outcome = Outcome()
    if not ranges:
        return outcome
    if select is None:
        fetcher = open_fetcher(settings)
        try:
            fetcher.resolve(ranges[-1][1])
        finally:
            fetcher.github.close()
    from oss_datastore.runs import Runner

    runner = Runner(settings)
    with fetch_progress():
        for first, last in ranges:
            _run_one(runner, outcome, first, last, select, force)
            if outcome.errors:
                break
    staging = Staging(open_store(settings))
    for pattern in unmatched_patterns(staging, ranges[-1][1], settings.repositories):
        click.echo(
            f"warning: OSS_DATASTORE_REPOSITORIES: {pattern!r} matches no repository of "
            f"{', '.join(settings.github_orgs)}; expected globs over owner/name or name",
            err=True,
        )
    for first, last in ranges:
        outcome.states.extend(day_state(staging, d, settings.datasets) for d in _days(first, last))
    return outcome


def _run_one(runner: Runner, outcome: Outcome, first: date, last: date, select: str | None, force: bool) -> None:
    from oss_datastore.runs import WrongSelection

    try:
        done = runner.run(first, last, select=select, force=force)
    except WrongSelection as why:
        raise click.UsageError(str(why)) from why
    outcome.run_ids.append(done.run_id)
    outcome.errors.extend(done.errors or (() if done.success else ("the run failed",)))


def rebuild_all(settings: Settings) -> int:
    """Removes the warehouse and loads every staged day. Returns the exit code."""
    prepare_home(settings)
    days = sorted({day for name in ANSWER_SETS for day in _staging(settings).days(name)})
    if not days:
        click.echo("nothing is staged yet: there is nothing to load")
        return 0
    from oss_datastore.runs import Runner

    runner = Runner(settings)
    warehouse = open_warehouse(settings)
    with warehouse.connect():
        pass  # whoever holds the file is waited for before it is removed
    warehouse.path.unlink()
    warehouse.path.with_suffix(".duckdb.wal").unlink(missing_ok=True)
    click.echo(f"loading {len(days)} staged days, {days[0]} to {days[-1]}")
    outcome = Outcome()
    for first, last in spans(days):
        _run_one(runner, outcome, first, last, "not group:staging", False)
    for error in outcome.errors:
        click.echo(f"error: {error}", err=True)
    return 1 if outcome.errors else 0


def load_days(settings: Settings, days: Iterable[date]) -> None:
    """Loads staged days anew, psa to report. Raises ClickException when a run fails."""
    from oss_datastore.runs import Runner

    runner = Runner(settings)
    outcome = Outcome()
    for first, last in spans(days):
        _run_one(runner, outcome, first, last, "not group:staging", False)
    if outcome.errors:
        raise click.ClickException("; ".join(outcome.errors))


def present(settings: Settings, outcome: Outcome, wants_json: bool) -> None:
    """Says how it went, and tells of new letters by the ways of OSS_DATASTORE_ALERTS."""
    alert = tell(settings)
    if wants_json:
        as_json(
            {
                "exit_code": outcome.exit_code,
                "runs": outcome.run_ids,
                "errors": outcome.errors,
                "days": [state.as_dict() for state in outcome.states],
                "alert": alert,
            }
        )
        return
    for error in outcome.errors:
        click.echo(f"error: {error}", err=True)
    if not outcome.run_ids:
        click.echo("nothing is missing")
        return
    if outcome.errors:
        return
    planned = sum(sum(state.states.values()) for state in outcome.states)
    days = f"{outcome.states[0].day}" if len(outcome.states) == 1 else f"{len(outcome.states)} days"
    left = unsettled(outcome.states)
    if left:
        told = ", ".join(f"{count} {state}" for state, count in sorted(left.items()))
        click.echo(f"{days}: {planned} scopes planned, not whole: {told}. See `oss-datastore status` and `dlq list`.")
    else:
        click.echo(f"{days}: all {planned} planned scopes are settled")
    click.echo(f"report: {settings.report_path}")


def tell(settings: Settings) -> str | None:
    """Evaluates the alert function; the queue being away is told, and fails nothing."""
    from oss_datastore.alerts import evaluate, notifiers
    from oss_datastore.dead_letters import PostgresUnavailable, QueueError

    try:
        alert = evaluate(open_queue(settings), notifiers(settings), settings.clock)
    except (QueueError, PostgresUnavailable) as why:
        click.echo(f"alerts could not be evaluated: {why}", err=True)
        return None
    return alert.subject if alert else None


def _staging(settings: Settings) -> Staging:
    return Staging(open_store(settings))


def _days(first: date, last: date) -> list[date]:
    return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
