"""`status`: what is whole, what is missing and until when it can be had, read at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import click
from rich.padding import Padding
from rich.text import Text

from oss_datastore.accepted_gaps import accepted_gaps
from oss_datastore.alerts import Severity, notifiers
from oss_datastore.alerts.letters import still_losing
from oss_datastore.alerts.memory import Memory, Told
from oss_datastore.catalogue import DATASETS
from oss_datastore.commands.output import as_json, console, table
from oss_datastore.completeness import LOOK_BACK_DAYS, DayState, day_state, seen_in_part
from oss_datastore.connections import open_queue, open_store
from oss_datastore.dead_letters import DeadLetterQueue, PostgresUnavailable, QueueError, SpoolingQueue
from oss_datastore.dead_letters.spool import SPOOL
from oss_datastore.settings import Settings
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.ledger import LedgerEntry, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import Cost
from oss_datastore.staging.plans import Waiting, last_plan, next_moment, spent_since, waiting

LISTED = 20
"""So many groups of what is missing are listed."""

Fate = Literal["until", "always", "lost", "held", "accepted"]
"""Whether what is missing can still be had; `held`: by the fetch of a later day."""

_FATES: tuple[Fate, ...] = ("until", "always", "lost", "held", "accepted")

_SUMMARY: Mapping[Fate, str] = {
    "always": "at any time",
    "lost": "lost",
    "held": "held by a later day",
    "accepted": "accepted",
}

Loss = tuple[datetime, str, date, int]
"""Until when it can be had, the dataset, the day, and how many letters."""

Standing = tuple[str, Told, list[str]]
"""The key of a concern, what was told of it, and the notifiers that told it."""


@click.command(short_help="What is whole, what is missing, what will be lost when.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def status(wants_json: bool) -> None:
    """Shows the last fourteen days: planned scopes by state, what is missing, why, and what to do about it."""
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
    now = settings.clock.now()
    groups = grouped(states, now)
    verdict = verdict_of(states, groups)
    marts_as_of = _marts_as_of(staging)
    standing = _standing(memories)
    silent = [memory for memory in memories if memory.trouble]
    if wants_json:
        as_json(
            {
                "home": str(settings.home_path),
                "verdict": verdict,
                "infomarts_as_of": marts_as_of.isoformat() if marts_as_of else None,
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
    well = all(not state.unaccepted for state in states) and states[0].is_staged
    console.print(verdict, style="bold green" if well else "bold yellow", markup=False)
    console.print(_marts_line(states, marts_as_of), markup=False)
    if any(state.is_staged for state in states):
        _show_days(states)
    _show_missing(groups)
    if waits:
        _show_waiting(waits, next_at)
    console.print()
    if trouble:
        console.print(f"dead letter queue, not ok: {trouble}", markup=False)
        if spooled:
            console.print(f"{spooled} waiting in the raw store, to be taken in when it is back", markup=False)
    else:
        told = ", ".join(f"{count} {state}" for state, count in letters.items() if count) or "empty"
        console.print(f"dead letter queue: {told}", markup=False)
        for kind, count in kinds.most_common(10):
            console.print(f"  {count:>5} {kind}", markup=False)
    listed = {(entry.dataset, entry.day) for group in groups for entry in group.entries}
    _show_losses([loss for loss in losing if loss[1:3] not in listed], lost)
    if gaps:
        console.print("\naccepted gaps", style="bold")
        for gap in gaps:
            console.print(f"  {'ended: ' if gap.until <= last else ''}{gap.line}", markup=False)
    _show_alerts(standing, silent)
    if plan:
        console.print(f"\nplan of {plan.made_at:%Y-%m-%d %H:%M} UTC, {plan.line}", markup=False)
        console.print(f"spent since: {spent.requests:,} requests and {spent.points:,} points", markup=False)


@dataclass(frozen=True)
class Group:
    """What is missing of a dataset for one cause and with one fate: scopes of one or several days."""

    dataset: str
    state: State
    fate: Fate
    entries: tuple[LedgerEntry, ...]
    until: datetime | None
    """When the first of it is lost for ever."""

    @property
    def days(self) -> str:
        """`Sat 28 Nov`, or how many and from which to which."""
        days = sorted({entry.day for entry in self.entries})
        if len(days) == 1:
            return short(days[0])
        return f"{len(days)} days, {short(days[0])} to {short(days[-1])}"

    @property
    def can_be_had(self) -> str:
        """Until when, in the words of the column."""
        held = max((e.covered_by for e in self.entries if e.covered_by), default=None)
        match self.fate:
            case "until":
                assert self.until is not None  # noqa: S101
                return f"until {short(self.until.date())} {self.until:%H:%M}"
            case "held":
                return f"held by {short(held)}" if held else "held by a later day"
            case "always":
                return "at any time"
            case _:
                return self.fate

    @property
    def why(self) -> str:
        """What the ledger says of the first of it."""
        more = f" (and {len(self.entries) - 1} more)" if len(self.entries) > 1 else ""
        return (self.entries[0].detail or "the ledger gives no reason") + more

    @property
    def command(self) -> str:
        """What a person can do, '' where there is nothing."""
        letters = sorted({entry.letter for entry in self.entries if entry.letter is not None})
        if self.fate in ("lost", "held", "accepted"):
            return ""
        if self.state is State.forbidden or any(seen_in_part(entry) for entry in self.entries):
            return "oss-datastore doctor   says what to grant"
        if all(entry.only_parsing for entry in self.entries) and letters:
            return f"oss-datastore dlq show {letters[0]}   a record that this version cannot read"
        if self.state is State.pending:
            return "oss-datastore run"
        if len(letters) == 1:
            return f"oss-datastore dlq retry {letters[0]}"
        return f"oss-datastore dlq retry --dataset {self.dataset}" if letters else "oss-datastore run"


def grouped(states: list[DayState], now: datetime) -> list[Group]:
    """What is missing by dataset, state and fate: what is lost first on top, what nobody can change last."""
    found: dict[tuple[str, State, Fate], list[LedgerEntry]] = {}
    for state in states:
        for entry in state.missing:
            found.setdefault((entry.dataset, entry.state, _fate(state, entry, now)), []).append(entry)
    groups = []
    for (dataset, state_, fate), entries in found.items():
        moments = [recoverable_until(DATASETS[dataset].addressable, entry.day) for entry in entries]
        until = min((moment for moment in moments if moment is not None), default=None)
        groups.append(Group(dataset, state_, fate, tuple(entries), until if fate == "until" else None))
    return sorted(groups, key=lambda g: (_FATES.index(g.fate), g.until or now, g.dataset, g.state.value))


def _fate(state: DayState, entry: LedgerEntry, now: datetime) -> Fate:
    until = recoverable_until(DATASETS[entry.dataset].addressable, entry.day)
    if state.accepted(entry):
        return "accepted"
    if entry.covered_by:
        return "held"
    return "always" if until is None else "until" if until > now else "lost"


def verdict_of(states: list[DayState], groups: list[Group]) -> str:
    """The first line: to which day there is data, how much of it is whole, and what can be done about the rest."""
    staged = [state for state in states if state.is_staged]
    closed = states[0].day
    if not staged:
        return f"No data yet: `oss-datastore run` fetches {short(closed)}, the last day that is over."
    planned = sum(state.states.total() for state in staged)
    counts: Counter[Fate] = Counter()
    for group in groups:
        counts[group.fate] += len(group.entries)
    whole = planned - counts.total()
    told = f"Data to {short(staged[0].day)}: "
    told += f"all {planned:,} scopes whole" if whole == planned else f"{whole:,} of {planned:,} scopes whole"
    if len(staged) > 1:
        told += f" in {len(staged)} days"
    until = min((group.until for group in groups if group.until), default=None)
    parts = []
    if until is not None:
        parts.append(f"{counts['until']} can be had until {short(until.date())} {until:%H:%M} UTC")
    for fate, words in _SUMMARY.items():
        if counts[fate]:
            parts.append(f"{counts[fate]} {words}")
    told += "".join(f"; {part}" for part in parts) + "."
    if staged[0].day != closed:
        told += f" {short(closed)} is not fetched yet: `oss-datastore run`."
    return told


def short(day: date) -> str:
    """`Sun 22 Nov`."""
    return f"{day:%a} {day.day} {day:%b}"


def _marts_as_of(staging: Staging) -> date | None:
    from oss_datastore.warehouse.published import NotKept, PublishedMarts

    try:
        return PublishedMarts.of(staging.store).as_of
    except NotKept:
        return None


def _marts_line(states: list[DayState], as_of: date | None) -> str:
    staged = [state.day for state in states if state.is_staged]
    if as_of is None:
        return "Nothing is loaded into the infomarts yet."
    late = f"; {short(staged[0])} is staged and not loaded" if staged and staged[0] > as_of else ""
    return f"Infomarts and page: data to {short(as_of)}{late}."


def _show_days(states: list[DayState]) -> None:
    """Days by state; days before the first that was ever fetched are one line."""
    first = max(n for n, state in enumerate(states) if state.is_staged)
    shown = [s.value for s in State if any(state.states[s.value] for state in states)]
    rows = []
    for state in states[: first + 1]:
        missing, accepted = len(state.unaccepted), len(state.missing) - len(state.unaccepted)
        told = "not fetched" if not state.is_staged else f"{missing} missing" if missing else "whole"
        if accepted:
            told += f", {accepted} accepted"
        if state.is_staged and state.left_out:
            told += f", {len(state.left_out)} lists not asked"
        rows.append((short(state.day), told, state.states.total() or "", *(state.states[s] or "" for s in shown)))
    console.print()
    table(("day", "", "scopes", *shown), rows, numbers=range(2, 3 + len(shown)))
    if before := len(states) - first - 1:
        console.print(f"{before} days before {short(states[first].day)} were not fetched", style="dim", markup=False)


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


def _show_missing(groups: list[Group]) -> None:
    """One block per group: a line in columns, why, and what to do. Blocks can be read at any width."""
    if not groups:
        return
    console.print("\nmissing, what is lost first on top (times are UTC)", style="bold", markup=False)
    columns = [(g.dataset, f"{len(g.entries)} {g.state.value}", g.days, g.can_be_had) for g in groups[:LISTED]]
    widths = [max(len(row[n]) for row in columns) for n in range(4)]
    for group, row in zip(groups, columns, strict=False):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        console.print(line.rstrip(), style="red" if group.fate == "lost" else None, markup=False)
        console.print(Padding(Text(f"why: {group.why}", style="dim"), (0, 0, 0, 4), expand=False))
        if group.command:
            console.print(f"    do:  {group.command}", markup=False)
    if len(groups) > LISTED:
        console.print(f"and {len(groups) - LISTED} more groups: `oss-datastore status --json`", markup=False)


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
