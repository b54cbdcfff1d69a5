"""The fetch loop: plans the scopes of an answer set and day, asks for what is not settled, and says what became of it.

A failure of one scope never stops the others. What ends a run is told apart: a refused token and an unreachable host
are errors; a rate limit that lasts longer than a run may wait leaves the rest pending for the next run.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import AnswerSet, GraphRequest, RestRequest, ScopeKind
from oss_datastore.catalogue.parse import get
from oss_datastore.clock import Clock, day_close
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.staging.collect_graphql import GraphCollection
from oss_datastore.staging.collect_rest import RestCollection
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.days import can_be_had, covering_days
from oss_datastore.staging.ledger import SETTLED, Coverage, LedgerEntry, State, Visibility, state_counts
from oss_datastore.staging.lines import Letters, StageWriter, Staging
from oss_datastore.staging.scopes import (
    Scope,
    host_of,
    is_asked_for,
    nearest_inventory,
    staged_organizations,
    staged_repositories,
    staged_teams,
)

OVERLAP = timedelta(hours=1)
"""Changes are asked for from a little before the close of the last complete day: GitHub's indexes lag."""

Progress = Callable[[str, date, int, int], None]
"""Told (answer set, day, units done, units planned)."""


class UnknownOrganization(Exception):
    """A login in GITHUB_ORGS that GitHub does not know."""


class NothingKnown(Exception):
    """No organisation of GITHUB_ORGS could be resolved."""


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
    planned by them.
    """

    github: GitHub
    staging: Staging
    letters: Letters
    clock: Clock
    organizations: Sequence[str]
    api_url: str
    repositories: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    workers: int = 8
    progress: Progress | None = None
    _visible: dict[str, Visibility] = field(default_factory=dict)
    _graphql: bool | None = None
    _stopped: GitHubError | None = None

    def fetch(self, name: str, day: date, *, force: bool = False, only: Iterable[str] | None = None) -> FetchReport:
        """Fetches what is missing of an answer set and day (everything with `force`, only some scopes with `only`).

        Raises DayNotOver, UnknownOrganization, NothingKnown, a GitHubError that ends the run (token refused, host
        not reachable) and StoreError.
        """
        began = time.monotonic()
        self._stopped = None
        self._visible = {org: seen for org, seen in self._visible.items() if seen is not Visibility.unknown}
        answer_set = ANSWER_SETS[name]
        now = self.clock.now()
        asked = frozenset(d.name for d in answer_set.datasets if is_asked_for(d.name, self.datasets))
        wanted = asked & {d.name for d in answer_set.datasets if can_be_had(d.addressable, day, now)}
        if not asked:
            return FetchReport(name, day, 0, {}, note="left out by OSS_DATASTORE_DATASETS")
        if name == "organizations" and wanted:
            return self._fetch_organizations(day, force, began, only)
        scopes = self._scopes(answer_set, day)
        known = self.staging.ledger(name, day)
        planned = [key for key in self._planned(answer_set, scopes, known) if key[0] in asked]
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
        try:
            self._run(answer_set, day, writer, open_wanted, discovers, settled, scopes)
        finally:
            writer.close()
        self._close_letters(name, day, [key for key in open_keys if key in known])
        return self._report(answer_set, day, writer.generation, began)

    # Scopes

    def resolve(self, day: date) -> list[Scope]:
        """The organisations of GITHUB_ORGS as scopes, from what is staged or else by asking."""
        found = self._known_organizations(day)
        if any(login.lower() not in found for login in self.organizations):
            present = self.clock.last_closed_day()
            self._fetch_organizations(present, False, time.monotonic())
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
        inventory = nearest_inventory(self.staging, "repositories", day, {str(organization)})
        if inventory is None:
            present = self.clock.last_closed_day()
            self.fetch("repositories", present)
            inventory = nearest_inventory(self.staging, "repositories", day, {str(organization)})
        if inventory is None:
            return []
        return staged_repositories(self.staging, inventory, day, organization, self.repositories)

    def _scopes(self, answer_set: AnswerSet, day: date) -> dict[ScopeKind, list[Scope]]:
        organizations = self.resolve(day)
        scopes = {ScopeKind.organization: organizations}
        if any(d.scope_kind is ScopeKind.repository for d in answer_set.datasets):
            scopes[ScopeKind.repository] = [r for org in organizations for r in self.repositories_of(org, day)]
        return scopes

    def _planned(
        self, answer_set: AnswerSet, scopes: dict[ScopeKind, list[Scope]], known: dict[Key, LedgerEntry]
    ) -> list[Key]:
        """Every (dataset, scope) the set must answer for; teams become known while their list is read."""
        planned = [(d.name, str(scope)) for d in answer_set.datasets for scope in scopes.get(d.scope_kind, [])]
        inner = [key for key in known if DATASETS[key[0]].scope_kind not in scopes]
        return [*planned, *inner]

    # Units

    def _run(
        self,
        answer_set: AnswerSet,
        day: date,
        writer: StageWriter,
        open_keys: set[Key],
        discovers: frozenset[str],
        settled: frozenset[Key],
        scopes: dict[ScopeKind, list[Scope]],
    ) -> None:
        if not open_keys:
            return
        request = self._request_for(answer_set)
        owners = {str(s): str(s) for s in scopes[ScopeKind.organization]}
        if any(DATASETS[dataset].scope_kind is ScopeKind.team for dataset, _ in open_keys):
            owners |= staged_teams(self.staging, day)
        by_login = {s.names["org"]: str(s) for s in scopes[ScopeKind.organization]}
        for scope in scopes.get(ScopeKind.repository, []):
            owners[str(scope)] = by_login[scope.names["org"]]
        asked_per = request.asked_per
        units: list[tuple[Scope, tuple[Key, ...]]] = []
        for scope in scopes[asked_per]:
            if asked_per is ScopeKind.repository:
                own = tuple(k for k in open_keys if k[1] == str(scope))
            else:
                own = tuple(k for k in open_keys if owners.get(k[1], str(scope)) == str(scope))
            if own:
                units.append((scope, own))
        last = self.staging.last_complete(answer_set.name, open_keys, day) if self._is_incremental(request) else {}
        for organization in {scope.names["org"]: scope for scope, _ in units}.values():
            self._visibility(organization)
        done = 0
        with ThreadPoolExecutor(self.workers, thread_name_prefix="fetch") as pool:
            futures = {}
            for scope, own in units:
                since = self._since(own, last)
                if since is not None and self._did_not_move(answer_set, scope, since, day):
                    for key in own:
                        writer.settle(
                            self._entry(key, day, writer.generation, State.complete, coverage=Coverage.unchanged), []
                        )
                    done += 1
                    continue
                collection = (GraphCollection if isinstance(request, GraphRequest) else RestCollection)(
                    self.github,
                    writer,
                    self.clock,
                    day,
                    scope,
                    since,
                    own,
                    discovers,
                    settled,
                    self._visibility(scope),
                )
                futures[pool.submit(self._unit, request, writer, collection)] = scope
            for future in as_completed(futures):
                done += 1
                if self.progress:
                    self.progress(answer_set.name, day, done, len(units))
                error = future.exception()
                if isinstance(error, GitHubError) and error.kind == "unreachable":
                    if self._stopped is None and not self._host_answers():
                        self._stopped = error
                elif isinstance(error, GitHubError) and error.kind == "rate_limited":
                    self._stopped = error
                elif error is not None:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise error
        if self._stopped is not None and self._stopped.kind == "unreachable":
            raise self._stopped

    def _unit(self, request: Any, writer: StageWriter, collection: RestCollection | GraphCollection) -> None:
        stopped = self._stopped
        if stopped is not None:
            collection.leave(str(stopped))
        raised: GitHubError | None = None
        try:
            if stopped is None:
                collection.collect(request)
        except GitHubError as error:
            if error.kind not in ("rate_limited", "unreachable"):
                raise
            raised = error
        unseen, are_gone = collection.unseen()
        for entry, failures in collection.entries():
            writer.settle(entry, failures)
        for key in unseen if are_gone else []:
            detail = "no longer in the organisation's list"
            writer.settle(self._entry(key, collection.day, writer.generation, State.gone, detail=detail), [])
        if raised is not None:
            raise raised

    def _host_answers(self) -> bool:
        """Whether the host is there at all: one address that cannot be reached is a failure of its scope only."""
        try:
            self.github.get("/rate_limit", org=self.organizations[0])
        except GitHubError as error:
            return error.kind != "unreachable"
        return True

    @staticmethod
    def _is_incremental(request: RestRequest | GraphRequest) -> bool:
        return bool(request.newest_first or (isinstance(request, RestRequest) and request.since))

    @staticmethod
    def _since(own: tuple[Key, ...], last: dict[Key, date]) -> datetime | None:
        """From when changes are asked: the close of the last complete day of all that the unit answers for."""
        days = [last.get(key) for key in own if DATASETS[key[0]].addressable.value == "since"]
        if not days or any(d is None for d in days):
            return None
        return day_close(min(d for d in days if d is not None)) - OVERLAP

    def _did_not_move(self, answer_set: AnswerSet, scope: Scope, since: datetime, day: date) -> bool:
        """Whether the change probe shows that nothing changed since; unknown counts as moved."""
        if not answer_set.probe or not scope.moved.get("known"):
            return False
        moments = [scope.moved.get(column) for column in answer_set.probe]
        return all(m is None or m.replace(tzinfo=UTC) < since for m in moments)

    def _request_for(self, answer_set: AnswerSet) -> RestRequest | GraphRequest:
        """The first of the set's requests whose API is there; not every GitHub-compatible server speaks GraphQL."""
        for request in answer_set.requests:
            if isinstance(request, RestRequest) or self._speaks_graphql():
                return request
        return answer_set.requests[-1]

    def _speaks_graphql(self) -> bool:
        if self._graphql is None:
            try:
                self.github.query("rate_limit", {}, org=self.organizations[0])
                self._graphql = True
            except GitHubError as error:
                missing = error.kind in ("not_found", "method_not_allowed", "bad_request") or (
                    error.answer is not None and error.answer.status in (404, 405, 501)
                )
                if error.kind in ("unauthorized", "unreachable"):
                    raise
                self._graphql = not missing
        return self._graphql

    def _visibility(self, scope: Scope) -> Visibility:
        """What the token is in the organisation: asked once, and again by the next fetch where that failed."""
        org = scope.names["org"]
        if org not in self._visible:
            try:
                answer = self.github.get(f"/user/memberships/orgs/{org}", org=org)
                active = get(answer.payload, "state") in (None, "active")
                owner = get(answer.payload, "role") == "admin"
                self._visible[org] = (
                    Visibility.owner if owner and active else Visibility.member if active else Visibility.public
                )
            except GitHubError as error:
                if error.kind == "unauthorized" or (error.kind == "unreachable" and not self._host_answers()):
                    raise
                by_app = error.kind == "forbidden" and "integration" in str(error).lower()
                self._visible[org] = (
                    Visibility.app
                    if by_app
                    else Visibility.public
                    if error.kind in ("not_found", "forbidden")
                    else Visibility.unknown
                )
        return self._visible[org]

    # The root of all scopes

    def _fetch_organizations(
        self, day: date, force: bool, began: float, only: Iterable[str] | None = None
    ) -> FetchReport:
        """Asks for each login of GITHUB_ORGS: its answer tells the number by which the scope is known.

        A login that was never resolved stands in the ledger as `@login` until its number is known.
        """
        answer_set = ANSWER_SETS["organizations"]
        ledger = self.staging.ledger("organizations", day)
        by_login = self._known_organizations(day)
        kept = None if only is None else set(only)
        writer = self._writer("organizations", day)
        asked_before: list[Key] = []
        try:
            for login in self.organizations:
                unnamed = Scope(host_of(self.api_url), ScopeKind.organization, f"@{login.lower()}", {"org": login})
                scope = by_login.get(login.lower(), unnamed)
                keys = [("organizations", str(s)) for s in (scope, unnamed)]
                entry = ledger.get(keys[0])
                if not force and entry is not None and entry.state in SETTLED:
                    continue
                if kept is not None and not kept & {scope for _, scope in keys}:
                    continue
                asked_before += [key for key in keys if key in ledger]
                number = self._organization(writer, day, scope)
                if number is not None and keys[1] in ledger:
                    detail = f"known by its number now: {number}"
                    writer.settle(self._entry(keys[1], day, writer.generation, State.gone, detail=detail), [])
        finally:
            writer.close()
        self._close_letters("organizations", day, asked_before)
        return self._report(answer_set, day, writer.generation, began)

    def _organization(self, writer: StageWriter, day: date, scope: Scope) -> str | None:
        """Asks for one organisation; its scope when it answered."""
        login = scope.names["org"]
        try:
            answer = self.github.get(f"/orgs/{login}", org=login)
        except GitHubError as error:
            if error.kind in ("not_found", "gone") and isinstance(scope.id, str):
                raise UnknownOrganization(
                    f"GITHUB_ORGS names {login!r}, which GitHub does not know (or which the token may not see): "
                    "correct the setting"
                ) from error
            if error.kind == "unauthorized" or (error.kind == "unreachable" and not self._host_answers()):
                raise
            collection = self._collection(writer, day, scope)
            collection.fail(error)
            for entry, failures in collection.entries():
                writer.settle(entry, failures)
            return None
        scope = replace(scope, id=get(answer.payload, "id") or scope.id)
        collection = self._collection(writer, day, scope)
        collection.keep_object(answer)
        for entry, failures in collection.entries():
            writer.settle(entry, failures)
        return str(scope)

    def _known_organizations(self, day: date) -> dict[str, Scope]:
        """By login, from the nearest day of which they are staged."""
        nearest = nearest_inventory(self.staging, "organizations", day)
        return {} if nearest is None else staged_organizations(self.staging, nearest, host_of(self.api_url))

    def _collection(self, writer: StageWriter, day: date, scope: Scope) -> Collection:
        return Collection(self.github, writer, self.clock, day, scope, None, (("organizations", str(scope)),))

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

    def _report(self, answer_set: AnswerSet, day: date, generation: str, began: float) -> FetchReport:
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
            note=str(self._stopped) if self._stopped else "",
        )


def _is_at_rest(entry: LedgerEntry) -> bool:
    """Whether nobody needs to act on the scope's letters; what is lost for good is for them to say."""
    return entry.state in SETTLED and (entry.state is not State.unavailable or entry.covered_by is not None)
