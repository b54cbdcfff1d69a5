"""The fetch loop: plans the scopes of an answer set and day, asks for what is not settled, and says what became of it.

A failure of one scope never stops the others. What ends a run is told apart: a refused token and an unreachable host
are errors; a rate limit that lasts longer than a run may wait leaves the rest pending for the next run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import AnswerSet, FileRequest, RestRequest, ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.staging.agenda import Agenda
from oss_datastore.staging.collect_batch import BatchCollection
from oss_datastore.staging.collect_file import FileCollection
from oss_datastore.staging.collect_graphql import GraphCollection
from oss_datastore.staging.collect_rest import RestCollection
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.day_plans import DayPlans
from oss_datastore.staging.days import can_be_had, covering_days
from oss_datastore.staging.ledger import SETTLED, LedgerEntry, State, Visibility, state_counts
from oss_datastore.staging.lines import Letters, StageWriter, Staging
from oss_datastore.staging.planner import DayPlan
from oss_datastore.staging.plans import Purses
from oss_datastore.staging.roots import NothingKnown, Roots, UnknownOrganization
from oss_datastore.staging.scopes import Inventories, Scope, is_asked_for
from oss_datastore.staging.standing import Standing
from oss_datastore.staging.units import Asked, Errand, Unit, Units

__all__ = ["FetchReport", "Fetcher", "NothingKnown", "Progress", "UnknownOrganization"]

Progress = Callable[[str, date, int, int], None]
"""Told (answer set, day, units done, units planned)."""


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
    _agenda: Agenda = field(init=False)
    _units: Units = field(init=False)
    _purses: Purses = field(init=False)
    _plans: DayPlans = field(init=False)
    _stopped: GitHubError | None = None

    def __post_init__(self) -> None:
        first = self.organizations[0] if self.organizations else ""
        self.standing = Standing(self.github, first)
        self._roots = Roots(self.github, self.staging, self.standing, self.clock, self.organizations, self.api_url)
        inventories = Inventories(self.staging)
        self._agenda = Agenda(
            self.staging,
            self.clock,
            self._roots,
            inventories,
            self.organizations,
            self.api_url,
            self.repositories,
            self.files,
            self.fetch,
        )
        self._units = Units(self.staging, inventories, self.standing.has_graphql)
        self._purses = Purses(self.github, self.organizations)
        self._plans = DayPlans(self._agenda, self._units, self._purses, self.datasets)

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
        scopes = self._agenda.scopes(answer_set, day)
        known = self.staging.ledger(name, day)
        planned, pasts = self._agenda.planned(answer_set, scopes, known, day)
        planned = [key for key in planned if key[0] in asked]
        kept = None if only is None else set(only)
        if kept is not None:
            planned = [key for key in planned if key[1] in kept]
        open_keys = [k for k in planned if force or k not in known or known[k].state not in SETTLED]
        writer = self._writer(name, day)
        if open_keys or not self.staging.is_staged(name, day):
            writer.plan(open_keys)
        open_wanted = {key for key in open_keys if key[0] in wanted}
        # Whoever asks for a list asks for what it names, too: it is never asked again once it is whole.
        is_listed = kept is None or any(str(scope) in kept for scope in scopes.get(ScopeKind.organization, ()))
        discovers = frozenset(d for d in wanted if is_listed and DATASETS[d].scope_kind not in scopes)
        settled = frozenset() if force else frozenset(k for k, entry in known.items() if entry.state in SETTLED)
        errand = Errand(answer_set, day, writer, self.clock, scopes, pasts, discovers, settled, early)
        for key in (key for key in open_keys if key[0] not in wanted):
            self._settle_unavailable(errand, key)
        self._purses.keep(self._plans.kept_from(answer_set, day) if open_wanted and only is None else {})
        try:
            self._run(errand, open_wanted)
        finally:
            self._purses.keep({})
            writer.close()
        self._plans.fetched(name, day, early=early)
        self._close_letters(name, day, [key for key in open_keys if key in known])
        return self._report(answer_set, day, writer.generation, began, errand.held)

    def plan(self, day: date) -> DayPlan:
        """What is open of a day, what it will cost and what there is to ask it with; see `DayPlans.of`."""
        return self._plans.of(day)

    def planned(self, day: date) -> DayPlan | None:
        """The plan of a day that was made in this run, if there is one."""
        return self._plans.made(day)

    def resolve(self, day: date) -> list[Scope]:
        """The organisations of GITHUB_ORGS as scopes; see `Agenda.resolve`."""
        return self._agenda.resolve(day)

    # Units

    def _run(self, errand: Errand, open_keys: set[Key]) -> None:
        if not open_keys:
            return
        units = self._units.of_all(errand, open_keys)
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
        again = self._units.once_more(errand, unit, collection) if ends is None else []
        waiting = {key for later in again for key in later.keys}
        unseen, are_gone = collection.unseen()
        for entry, failures in collection.entries():
            if entry.key not in waiting:
                requests, points = unit.spent.get(entry.key, (0, 0))
                entry = replace(entry, requests=entry.requests + requests, points=entry.points + points)
                errand.writer.settle(entry, failures)
        for key in unseen if are_gone else []:
            if key not in waiting:
                errand.settle(key, State.gone, detail="no longer in the organisation's list")
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

    # Saying what became of it

    def _writer(self, name: str, day: date) -> StageWriter:
        return StageWriter(
            self.staging.store,
            self.staging.folder(name, day),
            day,
            letters=self.letters,
            suppression=self.staging.suppression,
        )

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

    def _settle_unavailable(self, errand: Errand, key: Key) -> None:
        name, day = errand.answer_set.name, errand.day
        covered = next(
            (
                later
                for later in covering_days(DATASETS[key[0]].addressable, day)
                if (entry := self.staging.ledger(name, later).get(key)) and entry.state is State.complete
            ),
            None,
        )
        detail = f"covered by the fetch of {covered}" if covered else "GitHub cannot be asked about this day any more"
        errand.settle(key, State.unavailable, covered_by=covered, detail=detail)

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
