"""The root of all scopes: organisations, known by their logins and, once they answered, by their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from oss_datastore.catalogue.model import ScopeKind
from oss_datastore.catalogue.parse import get
from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.ledger import SETTLED, LedgerEntry, State
from oss_datastore.staging.lines import StageWriter, Staging
from oss_datastore.staging.scopes import Scope, host_of, nearest_inventory, staged_organizations
from oss_datastore.staging.standing import Standing

DATASET = "organizations"


class UnknownOrganization(Exception):
    """A login in GITHUB_ORGS that GitHub does not know."""


class NothingKnown(Exception):
    """No organisation of GITHUB_ORGS could be resolved."""


@dataclass
class Roots:
    """Resolves the logins of GITHUB_ORGS.

    A login that was never resolved stands in the ledger as `@login` until its number is known.
    """

    github: GitHub
    staging: Staging
    standing: Standing
    clock: Clock
    organizations: Sequence[str]
    api_url: str

    def known(self, day: date) -> dict[str, Scope]:
        """Organisations by lower-case login, from the nearest day of which they are staged."""
        nearest = nearest_inventory(self.staging, DATASET, day)
        return {} if nearest is None else staged_organizations(self.staging, nearest, host_of(self.api_url))

    def fetch(self, writer: StageWriter, day: date, force: bool, only: Iterable[str] | None = None) -> list[Key]:
        """Asks for each login that is not settled; the keys that had been asked before. Raises what ends a run."""
        ledger = self.staging.ledger(DATASET, day)
        by_login = self.known(day)
        kept = None if only is None else set(only)
        asked_before: list[Key] = []
        for login in self.organizations:
            unnamed = Scope(host_of(self.api_url), ScopeKind.organization, f"@{login.lower()}", {"org": login})
            scope = by_login.get(login.lower(), unnamed)
            keys = [(DATASET, str(s)) for s in (scope, unnamed)]
            entry = ledger.get(keys[0])
            if not force and entry is not None and entry.state in SETTLED:
                continue
            if kept is not None and not kept & {scope for _, scope in keys}:
                continue
            asked_before += [key for key in keys if key in ledger]
            number = self._ask(writer, day, scope)
            if number is not None and keys[1] in ledger:
                detail = f"known by its number now: {number}"
                gone = LedgerEntry(
                    *keys[1], day, State.gone, writer.generation, fetched_at=self.clock.now(), detail=detail
                )
                writer.settle(gone, [])
        return asked_before

    def _ask(self, writer: StageWriter, day: date, scope: Scope) -> str | None:
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
            if error.kind == "unauthorized" or (error.kind == "unreachable" and not self.standing.host_answers()):
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

    def _collection(self, writer: StageWriter, day: date, scope: Scope) -> Collection:
        return Collection(self.github, writer, self.clock, day, scope, None, ((DATASET, str(scope)),))
