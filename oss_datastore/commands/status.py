"""`status`: what is whole, what is missing and until when it can be had, read at a glance."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import click

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.alerts import Severity, notifiers
from oss_datastore.alerts.letters import still_losing
from oss_datastore.alerts.memory import Memory, Told
from oss_datastore.catalogue import DATASETS
from oss_datastore.commands.output import as_json, console, table
from oss_datastore.completeness import LOOK_BACK_DAYS, DayState, day_state
from oss_datastore.connections import open_queue, open_store
from oss_datastore.dead_letters import DeadLetterQueue, PostgresUnavailable, QueueError, SpoolingQueue
from oss_datastore.dead_letters.spool import SPOOL
from oss_datastore.settings import Settings
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import Cost
from oss_datastore.staging.plans import Waiting, last_plan, next_moment, spent_since, waiting

Loss = tuple[datetime, str, date, int]
"""Until when it can be had, the dataset, the day, and how many letters."""

Standing = tuple[str, Told, list[str]]
"""The key of a concern, what was told of it, and the notifiers that told it."""


@click.command(short_help="What is whole, what is missing, what will be lost when.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def status(wants_json: bool) -> None:
    """Shows the last fourteen days: planned scopes by state, what is missing, and the dead letters."""
    settings = Settings.load()
    staging = Staging(open_store(settings))
    last = settings.clock.last_closed_day()
    gaps = accepted_gaps(staging, last)
    states = [day_state(staging, last - timedelta(days=n), settings.datasets, gaps) for n in range(LOOK_BACK_DAYS)]
    memories: list[Memory] = []
    try:
        queue = open_queue(settings)
        SpoolingQueue(lambda: queue, staging.store, clock=settings.clock).drain()
        counts = queue.counts()
        losing, overdue = _losses(queue, staging, settings.clock.now())
        lost = overdue + sum(counts["expired"].values())
        ways = {notifier.name for notifier in notifiers(settings)}
        # What a notifier told that is no longer set is not judged any more.
        memories = [memory for memory in Memory.all(queue) if memory.notifier in ways]
        letters = {state: sum(kinds.values()) for state, kinds in counts.items()}
        kinds = Counter({f"{d}: {kind}": count for (d, kind), count in counts["open"].items()})
        trouble, spooled = None, 0
    except (QueueError, PostgresUnavailable) as why:
        letters, kinds, losing, lost, trouble = {}, Counter(), [], 0, str(why)
        spooled = sum(1 for _ in staging.store.list(SPOOL))
    plan = last_plan(staging.store, last)
    spent = spent_since(staging, last, plan.made) if plan else Cost()
    waits = waiting(entry for state in states for entry in state.missing)
    next_at = next_moment(plan, settings.clock.now()) if waits else None
    standing = _standing(memories)
    silent = [memory for memory in memories if memory.trouble]
    if wants_json:
        as_json(
            {
                "home": str(settings.home_path),
                "last_closed_day": last.isoformat(),
                "days": [state.as_dict() for state in states],
                "plan": {**plan.as_dict(), "line": plan.line, "spent": asdict(spent)} if plan else None,
                "waiting": [one.as_dict() for one in waits],
                "asked_again_from": next_at.isoformat() if next_at else None,
                "letters": letters,
                "queue": trouble or "reachable",
                "spooled": spooled,
                "will_be_lost": [
                    {"dataset": dataset, "day": day.isoformat(), "letters": count, "at": until.isoformat()}
                    for until, dataset, day, count in losing
                ],
                "lost": lost,
                "alerts": [{"concern": key, **asdict(told), "by": by} for key, told, by in standing],
                "notifiers": [
                    {"notifier": memory.notifier, **asdict(memory.trouble)} for memory in silent if memory.trouble
                ],
                "accepted_gaps": [
                    {
                        "dataset": gap.dataset,
                        "scope_pattern": gap.scope_pattern,
                        "reason": gap.reason,
                        "approver": gap.approver,
                        "until": gap.until.isoformat(),
                        "ended": gap.until <= last,
                    }
                    for gap in gaps
                ],
            }
        )
        return
    _show_days(states)
    if plan:
        console.print(f"\nplan of {plan.made_at:%Y-%m-%d %H:%M} UTC, {plan.line}", markup=False)
        console.print(f"spent since: {spent.requests:,} requests and {spent.points:,} points", markup=False)
    if waits:
        _show_waiting(waits, next_at)
    _show_missing(states, settings.clock.now())
    console.print()
    if trouble:
        console.print(f"dead letter queue: {trouble}", markup=False)
        if spooled:
            console.print(f"{spooled} waiting in the raw store, to be taken in when it is back", markup=False)
    else:
        told = ", ".join(f"{count} {state}" for state, count in letters.items() if count) or "empty"
        console.print(f"dead letter queue: {told}", markup=False)
        for kind, count in kinds.most_common(10):
            console.print(f"  {count:>5} {kind}", markup=False)
    _show_losses(losing, lost)
    if gaps:
        console.print("\naccepted gaps", style="bold")
        for gap in gaps:
            console.print(f"  {'ended: ' if gap.until <= last else ''}{gap.line}", markup=False)
    _show_alerts(standing, silent)


def _show_days(states: list[DayState]) -> None:
    rows = []
    for state in states:
        left = Counter(entry.state.value for entry in state.missing)
        what = "whole" if state.is_whole else "never fetched" if not state.is_staged else "not whole"
        told = ", ".join(f"{n} {s}" for s, n in sorted(left.items()))
        rows.append((state.day, what, sum(state.states.values()), told))
    table(("day", "state", "scopes", "not whole"), rows)


def _show_waiting(waits: list[Waiting], next_at: datetime | None) -> None:
    when = f", asked again from {next_at:%Y-%m-%d %H:%M} UTC on" if next_at else ""
    console.print(f"\npending{when}; what is lost first on top:", style="bold", markup=False)
    table(
        ("day", "dataset", "scopes", "can be had", "why"),
        [
            (
                one.day,
                one.dataset,
                one.scopes,
                f"until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "",
                one.why,
            )
            for one in waits
        ],
    )


def _show_missing(states: list[DayState], now: datetime) -> None:
    missing = [(state, entry) for state in states for entry in state.missing]
    if not missing:
        return
    console.print("\nmissing, what is lost first on top:", style="bold")
    found = []
    for state, entry in missing:
        until = recoverable_until(DATASETS[entry.dataset].addressable, entry.day)
        when = "at any time" if until is None else "lost" if until <= now else f"until {until:%Y-%m-%d %H:%M} UTC"
        if entry.covered_by:
            when = f"held by {entry.covered_by}"
        gap = state.accepted(entry)
        order = (gap is not None, until is None, until or now, entry.day, entry.dataset, entry.scope)
        accepted = f"until {gap.until}" if gap else ""
        found.append((order, (entry.day, entry.dataset, entry.scope, entry.state.value, when, entry.letter, accepted)))
    found.sort(key=lambda one: one[0])
    headers = ("day", "dataset", "scope", "state", "can be had", "letter", "accepted")
    table(headers, [row for _, row in found[:40]])
    if len(found) > 40:
        click.echo(f"and {len(found) - 40} more")


def _show_losses(losing: list[Loss], lost: int) -> None:
    if losing:
        console.print("\nlost for ever unless it is had before:", style="bold")
        table(
            ("at (UTC)", "dataset", "day", "letters"), [(f"{u:%Y-%m-%d %H:%M}", s, d, n) for u, s, d, n in losing[:20]]
        )
        if len(losing) > 20:
            click.echo(f"and {len(losing) - 20} more")
    if lost:
        console.print(f"\nletters lost for ever: {lost}, see `oss-datastore dlq list --state expired`", markup=False)


def _show_alerts(standing: list[Standing], silent: list[Memory]) -> None:
    if standing:
        console.print("\nalerts that stand", style="bold")
        for _, told_of, by in standing:
            console.print(f"  {told_of.severity}: {told_of.subject} (told by {', '.join(by)})", markup=False)
    for memory in silent:
        if memory.trouble:
            console.print(
                f"\nOSS_DATASTORE_ALERTS: {memory.notifier} does not deliver since {memory.trouble.since[:16]} UTC, "
                f"tried {memory.trouble.tries} times: {memory.trouble.why}",
                markup=False,
            )


def _losses(queue: DeadLetterQueue, staging: Staging, now: datetime) -> tuple[list[Loss], int]:
    """Open letters that will be lost, soonest first, and how many are lost but not marked as expired yet.

    What a later fetch holds is neither.
    """
    together: Counter[tuple[datetime, str, date]] = Counter()
    for row in queue.outstanding(0, []):
        if row["recoverable_until"] is not None and (count := still_losing(queue, staging, row)):
            together[row["recoverable_until"].astimezone(UTC), row["dataset"], row["day"]] += count
    overdue = sum(count for (until, _, _), count in together.items() if until <= now)
    return [(*key, count) for key, count in sorted(together.items()) if key[0] > now], overdue


def _standing(memories: list[Memory]) -> list[Standing]:
    """What was told and is not over, the most urgent first."""
    found: dict[str, tuple[Told, list[str]]] = {}
    for memory in memories:
        for key, told in memory.standing().items():
            found.setdefault(key, (told, []))[1].append(memory.notifier)
    ordered = sorted(found.items(), key=lambda item: (Severity(item[1][0].severity).rank, item[0]))
    return [(key, told, by) for key, (told, by) in ordered]
