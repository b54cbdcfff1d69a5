"""Which scopes there are: organisations by their logins, repositories by the inventory that was staged.

A scope is known by its number (`host/kind/id`); its names serve to ask and may be others tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.catalogue.model import ScopeKind
from oss_datastore.catalogue.parse import parse
from oss_datastore.clock import day_close
from oss_datastore.staging.ledger import SETTLED, State
from oss_datastore.staging.lines import Staging


@dataclass(frozen=True)
class Scope:
    """The thing one fetch is complete for, with the names by which it is asked for.

    `names` fill the placeholders of paths (`org`, `repo`, `owner`, `name`, `slug`, `number`) and documents
    (`node_id`). `inventory` is the repository's row in the list that was seen after the close of the day, None where
    there is no such list; `replaced` says that its name belongs to another repository by now. `awaited` names lists of
    repositories that are still to come and say what need not be asked.
    """

    host: str
    kind: ScopeKind
    id: int | str
    names: Mapping[str, str]
    inventory: Mapping[str, Any] | None = None
    replaced: bool = False
    awaited: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.host}/{self.kind}/{self.id}"


def host_of(api_url: str) -> str:
    """The host that keys begin with: github.com for the public API, else the server's name without port."""
    host = urlsplit(api_url).hostname or api_url
    return "github.com" if host == "api.github.com" else host


def is_asked_for(dataset: str, patterns: Sequence[str]) -> bool:
    """Whether OSS_DATASTORE_DATASETS leaves a dataset in; organisations and their repositories always stay."""
    if not patterns or dataset in ("organizations", "repositories"):
        return True
    return any(fnmatchcase(dataset, pattern) for pattern in patterns)


def nearest_inventory(staging: Staging, answer_set: str, day: date, scopes: Iterable[str] | None = None) -> date | None:
    """The day whose complete list serves to plan a day: the day itself, else the last before, else the first after."""
    wanted = set(scopes) if scopes is not None else None
    days = staging.days(answer_set)
    for candidate in [*(d for d in reversed(days) if d <= day), *(d for d in days if d > day)]:
        complete = {e.scope for e in staging.ledger(answer_set, candidate).values() if e.state is State.complete}
        if complete and (wanted is None or wanted <= complete):
            return candidate
    return None


def staged_organizations(staging: Staging, day: date, host: str) -> dict[str, Scope]:
    """Organisations of a staged day by lower-case login."""
    rows = _rows(staging, "organizations", day)
    return {
        row["login"].lower(): Scope(host, ScopeKind.organization, row["org_id"], {"org": row["login"]})
        for row in rows
        if row["login"]
    }


INVENTORY, SETTINGS = "repositories", "repository_security_settings"


class Inventories:
    """The repositories of organisations as they were listed, day by day.

    A list is parsed once and kept while nothing newer is staged of its day: every answer set of a day is planned by it.
    """

    def __init__(self, staging: Staging) -> None:
        self._staging = staging
        self._kept: dict[date, tuple[frozenset[str], dict[int, dict[str, Any]]]] = {}

    def nearest(self, day: date, organization: Scope) -> date | None:
        """The day whose whole list of the organisation serves to plan a day; see `nearest_inventory`."""
        return nearest_inventory(self._staging, INVENTORY, day, {str(organization)})

    def rows(self, day: date) -> Mapping[int, Mapping[str, Any]]:
        """Rows of the inventory of a day, with what its settings tell besides, by the repository's numeric id."""
        ledger = self._staging.ledger(INVENTORY, day)
        settings = self._staging.ledger(SETTINGS, day)
        generations = frozenset(f"{e.generation}/{e.scope}/{e.state}" for e in (*ledger.values(), *settings.values()))
        if self._kept.get(day, (None, {}))[0] != generations:
            while len(self._kept) >= _KEPT_INVENTORIES:
                self._kept.pop(next(iter(self._kept)))
            rows = {row["repo_id"]: row for row in _rows(self._staging, INVENTORY, day)}
            for told in _rows(self._staging, SETTINGS, day):
                row = rows.get(told["repo_id"], {})
                row |= {name: value for name, value in told.items() if row.get(name) is None}
            self._kept[day] = (generations, rows)
        return self._kept[day][1]

    def awaited(self, day: date) -> dict[str, set[str]]:
        """The lists of a day that are not whole yet, by the organisation or repository they say nothing of."""
        found: dict[str, set[str]] = {}
        for name in (INVENTORY, SETTINGS):
            for entry in self._staging.ledger(name, day).values():
                if entry.state in (State.pending, State.failed, State.partial):
                    found.setdefault(entry.scope, set()).add(name)
        return found

    def repositories(
        self, inventory_day: date, day: date, organization: Scope, patterns: tuple[str, ...]
    ) -> list[Scope]:
        """Repositories of an organisation that existed on a day, narrowed by globs on owner/name or name.

        They are asked for by their names of today: a list that was seen since tells of renames and transfers, and that
        a name has gone over to another repository, whose answers must never be taken for this one's.
        """
        newest = self.nearest(date.max, organization) or inventory_day
        now = {i: r for i, r in self.rows(newest).items() if r["scope"] == str(organization)}
        bearers = {self._full_name(row, organization).lower(): number for number, row in now.items()}
        found = []
        for number, row in self.rows(inventory_day).items():
            known_as = self._full_name(row, organization)
            if row["scope"] != str(organization) or not _wanted(known_as, patterns):
                continue
            if row["created_at"] and row["created_at"] >= day_close(day).replace(tzinfo=None):
                continue
            full_name = self._full_name(now.get(number, row), organization)
            owner, _, name = full_name.partition("/")
            names = {"org": organization.names["org"], "repo": full_name, "owner": owner, "name": name}
            if row["node_id"]:
                names["node_id"] = row["node_id"]
            # A list seen before the day's close cannot tell what changed until then.
            seen = row if inventory_day >= day else None
            replaced = bearers.get(full_name.lower(), number) != number
            found.append(Scope(organization.host, ScopeKind.repository, number, names, seen, replaced))
        return found

    @staticmethod
    def _full_name(row: Mapping[str, Any], organization: Scope) -> str:
        return row["full_name"] or f"{organization.names['org']}/{row['name']}"


_KEPT_INVENTORIES = 4
"""Days whose lists are kept parsed: the present one, the last complete one and the newest are asked for in turn."""


def staged_teams(staging: Staging, day: date) -> dict[str, str]:
    """Which organisation each team of a staged day belongs to, by their scopes."""
    return {f"{row['host']}/{ScopeKind.team}/{row['team_id']}": row["scope"] for row in _rows(staging, "teams", day)}


def unmatched_patterns(staging: Staging, day: date, patterns: Sequence[str]) -> list[str]:
    """Patterns of OSS_DATASTORE_REPOSITORIES that no listed repository bears; [] while not every list is known."""
    nearest = nearest_inventory(staging, "repositories", day) if patterns else None
    if nearest is None or any(e.state not in SETTLED for e in staging.ledger("repositories", nearest).values()):
        return []
    names = [row["full_name"] or row["name"] or "" for row in _rows(staging, "repositories", nearest)]
    return [pattern for pattern in patterns if not any(_wanted(name, (pattern,)) for name in names)]


def _wanted(full_name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern matches owner/name or name; GitHub's names have no case."""
    known_as = full_name.lower(), full_name.lower().partition("/")[2]
    return not patterns or any(fnmatchcase(name, pattern.lower()) for pattern in patterns for name in known_as)


def _rows(staging: Staging, dataset: str, day: date) -> Iterable[dict[str, Any]]:
    for line in staging.lines(ANSWER_SET_OF[dataset].name, day):
        for part in line.parts:
            if part.dataset == dataset:
                parsed = parse(DATASETS[dataset], part, line.payload, day, line.fetched_at, hashes=False)
                yield from parsed.rows[dataset]
