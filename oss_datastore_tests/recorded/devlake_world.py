"""Recorded lists of public repositories, served per repository by the addresses they were recorded under.

Organisations and their repositories are made from the addresses; a repository has the number its items name. What was
recorded of a pull request that is in no recorded list makes that pull request stand in its list with what is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from oss_datastore_tests.recorded.recordings import recorded, recorded_files
from oss_datastore_tests.recorded.replay import Asked, Told, page_of

Item = dict[str, Any]

_ADDRESS = re.compile(r"^/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)/(?P<what>.+)$")
_LISTS = {
    "issues": "issues",
    "issues/comments": "issue_comments",
    "issues/events": "issue_events",
    "pulls": "pull_requests",
}


@dataclass
class Repository:
    """What was recorded of one repository: items per dataset, and reviews per number of their pull request."""

    id: int
    lists: dict[str, list[Item]] = field(default_factory=dict)
    reviews: dict[int, list[Item]] = field(default_factory=dict)


def repositories() -> dict[str, Repository]:
    """Every repository of the recordings by owner/name."""
    found: dict[str, Repository] = {}
    for path, given, items in _groups():
        match = _ADDRESS.match(path)
        if match is None:
            continue
        name, what = f"{match['owner']}/{match['repo']}", match["what"]
        repository = found.setdefault(name, Repository(1_000 + len(found)))
        repository.id = next(filter(None, map(_number_of_base, items)), repository.id)
        review = re.fullmatch(r"pulls/(\d+)/reviews", what)
        if what in _LISTS:
            repository.lists.setdefault(_LISTS[what], []).extend(items)
        elif review:
            number = int(review[1])
            repository.reviews.setdefault(number, []).extend(items)
            pulls = repository.lists.setdefault("pull_requests", [])
            if number not in {pull["number"] for pull in pulls}:
                pulls.append({"id": given.get("GithubId"), "number": number, "title": "", "state": "closed"})
    return found


def _groups() -> Iterator[tuple[str, dict[str, Any], list[Item]]]:
    # Pull requests come before their reviews, so that only what is in no list is made up.
    for file in sorted(recorded_files("devlake"), key=lambda f: "reviews" in f.name):
        for group in recorded(f"devlake/{file.name}"):
            items = group["body_items"]
            if str(group["url"]).startswith("http") and items and all(isinstance(item, dict) for item in items):
                given = group.get("input")
                given = json.loads(given) if isinstance(given, str) else given
                yield urlsplit(group["url"]).path, given or {}, items


def _number_of_base(item: Item) -> int | None:
    base = item.get("base")
    repo = base.get("repo") if isinstance(base, dict) else None
    return repo.get("id") if isinstance(repo, dict) else None


@dataclass
class DevlakeWorld:
    """Answers of the recorded repositories; whatever was not recorded is not there."""

    repositories: dict[str, Repository]

    @property
    def owners(self) -> list[str]:
        """Every organisation, in the order of their numbers."""
        return sorted({name.partition("/")[0] for name in self.repositories})

    def __call__(self, asked: Asked) -> Told | None:
        match asked.path.strip("/").split("/"):
            case ["orgs", login] if login in self.owners:
                return Told({"id": 1 + self.owners.index(login), "login": login})
            case ["user", "memberships", "orgs", _]:
                return Told({"state": "active", "role": "admin"})
            case ["orgs", login, "repos"]:
                return page_of(
                    asked, [self._inventory(name) for name in self.repositories if name.startswith(f"{login}/")]
                )
            case ["repositories", number, *rest]:
                name = next((n for n, r in self.repositories.items() if str(r.id) == number), "")
                return self._list(asked, name, "/".join(rest))
            case ["repos", owner, repo, *rest]:
                return self._list(asked, f"{owner}/{repo}", "/".join(rest))
        return None

    def _inventory(self, name: str) -> Item:
        return {"id": self.repositories[name].id, "name": name.partition("/")[2], "full_name": name, "private": False}

    def _list(self, asked: Asked, name: str, what: str) -> Told | None:
        repository = self.repositories.get(name)
        if repository is None:
            return None
        review = re.fullmatch(r"pulls/(\d+)/reviews", what)
        if review:
            items = repository.reviews.get(int(review[1]), [])
        elif what in _LISTS:
            items = repository.lists.get(_LISTS[what], [])
        else:
            return None
        return page_of(asked, items, f"/repositories/{repository.id}/{what}")
