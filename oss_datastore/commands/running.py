"""What `run`, `rebuild` and `demo` share: which days, the runs themselves, and what is said at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.commands.output import as_json, table
from oss_datastore.commands.progress import run_progress
from oss_datastore.completeness import DayState, day_state, exit_code, missing_days, spans, unsettled
from oss_datastore.connections import open_fetcher, open_store, open_warehouse, prepare_home
from oss_datastore.settings import Settings
from oss_datastore.staging.days import DayNotOver
from oss_datastore.staging.ledger import State
from oss_datastore.staging.lines import Staging, new_generation
from oss_datastore.staging.planner import Cost
from oss_datastore.staging.plans import last_plan, next_moment, spent_since, waiting
from oss_datastore.staging.scopes import unmatched_patterns

if TYPE_CHECKING:
    from oss_datastore.runs import Runner


@dataclass
class Outcome:
    """What became of a command: the runs' errors and the days' states."""

    run_ids: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    states: list[DayState] = field(default_factory=list)
    spent: Cost = field(default_factory=Cost)
    next_at: datetime | None = None
    """When the hourly budget begins anew, where something waits for it."""

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
            raise click.UsageError(f"--to ({end}) lies before --from ({begin})")
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
            if not force:
                click.echo(fetcher.plan(ranges[-1][1]).line, err=True)
        finally:
            fetcher.github.close()
    from oss_datastore.runs import Runner

    began = new_generation()
    with run_progress() as shown:
        runner = Runner(settings, watcher=shown)
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
    gaps = accepted_gaps(staging, settings.clock.last_closed_day())
    for first, last in ranges:
        for day in _days(first, last):
            outcome.states.append(day_state(staging, day, settings.datasets, gaps))
            outcome.spent += spent_since(staging, day, began)
    if waiting(entry for state in outcome.states for entry in state.missing):
        outcome.next_at = next_moment(last_plan(staging.store, ranges[-1][1]), settings.clock.now())
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

    open_warehouse(settings).clear()
    click.echo(f"loading {len(days)} staged days, {days[0]} to {days[-1]}")
    outcome = Outcome()
    with run_progress() as shown:
        runner = Runner(settings, watcher=shown)
        for first, last in spans(days):
            _run_one(runner, outcome, first, last, "not group:staging", False)
    for error in outcome.errors:
        click.echo(f"error: {error}", err=True)
    return 1 if outcome.errors else 0


def load_days(settings: Settings, days: Iterable[date], datasets: Iterable[str] = ()) -> None:
    """Loads staged days anew, psa to report. Raises ClickException when a run fails.

    Staged assets of `datasets` are materialised, too: what they say of the days, and their checks, is of today then.
    """
    from oss_datastore.runs import Runner

    outcome = Outcome()
    chosen = " or ".join(["not group:staging", *(f'key:"staging/{dataset}"' for dataset in datasets)])
    with run_progress() as shown:
        runner = Runner(settings, watcher=shown)
        for first, last in spans(days):
            _run_one(runner, outcome, first, last, chosen, False)
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
                "spent": asdict(outcome.spent),
                "next_at": outcome.next_at.isoformat() if outcome.next_at else None,
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
    _present_datasets(outcome.states)
    planned = sum(sum(state.states.values()) for state in outcome.states)
    days = f"{outcome.states[0].day}" if len(outcome.states) == 1 else f"{len(outcome.states)} days"
    left = unsettled(outcome.states)
    if left:
        told = ", ".join(f"{count} {state}" for state, count in sorted(left.items()))
        click.echo(f"{days}: {planned} scopes planned, not whole: {told}. See `oss-datastore status` and `dlq list`.")
        accepted = left.total() - sum(len(state.unaccepted) for state in outcome.states)
        if accepted:
            click.echo(f"of these, {accepted} are accepted gaps")
    else:
        click.echo(f"{days}: all {planned} planned scopes are settled")
    click.echo(f"spent: {outcome.spent.requests:,} requests and {outcome.spent.points:,} points")
    if left.get("pending"):
        when = f" from {outcome.next_at:%H:%M} UTC on" if outcome.next_at else ""
        click.echo(f"left for the next run{when}: {left['pending']} scopes")
    click.echo(f"report: {settings.report_path}")


def _present_datasets(states: list[DayState]) -> None:
    """Planned scopes of each dataset and what became of them, all days together."""
    counts: dict[str, Counter[str]] = {}
    for state in states:
        for name, found in state.datasets.items():
            counts.setdefault(name, Counter()).update(found)
    shown = [s.value for s in State if any(found[s.value] for found in counts.values())]
    table(
        ("dataset", "planned", *shown),
        [(name, found.total(), *(found[s] or "" for s in shown)) for name, found in sorted(counts.items())],
    )


def tell(settings: Settings) -> str | None:
    """Evaluates the alert function, as the sensors do; the queue being away is told, and fails nothing."""
    import dagster as dg

    from oss_datastore.dead_letters import QueueError
    from oss_datastore.runs import dagster_home
    from oss_datastore.sensors import tell_and_show

    dagster_home(settings)
    try:
        with dg.DagsterInstance.get() as instance:
            alerts, away = tell_and_show(settings, instance)
    except QueueError as why:
        alerts, away = [], str(why)
    if away:
        click.echo(f"alerts could not be evaluated: {away}", err=True)
    return "; ".join(alert.subject for alert in alerts) or None


def _staging(settings: Settings) -> Staging:
    return Staging(open_store(settings))


def _days(first: date, last: date) -> list[date]:
    return [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
