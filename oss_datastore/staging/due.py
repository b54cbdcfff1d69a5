"""What is due: which scopes of an answer set must be asked on a day, from which moment on, and which need not be.

Pure decisions over the catalogue, the inventory and the last complete entry of each scope. How something is asked is
`collect_…`, which scopes there are is `scopes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oss_datastore.catalogue import DATASETS, TABLES
from oss_datastore.catalogue.model import Addressable, AnswerSet, FileRequest, GraphRequest, RestRequest
from oss_datastore.clock import day_close
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State
from oss_datastore.staging.scopes import INVENTORY, SETTINGS, Scope

WHOLE_LIST_DAYS = 7
"""Days after which a list of which only changes were asked is read whole again: deletions show nowhere else."""

Key = tuple[str, str]
Rows = Callable[[date], Mapping[int, Mapping[str, Any]]]
"""The inventory of a day by the repository's numeric id."""


@dataclass(frozen=True)
class Question:
    """What is to be asked of one scope: changes since a moment, or everything.

    `expected` is how many records GitHub counted when the inventory was seen (`counted_at`), None where it told none.
    `past` is the last complete entry of the counted dataset. `off` says why nothing is expected at all: the feature is
    switched off.
    """

    since: datetime | None
    expected: int | None = None
    counted_at: datetime | None = None
    past: LedgerEntry | None = None
    off: str = ""


@dataclass(frozen=True)
class Answered:
    """What the inventory alone answers of a scope; pending where it is still to come."""

    state: State
    coverage: Coverage | None
    detail: str
    listed: int | None = None
    listed_on: date | None = None


WAITING = Answered(State.pending, None, "waits for the list of repositories, which is not whole yet")


def is_due(every_days: int, scope: Scope, past: LedgerEntry | None, day: date) -> bool:
    """Whether a scope is asked on a day at all.

    Where that is once a week, each scope keeps a weekday of its own, so that a thousand do not fall on one.
    """
    return every_days <= 1 or past is None or _is_turn(every_days, (day - past.day).days, scope, day)


def _is_turn(every: int, age: int, scope: Scope, day: date) -> bool:
    number = scope.id if isinstance(scope.id, int) else 0
    return age >= every or (2 * age > every and (day.toordinal() + number) % every == 0)


def is_incremental(request: RestRequest | GraphRequest | FileRequest) -> bool:
    """Whether a request can ask for what changed only."""
    return not isinstance(request, FileRequest) and bool(request.newest_first or request.since)


def last_complete_of(
    answer_set: AnswerSet, keys: Iterable[Key], pasts: Mapping[Key, LedgerEntry]
) -> LedgerEntry | None:
    """The oldest of the last complete entries of what changes can be asked of; None where one of them has none."""
    keys = list(keys)
    by_time = [key for key in keys if DATASETS[key[0]].addressable in (Addressable.since, Addressable.feed)]
    found = [pasts.get(key) for key in by_time or keys]
    known = [entry for entry in found if entry is not None]
    return min(known, key=lambda entry: entry.day) if known and len(known) == len(found) else None


def question_of(
    answer_set: AnswerSet,
    request: RestRequest | GraphRequest | FileRequest,
    scope: Scope,
    keys: Iterable[Key],
    pasts: Mapping[Key, LedgerEntry],
    day: date,
    rows: Rows,
) -> Question | Answered:
    """What must be asked of a scope, or what the inventory says of it already: be it that it must be waited for."""
    if scope.replaced:
        return Answered(State.gone, None, "its name belongs to another repository now")
    if waits(answer_set, scope):
        return WAITING
    keys = list(keys)
    counted = pasts.get((answer_set.datasets[0].name, str(scope)))
    last = last_complete_of(answer_set, keys, pasts)
    moment = day_close(last.day) - answer_set.overlap if last is not None else None
    seen = scope.inventory
    since = moment if is_incremental(request) else None
    if seen is None:
        return Question(since, past=counted)
    off = _switched_off(answer_set, seen)
    if off and isinstance(request, RestRequest) and request.belongs_to:
        return Question(since, past=counted, off=off)  # the organisation's list is asked anyway: what it names is there
    if off:
        return Answered(State.disabled, None, off)
    if answer_set.present and seen.get(answer_set.present) == 0:
        return Answered(State.complete, Coverage.empty, f"{answer_set.present} is 0", 0, day)
    counts = [int(seen[name]) for name in answer_set.counts if seen.get(name) is not None]
    expected = sum(counts) if counts and len(counts) == len(answer_set.counts) else None
    counted_at = seen["fetched_at"].replace(tzinfo=UTC)
    asked = Question(since, expected, counted_at, counted)
    whole = Question(None, expected, counted_at, counted)
    if moment is None or last is None:
        return asked
    if answer_set.probe and not _moved(answer_set, scope, moment, last.day, rows):
        known = counted.listed if counted is not None else None
        if expected is None or expected == known:
            listed_on = counted.listed_on if counted is not None else None
            return Answered(State.complete, Coverage.unchanged, "", known, listed_on)
    if answer_set.counts and since is not None and _whole_list_is_due(answer_set, scope, counted, day, rows):
        return whole
    return asked


def waits(answer_set: AnswerSet, scope: Scope) -> bool:
    """Whether a list of repositories that is still to come says what need not be asked of a scope, or how.

    Asked now, it would be asked whole, and the day's tables would tell of it.
    """
    by_inventory = answer_set.probe or answer_set.counts or answer_set.present or answer_set.switch
    return bool((by_inventory and INVENTORY in scope.awaited) or (answer_set.switch and SETTINGS in scope.awaited))


def _switched_off(answer_set: AnswerSet, seen: Mapping[str, Any]) -> str:
    """Why there can be no records; '' where the feature is on, or nothing is told of it."""
    told = {name: seen[name] for name in answer_set.switch if seen.get(name) is not None}
    if not told or any(value not in (False, "disabled") for value in told.values()):
        return ""
    return "switched off: " + ", ".join(f"{name} is {str(value).lower()}" for name, value in told.items())


def _whole_list_is_due(answer_set: AnswerSet, scope: Scope, counted: LedgerEntry | None, day: date, rows: Rows) -> bool:
    read = counted.listed_on if counted is not None else None
    if read is None:
        return True
    if not _is_turn(WHOLE_LIST_DAYS, (day - read).days, scope, day):
        return False
    return _moved(answer_set, scope, day_close(read), read, rows)


def _moved(answer_set: AnswerSet, scope: Scope, moment: datetime, day: date, rows: Rows) -> bool:
    """Whether a column of the inventory shows a change since a moment, or since the inventory of a day.

    An inventory is seen some time after the close of its day, so what changed its value may belong to the next day:
    where records are kept by their time, a changed value counts as moved once more on the day after. On the day after
    the first there is nothing that it could have changed from: GitHub's times of the repository tell instead.
    """
    seen = scope.inventory or {}
    inventory = TABLES[INVENTORY]
    by_value = [name for name in answer_set.probe if inventory.column(name).type != "timestamp"]
    for name in answer_set.probe:
        if name not in by_value and seen.get(name) is not None and seen[name].replace(tzinfo=UTC) >= moment:
            return True
    by_time = {Addressable.since, Addressable.history, Addressable.feed}
    is_dated = any(dataset.addressable in by_time for dataset in answer_set.datasets)
    for back in range(2 if by_value and is_dated else 1 if by_value else 0):
        before = rows(day - timedelta(days=back)).get(int(scope.id)) or {}
        if back and not before and _rested(rows(day).get(int(scope.id)) or {}, day_close(day)):
            continue
        if any(name not in before or before[name] != seen.get(name) for name in by_value):
            return True
    # A list by REST tells neither counts nor times of the newest change: nothing of it may say that nothing moved.
    return all(seen.get(name) is None for name in ("issues_count", "pull_requests_count"))


def _rested(row: Mapping[str, Any], close: datetime) -> bool:
    """Whether a repository neither changed nor was pushed to, nor got a star, between a close and its inventory."""
    moments = [row.get("settings_updated_at"), row.get("pushed_at") or row.get("created_at")]
    return all(moment is not None and moment.replace(tzinfo=UTC) < close for moment in moments)


def recount(
    question: Question, created: Mapping[tuple[Any, ...], datetime | None], day: date, *, whole: bool
) -> tuple[int | None, bool]:
    """How many records GitHub's list held at the close of a day, and whether that agrees with GitHub's own count.

    After a whole list GitHub's count is believed where it differs (records that nobody may see are counted, too): from
    then on it is changes that are compared.
    """
    close = day_close(day).replace(tzinfo=None)
    if any(moment is None for moment in created.values()):
        return None, True
    moments = [moment for moment in created.values() if moment is not None]
    later = 0
    if question.counted_at is not None:
        seen = question.counted_at.replace(tzinfo=None) + timedelta(seconds=1)
        later = sum(1 for moment in moments if close <= moment < seen)
    if whole:
        own = sum(1 for moment in moments if moment < close)
        return (question.expected - later if question.expected is not None else own), True
    past = question.past
    if past is None or past.listed is None:
        return None, True
    begun = day_close(past.day).replace(tzinfo=None)
    listed = past.listed + sum(1 for moment in moments if begun <= moment < close)
    return listed, question.expected is None or listed + later == question.expected
