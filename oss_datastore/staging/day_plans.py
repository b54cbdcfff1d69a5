"""The plans of the days of a run: made of the agenda, the inventory and the ledgers before the first question.

The sums are `planner`, what each token may still ask and where plans are kept is `plans`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import AnswerSet, ScopeKind
from oss_datastore.staging.agenda import Agenda
from oss_datastore.staging.collection import Key
from oss_datastore.staging.days import can_be_had
from oss_datastore.staging.due import Question, question_of
from oss_datastore.staging.ledger import SETTLED, LedgerEntry
from oss_datastore.staging.lines import new_generation
from oss_datastore.staging.planner import DayPlan, Past, SetPlan, Wanted, day_plan, estimate, expiry, reserve
from oss_datastore.staging.plans import Purses, keep
from oss_datastore.staging.scopes import Scope, is_asked_for
from oss_datastore.staging.units import Units

_ROOTS = frozenset({"organizations", "repositories"})
"""By these everything else is planned."""


@dataclass
class DayPlans:
    """Makes the plan of each day once, and tells what an answer set must leave to those that expire sooner."""

    agenda: Agenda
    units: Units
    purses: Purses
    datasets: tuple[str, ...]
    _made: dict[date, DayPlan] = field(default_factory=dict, init=False)
    _fetched: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set), init=False)

    def of(self, day: date) -> DayPlan:
        """What is open of a day, what it will cost and what there is to ask it with; kept in the store.

        Raises what asking for organisations and repositories raises.
        """
        if day not in self._made:
            made = new_generation()
            scopes, sets = self.agenda.scopes_of_all(day), []
            for answer_set in ANSWER_SETS.values():
                sets += self._of_set(answer_set, day, scopes)
            plan = day_plan(day, made, self.agenda.clock.now(), sets, self.purses.now())
            if plan.sets:
                keep(self.agenda.staging.store, plan)
            self._made[day] = plan
        return self._made[day]

    def made(self, day: date) -> DayPlan | None:
        """The plan of a day that was made in this run, if there is one."""
        return self._made.get(day)

    def fetched(self, name: str, day: date, *, early: bool) -> None:
        """Notes that an answer set was fetched: nothing is kept for it any more.

        Once the repositories of the day are listed its plan is made anew.
        """
        if not early:
            self._fetched[day].add(name)
        if name == "repositories":
            self._made.pop(day, None)

    def kept_from(self, answer_set: AnswerSet, day: date) -> dict[tuple[str, str], int]:
        """What the answer set must leave of each (token, pool) to what expires before it and is not fetched yet."""
        is_of_files = answer_set.datasets[0].scope_kind is ScopeKind.file
        if answer_set.name in _ROOTS or is_of_files or not self.purses.are_limited:
            return {}
        own = self.of(day).urgency(answer_set)
        kept: Counter[tuple[str, str]] = Counter()
        for planned_day, plan in self._made.items():
            left = reserve(plan, own, self._fetched[planned_day])
            for (organization, pool), points in left.items():
                token = self.purses.token_of(organization)
                if token is not None:
                    kept[token, pool] += points
        return dict(kept)

    def _of_set(self, answer_set: AnswerSet, day: date, of_all: Mapping[ScopeKind, list[Scope]]) -> list[SetPlan]:
        now, kinds = self.agenda.clock.now(), {d.scope_kind for d in answer_set.datasets}
        wanted = {
            d.name
            for d in answer_set.datasets
            if is_asked_for(d.name, self.datasets) and can_be_had(d.addressable, day, now)
        }
        if not wanted or kinds == {ScopeKind.file}:
            return []
        known = self.agenda.staging.ledger(answer_set.name, day)
        planned, pasts = self.agenda.planned(answer_set, of_all, known, day)
        by_scope: dict[str, list[Key]] = defaultdict(list)
        for key in planned:
            if key[0] in wanted and (key not in known or known[key].state not in SETTLED):
                by_scope[key[1]].append(key)
        if not by_scope:
            return []
        request = answer_set.requests[self.units.first_way(answer_set)]
        past = Past.of(answer_set, self._ledger_before(answer_set.name, day))
        plans = []
        for organization in of_all[ScopeKind.organization]:
            login = organization.names["org"]
            own = [s for kind in kinds for s in of_all.get(kind, []) if s.names["org"] == login and str(s) in by_scope]
            rows = self.agenda.inventories.rows
            found = [
                (question, scope.inventory or {})
                for scope in own
                for question in [question_of(answer_set, request, scope, by_scope[str(scope)], pasts, day, rows)]
                if isinstance(question, Question)
            ]
            is_forecast = any(s.kind is ScopeKind.repository and s.inventory is None for s in own)
            asked = Wanted(found, is_forecast, len(of_all[ScopeKind.organization]))
            cost = estimate(answer_set, request, asked, past)
            plans.append(SetPlan(answer_set.name, login, len(own), cost, expiry(answer_set, day)))
        return plans

    def _ledger_before(self, name: str, day: date) -> Iterable[LedgerEntry]:
        """The ledger of the last day before, of which the answer set is staged."""
        staging = self.agenda.staging
        yesterday = staging.ledger(name, day - timedelta(days=1))
        if yesterday:
            return yesterday.values()
        before = [staged for staged in staging.days(name) if staged < day]
        return staging.ledger(name, before[-1]).values() if before else ()
