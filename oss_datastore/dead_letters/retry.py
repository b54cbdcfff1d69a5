"""Retrying letters: the whole scope of the original day is fetched again, or its staged line parsed again.

A letter's address or page is evidence, not a recipe: what counts is that the scope becomes whole. Nothing observed
later is dated back: past the time until which a day can be had, the letter expires and the scope is unavailable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.catalogue.parse import parse
from oss_datastore.dead_letters.letters import Letter
from oss_datastore.dead_letters.queue import DeadLetterQueue
from oss_datastore.staging.days import can_be_had
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.ledger import SETTLED, Coverage, LedgerEntry, State
from oss_datastore.staging.lines import Staging


@dataclass(frozen=True)
class RetryReport:
    """What became of the letters that were retried; `days` are those whose tables must be loaded anew."""

    resolved: tuple[int, ...]
    open: tuple[int, ...]
    expired: tuple[int, ...]
    days: tuple[date, ...]


def retry(letters: Sequence[Letter], queue: DeadLetterQueue, fetcher: Fetcher, *, who: str) -> RetryReport:
    """Retries letters that were claimed by `who`. Raises what ends a fetch; the leases then end by themselves."""
    resolved: list[int] = []
    still_open: list[int] = []
    expired: list[int] = []
    days: set[date] = set()
    for name, day in sorted({(ANSWER_SET_OF[letter.dataset].name, letter.day) for letter in letters}):
        group = [le for le in letters if ANSWER_SET_OF[le.dataset].name == name and le.day == day]
        lost = [le for le in group if le.recoverable_until and fetcher.clock.now() >= le.recoverable_until]
        fetched = {le.scope for le in group if le.source != "etl"}
        if fetched:
            fetcher.fetch(name, day, only=fetched)
        parsed = sorted({(le.dataset, le.scope) for le in group if le.source == "etl" and le.scope not in fetched})
        unparsed = [key for key in parsed if not parse_again(fetcher.staging, *key, day)]
        now = fetcher.clock.now()
        anew = {scope for dataset, scope in unparsed if can_be_had(DATASETS[dataset].addressable, day, now)}
        if anew:  # no newer code of ours helps: perhaps GitHub answers well now
            fetcher.fetch(name, day, only=anew)
            unparsed = [key for key in unparsed if not parse_again(fetcher.staging, *key, day)]
        ledger = fetcher.staging.ledger(name, day)
        # Whatever came of it: what the ledger says of the day may be another now, and rows may have come.
        days.add(day)
        for letter in group:
            entry = ledger.get((letter.dataset, letter.scope))
            settled = entry is not None and entry.state in SETTLED and (letter.dataset, letter.scope) not in unparsed
            if letter in lost and entry is not None and _is_lost(letter, entry):
                queue.expire(letter.id, who=who, why="the day cannot be had any more")
                expired.append(letter.id)
            elif entry is not None and settled:
                if queue.get(letter.id).state != "resolved":
                    queue.resolve(letter.id, who=who, why=f"retried: the scope is {entry.state}")
                resolved.append(letter.id)
            else:
                detail = entry.detail if entry is not None else "the scope is no longer planned"
                if queue.get(letter.id).state == "retrying":
                    queue.reopen(letter.id, who=who, why=detail or "retried without success")
                still_open.append(letter.id)
    return RetryReport(tuple(resolved), tuple(still_open), tuple(expired), tuple(sorted(days)))


def _is_lost(letter: Letter, entry: LedgerEntry) -> bool:
    """Whether what the letter tells of can come no more, now that its time is over."""
    if entry.state is State.unavailable:
        return entry.covered_by is None
    # What came of the scope stays; a record that was staged may still parse some day.
    return entry.state is State.partial and letter.source != "etl"


def parse_again(staging: Staging, dataset: str, scope: str, day: date) -> bool:
    """Parses a scope's staged lines by the current code; whether all of them parse, which the ledger then says."""
    name = ANSWER_SET_OF[dataset].name
    entry = staging.ledger(name, day).get((dataset, scope))
    if entry is None or entry.state not in (State.complete, State.partial):
        return False
    rows = 0
    for line in staging.lines(name, day):
        for part in line.parts:
            if (part.dataset, part.scope) != (dataset, scope):
                continue
            parsed = parse(DATASETS[dataset], part, line.payload, day, line.fetched_at)
            if parsed.faults:
                return False
            rows += len(parsed.rows[dataset])
    if entry.state is State.complete or not entry.only_parsing:
        return True  # the letter's record parses; what else is missing has letters of its own
    staging.amend(
        replace(
            entry,
            state=State.complete,
            coverage=entry.coverage or (Coverage.full if rows else Coverage.empty),
            rows=rows,
            letter=None,
            detail="parsed again by newer code",
        )
    )
    return True
