"""The fetch loop: plans the scopes of an answer set and day, asks for what is not settled, and says what became of it.

A failure of one scope never stops the others. What ends a run is told apart: a refused token and an unreachable host
are errors; a rate limit that lasts longer than a run may wait leaves the rest pending for the next run.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import AnswerSet, FileRequest, GraphRequest, RestRequest, ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.staging.collect_batch import BatchCollection
from oss_datastore.staging.collect_file import FileCollection
from oss_datastore.staging.collect_graphql import GraphCollection
from oss_datastore.staging.collect_rest import RestCollection
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.days import can_be_had, covering_days
from oss_datastore.staging.due import Answered, Question, is_due, question_of
from oss_datastore.staging.ledger import SETTLED, LedgerEntry, State, Visibility, state_counts
from oss_datastore.staging.lines import Letters, StageWriter, Staging, new_generation
from oss_datastore.staging.planner import DayPlan, Past, SetPlan, Wanted, day_plan, estimate, expiry, reserve
from oss_datastore.staging.plans import Purses, keep
from oss_datastore.staging.roots import NothingKnown, Roots, UnknownOrganization
from oss_datastore.staging.scopes import Inventories, Scope, host_of, is_asked_for, staged_organizations, staged_teams
from oss_datastore.staging.standing import Standing

__all__ = ["FetchReport", "Fetcher", "NothingKnown", "Progress", "UnknownOrganization"]

Progress = Callable[[str, date, int, int], None]
"""Told (answer set, day, units done, units planned)."""

Asked = RestRequest | GraphRequest | FileRequest

_ROOTS = frozenset({"organizations", "repositories"})
"""By these everything else is planned."""


@dataclass(frozen=True)
class FetchReport:
    """What a fetch of one answer set and day came to; `states` counts scopes per dataset and state."""

    answer_set: str
    day: date
    planned: int
    states: dict[str, Counter[str]]
    rows: int = 0
    requests: int = 0
    points: int = 0
    letters: int = 0
    seconds: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Unit:
    """One piece of work: one scope, or several that one query asks for.

    `way` is which of the set's requests asks. `spent` is what the same scopes have cost before, when they are asked
    once more in the same fetch.
    """

    way: int
    scope: Scope
    keys: tuple[Key, ...]
    since: datetime | None
    questions: Mapping[str, Question]
    batch: tuple[Scope, ...] = ()
    patient: bool = False
    spent: Mapping[Key, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Errand:
    """What one fetch of one answer set and day works with."""

    answer_set: AnswerSet
    day: date
    writer: StageWriter
    scopes: dict[ScopeKind, list[Scope]]
    pasts: Mapping[Key, LedgerEntry]
    discovers: frozenset[str]
    settled: frozenset[Key]
    early: bool = False
    held: dict[str, GitHubError] = field(default_factory=dict)
    """Organisations whose token may not ask any more, with the limit it met."""

    @property
    def counted(self) -> str:
        """The dataset whose records are compared with GitHub's count; '' where none is."""
        return self.answer_set.datasets[0].name if self.answer_set.counts else ""

    @property
    def shown_whole(self) -> frozenset[str]:
        """Datasets that GitHub shows whole or, without saying so, not at all."""
        graphs = [r for r in self.answer_set.requests if isinstance(r, GraphRequest)]
        return frozenset(part.dataset for request in graphs for part in request.parts if part.total)


@dataclass
class Fetcher:
    """Fetches answer sets for days, with one client, one store and one queue.

    `letters` takes failures, and closes the letters of scopes that are settled at last. `repositories` and `datasets`
    are globs that narrow what is asked; organisations and their repositories are always listed, since everything is
    planned by them. `files` is the folder of the file sources.
    """

    github: GitHub
    staging: Staging
    letters: Letters
    clock: Clock
    organizations: Sequence[str]
    api_url: str
    repositories: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    files: Path | None = None
    workers: int = 8
    progress: Progress | None = None
    standing: Standing = field(init=False)
    _roots: Roots = field(init=False)
    _inventories: Inventories = field(init=False)
    _purses: Purses = field(init=False)
    _plans: dict[date, DayPlan] = field(default_factory=dict, init=False)
    _fetched: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set), init=False)
    _stopped: GitHubError | None = None

    def __post_init__(self) -> None:
        first = self.organizations[0] if self.organizations else ""
        self.standing = Standing(self.github, first)
        self._roots = Roots(self.github, self.staging, self.standing, self.clock, self.organizations, self.api_url)
        self._inventories = Inventories(self.staging)
        self._purses = Purses(self.github, self.organizations)

    def fetch(
        self, name: str, day: date, *, force: bool = False, only: Iterable[str] | None = None, early: bool = False
    ) -> FetchReport:
        """Fetches what is missing of an answer set and day (everything with `force`, only some scopes with `only`).

        With `early`, what GitHub begins to compute when it is asked is left open, to be collected by a later fetch.

        Raises DayNotOver, UnknownOrganization, NothingKnown, a GitHubError that ends the run (token refused, host
        not reachable) and StoreError.
        """
        began = time.monotonic()
        self._stopped = None
        self.standing.forget_unknown()
        answer_set = ANSWER_SETS[name]
        now = self.clock.now()
        asked = frozenset(d.name for d in answer_set.datasets if is_asked_for(d.name, self.datasets))
        wanted = asked & {d.name for d in answer_set.datasets if can_be_had(d.addressable, day, now)}
        if not asked:
            return FetchReport(name, day, 0, {}, note="left out by OSS_DATASTORE_DATASETS")
        if name == "organizations" and wanted:
            writer = self._writer(name, day)
            try:
                asked_before = self._roots.fetch(writer, day, force, only)
            finally:
                writer.close()
            self._close_letters(name, day, asked_before)
            return self._report(answer_set, day, writer.generation, began)
        scopes = self._scopes(answer_set, day)
        known = self.staging.ledger(name, day)
        planned, pasts = self._planned(answer_set, scopes, known, day)
        planned = [key for key in planned if key[0] in asked]
        if only is not None:
            kept = set(only)
            planned = [key for key in planned if key[1] in kept]
        open_keys = [k for k in planned if force or k not in known or known[k].state not in SETTLED]
        writer = self._writer(name, day)
        if open_keys or not self.staging.is_staged(name, day):
            writer.plan(open_keys)
        late = [key for key in open_keys if key[0] not in wanted]
        for key in late:
            writer.settle(self._unavailable(answer_set, key, day, writer.generation), [])
        open_wanted = {key for key in open_keys if key[0] in wanted}
        discovers = frozenset(d for d in wanted if only is None and DATASETS[d].scope_kind not in scopes)
        settled = frozenset() if force else frozenset(k for k, entry in known.items() if entry.state in SETTLED)
        errand = Errand(answer_set, day, writer, scopes, pasts, discovers, settled, early)
        self._purses.keep(self._kept(answer_set, day) if open_wanted and only is None else {})
        try:
            self._run(errand, open_wanted)
        finally:
            self._purses.keep({})
            writer.close()
        if not early:
            self._fetched[day].add(name)
        if name == "repositories":
            self._plans.pop(day, None)
        self._close_letters(name, day, [key for key in open_keys if key in known])
        return self._report(answer_set, day, writer.generation, began, errand.held)

    # Planning

    def plan(self, day: date) -> DayPlan:
        """What is open of a day, what it will cost and what there is to ask it with; kept in the store.

        It is made anew once the repositories of the day are listed. Raises as `fetch` does.
        """
        if day not in self._plans:
            made = new_generation()
            scopes, sets = self._scopes_of_all(day), []
            for answer_set in ANSWER_SETS.values():
                sets += self._set_plans(answer_set, day, scopes)
            plan = day_plan(day, made, self.clock.now(), sets, self._purses.now())
            if plan.sets:
                keep(self.staging.store, plan)
            self._plans[day] = plan
        return self._plans[day]

    def planned(self, day: date) -> DayPlan | None:
        """The plan of a day that was made in this run, if there is one."""
        return self._plans.get(day)

    def _scopes_of_all(self, day: date) -> dict[ScopeKind, list[Scope]]:
        scopes: dict[ScopeKind, list[Scope]] = {}
        for answer_set in ANSWER_SETS.values():
            kinds = {d.scope_kind for d in answer_set.datasets} - {ScopeKind.file}
            if kinds - scopes.keys():
                scopes |= self._scopes(answer_set, day)
        if not scopes[ScopeKind.user]:
            # Who is named on the day is known at its end: about those who were named on the day before.
            users = next(s for s in ANSWER_SETS.values() if s.datasets[0].scope_kind is ScopeKind.user)
            scopes |= self._scopes(users, day - timedelta(days=1))
        return scopes

    def _set_plans(self, answer_set: AnswerSet, day: date, of_all: dict[ScopeKind, list[Scope]]) -> list[SetPlan]:
        now, kinds = self.clock.now(), {d.scope_kind for d in answer_set.datasets}
        wanted = {
            d.name
            for d in answer_set.datasets
            if is_asked_for(d.name, self.datasets) and can_be_had(d.addressable, day, now)
        }
        if not wanted or kinds == {ScopeKind.file}:
            return []
        known = self.staging.ledger(answer_set.name, day)
        planned, pasts = self._planned(answer_set, of_all, known, day)
        by_scope: dict[str, list[Key]] = defaultdict(list)
        for key in planned:
            if key[0] in wanted and (key not in known or known[key].state not in SETTLED):
                by_scope[key[1]].append(key)
        if not by_scope:
            return []
        request = answer_set.requests[self._first_way(answer_set)]
        past = Past.of(answer_set, self._ledger_before(answer_set.name, day))
        plans = []
        for organization in of_all[ScopeKind.organization]:
            login = organization.names["org"]
            own = [s for kind in kinds for s in of_all.get(kind, []) if s.names["org"] == login and str(s) in by_scope]
            rows = self._inventories.rows
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
        yesterday = self.staging.ledger(name, day - timedelta(days=1))
        if yesterday:
            return yesterday.values()
        before = [staged for staged in self.staging.days(name) if staged < day]
        return self.staging.ledger(name, before[-1]).values() if before else ()

    def _kept(self, answer_set: AnswerSet, day: date) -> dict[tuple[str, str], int]:
        """What the answer set must leave of each (token, pool) to what expires before it and is not fetched yet."""
        is_of_files = answer_set.datasets[0].scope_kind is ScopeKind.file
        if answer_set.name in _ROOTS or is_of_files or not self._purses.are_limited:
            return {}
        own = self.plan(day).urgency(answer_set)
        kept: Counter[tuple[str, str]] = Counter()
        for planned_day, plan in self._plans.items():
            left = reserve(plan, own, self._fetched[planned_day])
            for (organization, pool), points in left.items():
                token = self._purses.token_of(organization)
                if token is not None:
                    kept[token, pool] += points
        return dict(kept)

    # Scopes

    def resolve(self, day: date) -> list[Scope]:
        """The organisations of GITHUB_ORGS as scopes, from what is staged or else by asking."""
        found = self._roots.known(day)
        if any(login.lower() not in found for login in self.organizations):
            present = self.clock.last_closed_day()
            self.fetch("organizations", present)
            found = staged_organizations(self.staging, present, host_of(self.api_url)) | found
        resolved = [found[login.lower()] for login in self.organizations if login.lower() in found]
        if not resolved:
            raise NothingKnown(
                f"none of GITHUB_ORGS ({', '.join(self.organizations)}) could be resolved; "
                "see `oss-datastore dlq list` for what GitHub answered"
            )
        return resolved

    def repositories_of(self, organization: Scope, day: date) -> list[Scope]:
        """Repositories that existed on a day, planned by the nearest inventory; asked for when there is none."""
        inventory = self._inventories.nearest(day, organization)
        if inventory is None:
            self.fetch("repositories", self.clock.last_closed_day())
            inventory = self._inventories.nearest(day, organization)
        if inventory is None:
            return []
        return self._inventories.repositories(inventory, day, organization, self.repositories)

    def _scopes(self, answer_set: AnswerSet, day: date) -> dict[ScopeKind, list[Scope]]:
        kinds = {d.scope_kind for d in answer_set.datasets}
        if kinds == {ScopeKind.file}:
            folder = [] if self.files is None else [self.files]
            host = host_of(self.api_url)
            return {ScopeKind.file: [Scope(host, ScopeKind.file, 0, {"folder": str(path)}) for path in folder]}
        organizations = self.resolve(day)
        scopes = {ScopeKind.organization: organizations}
        if ScopeKind.repository in kinds:
            scopes[ScopeKind.repository] = [r for org in organizations for r in self.repositories_of(org, day)]
        if ScopeKind.user in kinds:
            # Which organisation's token asks for a profile does not matter: profiles are the same for all.
            org, host = organizations[0].names["org"], organizations[0].host
            # Whoever only stars, watches or forks a repository is left alone.
            sets = [s.name for s in ANSWER_SETS.values() if any(d.subject != "popularity" for d in s.datasets)]
            seen = self.staging.accounts(sets, day)
            scopes[ScopeKind.user] = [
                Scope(host, ScopeKind.user, number, {"org": org, "account_id": str(number), "node_id": node_id})
                for number, node_id in sorted(seen.items())
            ]
        return scopes

    def _planned(
        self, answer_set: AnswerSet, scopes: dict[ScopeKind, list[Scope]], known: dict[Key, LedgerEntry], day: date
    ) -> tuple[list[Key], Mapping[Key, LedgerEntry]]:
        """Every (dataset, scope) the set must answer for, and the last complete entry of each.

        Teams become known while their list is read. What is asked once a week is planned on its day only.
        """
        found = [(d.name, scope) for d in answer_set.datasets for scope in scopes.get(d.scope_kind, [])]
        keys = {(dataset, str(scope)) for dataset, scope in found}
        pasts = self.staging.last_complete(answer_set.name, keys, day) if _looks_back(answer_set) else {}
        planned = [
            (dataset, str(scope))
            for dataset, scope in found
            if (dataset, str(scope)) in known
            or is_due(answer_set.every_days, scope, pasts.get((dataset, str(scope))), day)
        ]
        inner = [key for key in known if DATASETS[key[0]].scope_kind not in scopes]
        return [*planned, *inner], pasts

    # Units

    def _run(self, errand: Errand, open_keys: set[Key]) -> None:
        if not open_keys:
            return
        units = self._units_of_all(errand, open_keys)
        done, total = 0, len(units)
        with ThreadPoolExecutor(self.workers, thread_name_prefix="fetch") as pool:
            while units:
                futures = [pool.submit(self._unit, errand, unit) for unit in units]
                units = []
                for future in as_completed(futures):
                    done += 1
                    if self.progress:
                        self.progress(errand.answer_set.name, errand.day, min(done, total), total)
                    error = future.exception()
                    if error is None:
                        units += future.result()
                    elif isinstance(error, GitHubError) and error.kind == "unreachable":
                        if self._stopped is None and not self.standing.host_answers():
                            self._stopped = error
                    else:
                        pool.shutdown(wait=True, cancel_futures=True)
                        raise error
                total += len(units)
        if self._stopped is not None and self._stopped.kind == "unreachable":
            raise self._stopped

    def _units_of_all(self, errand: Errand, open_keys: set[Key]) -> list[Unit]:
        """Units that answer for every open key: by the first way, and by further ones where that lacks datasets."""
        units: list[Unit] = []
        left = set(open_keys)
        way = self._first_way(errand.answer_set)
        while left and way < len(errand.answer_set.requests):
            answers_for = _datasets_of(errand.answer_set.requests[way])
            own = {key for key in left if key[0] in answers_for}
            if own:
                units += self._units(errand, way, own)
            left -= own
            way += 1
        return units

    def _units(self, errand: Errand, way: int, open_keys: Iterable[Key]) -> list[Unit]:
        """What is to be asked in one way; what the inventory answers is settled here."""
        request = errand.answer_set.requests[way]
        by_scope: dict[str, list[Key]] = defaultdict(list)
        for key in sorted(open_keys):
            by_scope[key[1]].append(key)
        asked_per = ScopeKind.file if isinstance(request, FileRequest) else request.asked_per
        if asked_per is not ScopeKind.organization:
            scopes = [scope for scope in errand.scopes[asked_per] if str(scope) in by_scope]
            units = [
                Unit(way, scope, tuple(by_scope[str(scope)]), question.since, {str(scope): question})
                for scope in scopes
                if (question := self._question(errand, request, scope, by_scope[str(scope)])) is not None
            ]
            if isinstance(request, GraphRequest) and request.batch:
                return self._batches(errand, way, units, request.page_size)
            return [replace(unit, patient=errand.answer_set.two_phase) for unit in units]
        return self._units_of_organizations(errand, way, request, by_scope)

    def _units_of_organizations(
        self, errand: Errand, way: int, request: Asked, by_scope: Mapping[str, list[Key]]
    ) -> list[Unit]:
        organizations = errand.scopes[ScopeKind.organization]
        owners = {str(s): str(s) for s in organizations}
        if any(DATASETS[key[0]].scope_kind is ScopeKind.team for keys in by_scope.values() for key in keys):
            owners |= staged_teams(self.staging, errand.day)
        by_login = {s.names["org"]: str(s) for s in organizations}
        for scope in errand.scopes.get(ScopeKind.repository, []):
            owners[str(scope)] = by_login[scope.names["org"]]
        open_scopes = dict(by_scope)
        units = []
        if isinstance(request, RestRequest) and request.belongs_to:
            # The organisation's list is asked for whether or not anything moved in a single repository.
            always = replace(errand, answer_set=replace(errand.answer_set, probe=(), counts=()))
            for scope in errand.scopes[ScopeKind.repository]:
                keys = open_scopes.get(str(scope))
                if keys and self._question(always, request, scope, keys) is None:
                    del open_scopes[str(scope)]
            one_by_one = self._way_of_repositories(errand.answer_set, way)
            if request.public_only and one_by_one is not None:
                private = [
                    key
                    for s in errand.scopes[ScopeKind.repository]
                    if _is_private(s)
                    for key in open_scopes.pop(str(s), [])
                ]
                units += self._units(errand, one_by_one, private)
        for organization in organizations:
            own = tuple(
                key
                for scope, keys in open_scopes.items()
                if owners.get(scope, str(organization)) == str(organization)
                for key in keys
            )
            if own:
                question = question_of(
                    errand.answer_set, request, organization, own, errand.pasts, errand.day, self._inventories.rows
                )
                since = question.since if isinstance(question, Question) else None
                units.append(Unit(way, organization, own, since, {}))
        return units

    def _question(self, errand: Errand, request: Asked, scope: Scope, keys: Sequence[Key]) -> Question | None:
        """What is to be asked of a scope; None where the inventory answered it, which is settled then."""
        found = question_of(errand.answer_set, request, scope, keys, errand.pasts, errand.day, self._inventories.rows)
        if isinstance(found, Question):
            return found
        self._settle(errand, keys, found)
        return None

    def _settle(self, errand: Errand, keys: Iterable[Key], found: Answered) -> None:
        for key in keys:
            of_count = key[0] == errand.counted
            entry = self._entry(
                key,
                errand.day,
                errand.writer.generation,
                found.state,
                coverage=found.coverage,
                detail=found.detail,
                listed=found.listed if of_count else None,
                listed_on=found.listed_on if of_count else None,
            )
            errand.writer.settle(entry, [])

    def _batches(self, errand: Errand, way: int, units: Sequence[Unit], size: int) -> list[Unit]:
        """Units joined by organisation and moment; those without a node id go the next way."""
        groups: dict[tuple[str, datetime | None], list[Unit]] = defaultdict(list)
        nameless: list[Key] = []
        for unit in units:
            if unit.scope.names.get("node_id"):
                groups[unit.scope.names["org"], unit.since].append(unit)
            else:
                nameless += unit.keys
        joined = []
        for (org, since), group in groups.items():
            asks = next(s for s in errand.scopes[ScopeKind.organization] if s.names["org"] == org)
            for at in range(0, len(group), size):
                chunk = group[at : at + size]
                keys = tuple(key for unit in chunk for key in unit.keys)
                questions = {scope: question for unit in chunk for scope, question in unit.questions.items()}
                joined.append(Unit(way, asks, keys, since, questions, tuple(unit.scope for unit in chunk)))
        if nameless and way + 1 < len(errand.answer_set.requests):
            joined += self._units(errand, way + 1, nameless)
        elif nameless:
            self._settle(errand, nameless, Answered(State.failed, None, "its node id is not known"))
        return joined

    def _unit(self, errand: Errand, unit: Unit) -> list[Unit]:
        """Does one unit; what must be asked once more comes back. Raises what ends the run."""
        request = errand.answer_set.requests[unit.way]
        collection = self._collection(errand, unit, request)
        org = unit.scope.names.get("org", "")
        stopped = self._stopped or errand.held.get(org)
        raised: GitHubError | None = None
        try:
            if stopped is None:
                if not isinstance(request, FileRequest):
                    collection.visible = self.standing.visibility(org)
                collection.collect(request)
        except GitHubError as error:
            if error.kind not in ("rate_limited", "unreachable"):
                raise
            raised = error
        ends = stopped or raised
        if ends is not None:
            collection.cut_short(self._purses.why_held(ends, org))
        if raised is not None and raised.kind == "rate_limited":
            errand.held.setdefault(org, raised)
            raised = None
        again = self._once_more(errand, unit, collection) if ends is None else []
        waiting = {key for later in again for key in later.keys}
        unseen, are_gone = collection.unseen()
        for entry, failures in collection.entries():
            if entry.key not in waiting:
                requests, points = unit.spent.get(entry.key, (0, 0))
                entry = replace(entry, requests=entry.requests + requests, points=entry.points + points)
                errand.writer.settle(entry, failures)
        for key in unseen if are_gone else []:
            if key not in waiting:
                detail = "no longer in the organisation's list"
                gone = self._entry(key, errand.day, errand.writer.generation, State.gone, detail=detail)
                errand.writer.settle(gone, [])
        if raised is not None:
            raise raised
        return again

    def _collection(self, errand: Errand, unit: Unit, request: Asked) -> Any:
        more: dict[str, Any] = {}
        if isinstance(request, FileRequest):
            kind: type[Collection] = FileCollection
        elif isinstance(request, RestRequest):
            kind = RestCollection
        elif request.batch:
            kind, more = BatchCollection, {"scopes": unit.batch}
        else:
            kind = GraphCollection
        return kind(
            self.github,
            errand.writer,
            self.clock,
            errand.day,
            unit.scope,
            unit.since,
            unit.keys,
            errand.discovers,
            errand.settled,
            Visibility.owner if isinstance(request, FileRequest) else Visibility.unknown,
            counted=errand.counted,
            questions=unit.questions,
            patient=unit.patient,
            shown_whole=errand.shown_whole,
            **more,
        )

    def _once_more(self, errand: Errand, unit: Unit, collection: Collection) -> list[Unit]:
        """What a unit leaves to be asked again in this fetch: in another way, as a whole list, or when computed."""
        request = errand.answer_set.requests[unit.way]
        spent = {key: (tally.requests, tally.points) for key, tally in collection.tallies.items()}
        if isinstance(collection, RestCollection) and (collection.refused or collection.is_cut_off):
            way = self._way_of_repositories(errand.answer_set, unit.way)
            if way is None:
                if collection.refused is not None:
                    collection.fail(collection.refused)
                else:
                    collection.doubt("the organisation's list holds what no repository of it can be told to own")
                return []
            again = self._units(errand, way, unit.keys)
            if again:
                first = again[0].keys[0]
                requests = collection.spare.requests + sum(n for n, _ in spent.values())
                again[0] = replace(again[0], spent={first: (requests, 0)})
            collection.tallies.clear()
            collection.planned = ()
            return again
        if collection.computing and unit.patient and not errand.early:
            keys = tuple(key for key in unit.keys if key in collection.computing)
            return [replace(unit, keys=keys, patient=False, spent={key: spent[key] for key in keys})]
        miscounted = set(collection.miscounted())
        if not miscounted:
            return []
        batch = isinstance(request, GraphRequest) and request.batch
        keys = tuple(key for key in unit.keys if key[1] in miscounted)
        whole = {scope: replace(unit.questions[scope], since=None) for scope in miscounted}
        scopes = tuple(scope for scope in unit.batch if str(scope) in miscounted)
        cost = {key: spent[key] for key in keys if key in spent}
        return [Unit(unit.way, unit.scope, keys, None, whole, scopes if batch else (), False, cost)]

    @staticmethod
    def _way_of_repositories(answer_set: AnswerSet, way: int) -> int | None:
        """The next way that asks repository by repository."""
        for number in range(way + 1, len(answer_set.requests)):
            request = answer_set.requests[number]
            if not isinstance(request, FileRequest) and request.asked_per is ScopeKind.repository:
                return number
        return None

    def _first_way(self, answer_set: AnswerSet) -> int:
        """The first of the set's requests whose API is there."""
        for number, request in enumerate(answer_set.requests):
            if not isinstance(request, GraphRequest) or self.standing.has_graphql():
                return number
        return len(answer_set.requests) - 1

    # Saying what became of it

    def _writer(self, name: str, day: date) -> StageWriter:
        return StageWriter(self.staging.store, self.staging.folder(name, day), day, letters=self.letters)

    def _entry(self, key: Key, day: date, generation: str, state: State, **more: object) -> LedgerEntry:
        return LedgerEntry(*key, day, state, generation, fetched_at=self.clock.now(), **more)  # type: ignore[arg-type]

    def _close_letters(self, name: str, day: date, asked_before: list[Key]) -> None:
        """Scopes that were open before and are settled now have no open letters any more."""
        ledger = self.staging.ledger(name, day) if asked_before else {}
        settled = [key for key in asked_before if key in ledger and _is_at_rest(ledger[key])]
        for state in {ledger[key].state for key in settled}:
            self.letters.resolve_scopes(
                [(*key, day) for key in settled if ledger[key].state is state],
                who="fetch",
                why=f"the scope is {state} now",
            )

    def _unavailable(self, answer_set: AnswerSet, key: Key, day: date, generation: str) -> LedgerEntry:
        addressable = DATASETS[key[0]].addressable
        covered = next(
            (
                later
                for later in covering_days(addressable, day)
                if (entry := self.staging.ledger(answer_set.name, later).get(key)) and entry.state is State.complete
            ),
            None,
        )
        detail = f"covered by the fetch of {covered}" if covered else "GitHub cannot be asked about this day any more"
        return self._entry(key, day, generation, State.unavailable, covered_by=covered, detail=detail)

    def _report(
        self,
        answer_set: AnswerSet,
        day: date,
        generation: str,
        began: float,
        held: Mapping[str, GitHubError] | None = None,
    ) -> FetchReport:
        ledger = self.staging.ledger(answer_set.name, day)
        mine = [entry for entry in ledger.values() if entry.generation == generation]
        return FetchReport(
            answer_set.name,
            day,
            len(ledger),
            state_counts(ledger.values()),
            rows=sum(e.rows for e in ledger.values()),
            requests=sum(e.requests for e in mine),
            points=sum(e.points for e in mine),
            letters=sum(1 for e in mine if e.letter is not None),
            seconds=time.monotonic() - began,
            note="; ".join(self._purses.why_held(error, org) for org, error in (held or {}).items()),
        )


def _is_at_rest(entry: LedgerEntry) -> bool:
    """Whether nobody needs to act on the scope's letters; what is lost for good is for them to say."""
    return entry.state in SETTLED and (entry.state is not State.unavailable or entry.covered_by is not None)


def _is_private(scope: Scope) -> bool:
    return bool(scope.inventory and scope.inventory.get("is_private"))


def _datasets_of(request: Asked) -> set[str]:
    """The datasets a request answers for."""
    if isinstance(request, GraphRequest):
        return {part.dataset for part in request.parts}
    if isinstance(request, FileRequest):
        return {dataset for dataset in DATASETS if DATASETS[dataset].scope_kind is ScopeKind.file}
    return {*request.datasets, *(dataset for inner in request.per_item for dataset in _datasets_of(inner))}


def _looks_back(answer_set: AnswerSet) -> bool:
    """Whether what is asked depends on what was known before."""
    return (
        bool(answer_set.probe)
        or answer_set.every_days > 1
        or any(not isinstance(r, FileRequest) and bool(r.newest_first or r.since) for r in answer_set.requests)
    )
