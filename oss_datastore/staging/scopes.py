"""Which scopes there are: organisations by their logins, repositories by the inventory that was staged.

A scope is known by its number (`host/kind/id`); its names serve to ask and may be others tomorrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.catalogue.model import ScopeKind
from oss_datastore.catalogue.parse import parse
from oss_datastore.clock import day_close
from oss_datastore.staging.ledger import State
from oss_datastore.staging.lines import Staging


@dataclass(frozen=True)
class Scope:
    """The thing one fetch is complete for, with the names by which it is asked for.

    `names` fill the placeholders of paths (`org`, `repo`, `owner`, `name`, `slug`); `moved` are the columns of the
    inventory that a change probe compares.
    """

    host: str
    kind: ScopeKind
    id: int | str
    names: Mapping[str, str]
    created_at: datetime | None = None
    moved: Mapping[str, Any] = field(default_factory=dict)

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
    return any(fnmatch(dataset, pattern) for pattern in patterns)


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


def staged_repositories(
    staging: Staging, inventory_day: date, day: date, organization: Scope, patterns: tuple[str, ...]
) -> list[Scope]:
    """Repositories of an organisation that existed on a day, narrowed by globs on owner/name or name."""
    found = {}
    for row in _rows(staging, "repositories", inventory_day):
        full_name = row["full_name"] or f"{organization.names['org']}/{row['name']}"
        if row["scope"] != str(organization) or not _wanted(full_name, patterns):
            continue
        if row["created_at"] and row["created_at"] >= day_close(day).replace(tzinfo=None):
            continue
        owner, _, name = full_name.partition("/")
        found[row["repo_id"]] = Scope(
            organization.host,
            ScopeKind.repository,
            row["repo_id"],
            {"org": organization.names["org"], "repo": full_name, "owner": owner, "name": name},
            row["created_at"],
            {
                # REST's inventory has no counts of its own kind and no times of the newest change; and one that was
                # seen before the day's close cannot tell what changed until then.
                "known": row["issues_count"] is not None and inventory_day >= day,
                "issues_updated_at": row["issues_updated_at"],
                "pull_requests_updated_at": row["pull_requests_updated_at"],
            },
        )
    return list(found.values())


def staged_teams(staging: Staging, day: date) -> dict[str, str]:
    """Which organisation each team of a staged day belongs to, by their scopes."""
    return {f"{row['host']}/{ScopeKind.team}/{row['team_id']}": row["scope"] for row in _rows(staging, "teams", day)}


def _wanted(full_name: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(
        fnmatch(full_name, pattern) or fnmatch(full_name.partition("/")[2], pattern) for pattern in patterns
    )


def _rows(staging: Staging, dataset: str, day: date) -> Iterable[dict[str, Any]]:
    for line in staging.lines(ANSWER_SET_OF[dataset].name, day):
        for part in line.parts:
            if part.dataset == dataset:
                yield from parse(DATASETS[dataset], part, line.payload, day, line.fetched_at).rows[dataset]
