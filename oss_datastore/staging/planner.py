"""What a day will cost, before the first question of it is asked: per answer set and token, beside what is left.

Pure sums over the catalogue, the inventory and what the ledger says that the same lists cost before. An estimate
decides nothing but order: who asks, and where it stops, is `fetch` and the client's budget; what is gathered for the
sums, and where plans are kept, is `plans`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import AnswerSet, FileRequest, GraphRequest, RestRequest, ScopeKind
from oss_datastore.github.graphql import UNKNOWN_COST
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.due import Question, is_incremental
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State

PER_PAGE = 100
CORE, GRAPHQL = "core", "graphql"
HOURLY = (CORE, GRAPHQL)
"""Pools that last an hour; what is counted by the minute is paced and never runs out."""


Urgency = tuple[bool, bool, datetime, bool, int]
"""Sorts what must be asked first in front; see `DayPlan.urgency`."""


@dataclass(frozen=True)
class Cost:
    """REST requests and GraphQL points."""

    requests: int = 0
    points: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.requests + other.requests, self.points + other.points)

    def of(self, pool: str) -> int:
        """What of it a pool pays."""
        return self.requests if pool == CORE else self.points if pool == GRAPHQL else 0


@dataclass(frozen=True)
class SetPlan:
    """What one answer set of one organisation's needs: scopes to ask for, and about what they cost.

    `expires` is when the first of its datasets cannot be had any more; None where GitHub keeps them.
    """

    answer_set: str
    organization: str
    scopes: int
    cost: Cost
    expires: datetime | None


@dataclass(frozen=True)
class Purse:
    """What one pool of a token may still ask; the token is known by the organisations it speaks for."""

    organizations: tuple[str, ...]
    pool: str
    limit: int
    remaining: int
    resets_at: datetime | None


@dataclass(frozen=True)
class DayPlan:
    """What is open of a day, what expires first in front, and what there is to ask it with.

    `made` names the plan and sorts by real time as generations of staging do; `made_at` is the calendar's moment.
    Without `purses` nothing is limited, or nothing is known of it.
    """

    day: date
    made: str
    made_at: datetime
    sets: tuple[SetPlan, ...]
    purses: tuple[Purse, ...]

    @property
    def total(self) -> Cost:
        """Everything together."""
        return sum((planned.cost for planned in self.sets), Cost())

    @property
    def fits(self) -> bool:
        """Whether all of it can be asked for before a budget has to begin anew."""
        return all(self._need(purse) <= purse.remaining for purse in self.purses)

    @property
    def hours(self) -> int:
        """About how many hours of budget it takes, this one included."""
        return max((self._hours(purse) for purse in self.purses), default=1)

    @property
    def postponed(self) -> tuple[SetPlan, ...]:
        """What will not be asked for, or not all of it, before the budget begins anew."""
        spent: dict[tuple[str, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(HOURLY, 0))
        left = {(purse.organizations, purse.pool): purse.remaining for purse in self.purses}
        late = []
        for planned in self.sets:
            whose = next((p.organizations for p in self.purses if planned.organization in p.organizations), ())
            is_late = False
            for pool in HOURLY:
                spent[whose][pool] += planned.cost.of(pool)
                over = spent[whose][pool] > left.get((whose, pool), spent[whose][pool])
                is_late = is_late or (over and planned.cost.of(pool) > 0)
            if is_late:
                late.append(planned)
        return tuple(late)

    @property
    def line(self) -> str:
        """The plan in one line for people."""
        total = self.total
        said = f"{self.day}: about {total.requests:,} requests and {total.points:,} points"
        if not self.purses:
            return f"{said}; GitHub names no limits"
        left = "; ".join(
            self._left(organizations) for organizations in dict.fromkeys(p.organizations for p in self.purses)
        )
        if self.fits:
            return f"{said}; {left}: fits"
        names = list(dict.fromkeys(planned.answer_set for planned in self.postponed))
        told = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        return f"{said}; {left}: does not fit, needs about {self.hours} hours; for the next: {told}"

    def urgency(self, answer_set: AnswerSet) -> Urgency:
        """Sorts what expires first in front.

        Traffic goes before everything: whatever else is missed leaves its trace in the next list of the same kind, and
        a day of traffic that nobody fetched was never there. What is asked once a week can be asked tomorrow instead.
        Of what expires together, that which cannot be whole before the budget begins anew goes last: else one list
        that takes more than an hour would keep all others waiting, hour after hour.
        """
        expires = expiry(answer_set, self.day) if answer_set.every_days == 1 else None
        is_traffic = any(dataset.subject == "traffic" for dataset in answer_set.datasets)
        is_dear = any(
            planned.cost.of(purse.pool) > purse.remaining
            for planned in self.sets
            for purse in self.purses
            if planned.answer_set == answer_set.name and planned.organization in purse.organizations
        )
        never = datetime.max.replace(tzinfo=UTC)
        return not is_traffic, expires is None, expires or never, is_dear, answer_set.priority

    def cost_of(self, answer_set: str) -> Cost:
        """What one answer set costs, all organisations together."""
        return sum((planned.cost for planned in self.sets if planned.answer_set == answer_set), Cost())

    def as_dict(self) -> dict[str, Any]:
        """The JSON form kept in the store."""
        return {
            "day": self.day.isoformat(),
            "made": self.made,
            "made_at": self.made_at.isoformat(),
            "fits": self.fits,
            "hours": self.hours,
            "sets": [{**asdict(planned), "expires": _text(planned.expires)} for planned in self.sets],
            "purses": [{**asdict(purse), "resets_at": _text(purse.resets_at)} for purse in self.purses],
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> DayPlan:
        """The inverse of `as_dict`."""
        return cls(
            date.fromisoformat(value["day"]),
            value["made"],
            datetime.fromisoformat(value["made_at"]),
            tuple(
                SetPlan(**{**planned, "cost": Cost(**planned["cost"]), "expires": _moment(planned["expires"])})
                for planned in value["sets"]
            ),
            tuple(
                Purse(
                    **{
                        **purse,
                        "organizations": tuple(purse["organizations"]),
                        "resets_at": _moment(purse["resets_at"]),
                    }
                )
                for purse in value["purses"]
            ),
        )

    def _need(self, purse: Purse) -> int:
        return sum(p.cost.of(purse.pool) for p in self.sets if p.organization in purse.organizations)

    def _hours(self, purse: Purse) -> int:
        missing = self._need(purse) - purse.remaining
        return 1 + max(0, math.ceil(missing / max(1, purse.limit)))

    def _left(self, organizations: tuple[str, ...]) -> str:
        own = sorted((p for p in self.purses if p.organizations == organizations), key=lambda purse: purse.pool)
        several = len({purse.organizations for purse in self.purses}) > 1
        whose = f"{', '.join(organizations)}: " if several else ""
        until = {_clock(purse.resets_at) for purse in own}
        if len(until) == 1:
            return f"{whose}{' and '.join(f'{purse.remaining:,}' for purse in own)} left{until.pop()}"
        return whose + " and ".join(f"{purse.remaining:,} left{_clock(purse.resets_at)}" for purse in own)


def expiry(answer_set: AnswerSet, day: date) -> datetime | None:
    """When the first of a set's datasets cannot be had any more; None where GitHub keeps them all."""
    moments = [recoverable_until(dataset.addressable, day) for dataset in answer_set.datasets]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


@dataclass
class Past:
    """What the last fetch of an answer set cost, by what was asked of it: changes, or whole lists."""

    changes: Cost = Cost()
    asked_for_changes: int = 0
    whole: Cost = Cost()
    asked_for_whole: int = 0

    @classmethod
    def of(cls, answer_set: AnswerSet, entries: Iterable[LedgerEntry]) -> Past:
        """Sums over the ledger of one day. What the inventory answered was not asked, and tells nothing."""
        past = cls()
        changes, whole = set(), set()
        for entry in entries:
            # A query is a request, too; it is paid for in points.
            cost = Cost(0 if entry.points else entry.requests, entry.points)
            asked = entry.coverage is not Coverage.unchanged and entry.state in (
                State.complete,
                State.partial,
                State.forbidden,
            )
            if entry.coverage is Coverage.delta:
                past.changes += cost
                changes.add(entry.scope)
            else:
                past.whole += cost
                if asked and not (answer_set.present and entry.coverage is Coverage.empty):
                    whole.add(entry.scope)
        past.asked_for_changes, past.asked_for_whole = len(changes), len(whole)
        return past


@dataclass(frozen=True)
class Wanted:
    """What is to be asked of one answer set for one organisation.

    `questions` are those of each scope, with its row of the inventory. Where the inventory of the day is not there yet,
    a `forecast` takes as many for moved as did the time before. `organizations` shared the cost of before.
    """

    questions: Sequence[tuple[Question, Mapping[str, Any]]]
    forecast: bool = False
    organizations: int = 1


def estimate(
    answer_set: AnswerSet, request: RestRequest | GraphRequest | FileRequest, wanted: Wanted, past: Past
) -> Cost:
    """About what it costs to ask: what it cost before per scope, else what the shape of the request tells."""
    number = len(wanted.questions)
    if isinstance(request, FileRequest) or not number:
        return Cost()
    if request.asked_per is ScopeKind.organization:
        asked = past.asked_for_changes + past.asked_for_whole
        # One list holds them all, be it that only some of its scopes are open.
        share = _share(past.changes + past.whole, 1, wanted.organizations) if asked else None
        return share or _by_shape(answer_set, request, number, [])
    whole = [_size(answer_set, question, row) for question, row in wanted.questions if question.since is None]
    if not is_incremental(request):
        return _by_past(answer_set, past.whole, past.asked_for_whole, wanted, number) or _by_shape(
            answer_set, request, number, whole
        )
    changed = number - len(whole)
    # A first list tells nothing of what changes cost, nor they of it.
    return _by_shape(answer_set, request, len(whole), whole) + (
        _by_past(answer_set, past.changes, past.asked_for_changes, wanted, changed)
        or _by_shape(answer_set, request, changed, [0] * changed)
    )


def _by_past(answer_set: AnswerSet, cost: Cost, asked: int, wanted: Wanted, number: int) -> Cost | None:
    """What so many scopes cost at what they cost before; None where nothing was asked before."""
    if wanted.forecast and answer_set.probe:
        number = min(number, asked)
    return _share(cost, number, asked) if asked else None


def _share(cost: Cost, number: int, of: int) -> Cost | None:
    """A part of a cost, rounded up; None where there was none."""
    if cost == Cost():
        return None
    return Cost(math.ceil(cost.requests * number / of), math.ceil(cost.points * number / of))


def _size(answer_set: AnswerSet, question: Question, row: Mapping[str, Any]) -> int:
    """How many records a whole list holds: GitHub's own count, else that of what the records hang on."""
    if question.expected is not None:
        return question.expected
    counted = [name.replace("_updated_at", "_count") for name in answer_set.probe]
    return sum(int(row.get(name) or 0) for name in counted if name.endswith("_count"))


def _by_shape(answer_set: AnswerSet, request: RestRequest | GraphRequest, number: int, sizes: Sequence[int]) -> Cost:
    """What a request costs that was never made: its pages, and what hangs on their items."""
    if not number:
        return Cost()
    if isinstance(request, RestRequest):
        if request.asked_per is ScopeKind.organization:
            return Cost(len(request.variants) * math.ceil(number / PER_PAGE if request.belongs_to else 1))
        pages = sum(max(1, math.ceil(size / PER_PAGE)) if request.paged else 1 for size in sizes)
        hanging = sum(sizes) * len(request.per_item)
        return Cost((pages * len(request.variants) + hanging) * (2 if answer_set.two_phase else 1))
    inner = [part for part in request.parts if part.path]
    lists = request.page_size * (len(inner) + sum(request.list_size for part in inner if part.nested))
    points = max(1, round((1 + lists) / PER_PAGE))
    if request.batch:
        further = sum(size // request.list_size for size in sizes)
        return Cost(0, math.ceil(number / request.page_size) * points + further)
    if request.asked_per is ScopeKind.organization:
        return Cost(0, math.ceil(number / request.page_size) * points)
    return Cost(0, sum(max(1, math.ceil(size / request.page_size)) for size in sizes) * max(2, points))


def day_plan(day: date, made: str, made_at: datetime, sets: Iterable[SetPlan], purses: Iterable[Purse]) -> DayPlan:
    """The plan of a day: what costs nothing is left out, what expires first comes first."""
    kept = tuple(planned for planned in sets if planned.cost != Cost())
    plan = DayPlan(day, made, made_at, kept, tuple(purses))
    ordered = sorted(kept, key=lambda planned: plan.urgency(ANSWER_SETS[planned.answer_set]))
    return replace(plan, sets=tuple(ordered))


def reserve(plan: DayPlan, own: Urgency, fetched: Collection[str]) -> dict[tuple[str, str], int]:
    """What must be left to answer sets that expire sooner and were not fetched yet, by organisation and pool."""
    kept: dict[tuple[str, str], int] = defaultdict(int)
    for planned in plan.sets:
        if planned.answer_set in fetched or plan.urgency(ANSWER_SETS[planned.answer_set]) >= own:
            continue
        kept[planned.organization, CORE] += planned.cost.requests
        if planned.cost.points:
            # So much must be left for a query to leave at all.
            kept[planned.organization, GRAPHQL] += max(planned.cost.points, UNKNOWN_COST)
    return dict(kept)


def minute(moment: datetime) -> str:
    """A moment to the nearest minute: windows end within a second of it."""
    return f"{moment + timedelta(seconds=30):%H:%M}"


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else f" until {minute(moment)}"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
