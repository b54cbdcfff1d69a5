"""The agenda of a day: which organisations, repositories, accounts and files there are to ask about.

What is to be asked of each of them is `due`, how the asking is divided into pieces of work is `units`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import AnswerSet, FileRequest, ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.staging.collection import Key
from oss_datastore.staging.days import is_overdue
from oss_datastore.staging.due import is_due
from oss_datastore.staging.ledger import LedgerEntry
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.roots import NothingKnown, Roots
from oss_datastore.staging.scopes import Inventories, Scope, host_of, staged_organizations, staged_teams


@dataclass
class Agenda:
    """Scopes of any day, by what is staged; what is not staged yet is asked for by `fetch` (answer set, day).

    `repositories` are globs that narrow, `files` is the folder of the file sources.
    """

    staging: Staging
    clock: Clock
    roots: Roots
    inventories: Inventories
    organizations: Sequence[str]
    api_url: str
    repositories: tuple[str, ...]
    files: Path | None
    fetch: Callable[[str, date], object]
    _listed_anew: set[date] = field(default_factory=set, init=False)

    def resolve(self, day: date) -> list[Scope]:
        """The organisations of GITHUB_ORGS as scopes, from what is staged or else by asking. Raises NothingKnown."""
        found = self.roots.known(day)
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
        """Repositories that existed on a day, planned by the nearest inventory and known by their names of today."""
        present = self.clock.last_closed_day()
        newest = self.inventories.nearest(date.max, organization)
        if newest is None or (day < present and newest < present):
            # Since the last list a name may have gone over to another repository, which would answer for this one.
            self._list_anew(present)
        inventory = self.inventories.nearest(day, organization)
        if inventory is None:
            return []
        found = self.inventories.repositories(inventory, day, organization, self.repositories)
        if is_overdue(day, self.clock.now()):
            return found
        awaited = self.inventories.awaited(day)
        of_all = awaited.get(str(organization), set())
        return [replace(scope, awaited=frozenset(of_all | awaited.get(str(scope), set()))) for scope in found]

    def scopes(self, answer_set: AnswerSet, day: date) -> dict[ScopeKind, list[Scope]]:
        """What the answer set's datasets can be asked about, by kind; organisations always among them."""
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

    def scopes_of_all(self, day: date) -> dict[ScopeKind, list[Scope]]:
        """Scopes of every kind but files."""
        scopes: dict[ScopeKind, list[Scope]] = {}
        for answer_set in ANSWER_SETS.values():
            kinds = {d.scope_kind for d in answer_set.datasets} - {ScopeKind.file}
            if kinds - scopes.keys():
                scopes |= self.scopes(answer_set, day)
        if not scopes[ScopeKind.user]:
            # Who is named on the day is known at its end: about those who were named on the day before.
            users = next(s for s in ANSWER_SETS.values() if s.datasets[0].scope_kind is ScopeKind.user)
            scopes |= self.scopes(users, day - timedelta(days=1))
        return scopes

    def planned(
        self,
        answer_set: AnswerSet,
        scopes: Mapping[ScopeKind, list[Scope]],
        known: Mapping[Key, LedgerEntry],
        day: date,
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
        # A list that was staged names its teams, also where the run that read it did not come to settle them.
        of_teams = [d.name for d in answer_set.datasets if d.scope_kind is ScopeKind.team]
        teams = staged_teams(self.staging, day) if of_teams else {}
        named = [(dataset, team) for dataset in of_teams for team in teams if (dataset, team) not in known]
        return [*planned, *inner, *named], pasts

    def _list_anew(self, present: date) -> None:
        """Asks for the repositories of the present once; a list that failed is not asked again for each older day."""
        if present not in self._listed_anew:
            self._listed_anew.add(present)
            self.fetch("repositories", present)


def _looks_back(answer_set: AnswerSet) -> bool:
    """Whether what is asked depends on what was known before."""
    return (
        bool(answer_set.probe)
        or answer_set.every_days > 1
        or any(not isinstance(r, FileRequest) and bool(r.newest_first or r.since) for r in answer_set.requests)
    )
