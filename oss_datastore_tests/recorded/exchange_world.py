"""One recorded answer served where a dataset asks for it, in an organisation made for it.

The organisation has one repository and one team. Everything beside the address under test is answered with as little
as the fetch loop needs to come there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from oss_datastore.dead_letters import Failure
from oss_datastore_tests.recorded.recordings import recorded, recorded_files
from oss_datastore_tests.recorded.replay import Asked, Told, as_recorded

ORG, ORG_ID = "recorded-org", 41
REPO, REPO_ID = "recorded-repo", 42
TEAM, TEAM_ID = "recorded-team", 43
PULL, PULL_ID = 7, 44

_DATASETS = (
    (r"/orgs/[^/]+", "organizations"),
    (r"/(orgs|organizations)/[^/]+/repos", "repositories"),
    (r"/orgs/[^/]+/members", "members"),
    (r"/orgs/[^/]+/outside_collaborators", "outside_collaborators"),
    (r"/orgs/[^/]+/teams", "teams"),
    (r"/(orgs/[^/]+/teams/[^/]+|organizations/\d+/team/\d+)/members", "team_members"),
    (r"/(orgs/[^/]+/teams/[^/]+|organizations/\d+/team/\d+)/repos", "team_repositories"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/collaborators", "repository_collaborators"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/issues", "issues"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/issues/comments", "issue_comments"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/issues/\d+/comments", "issue_comments"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/issues/events", "issue_events"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/pulls", "pull_requests"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/commits/\w+/pulls", "pull_requests"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/pulls/\d+/reviews", "pull_request_reviews"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/traffic/views", "traffic_views"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/traffic/clones", "traffic_clones"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/traffic/popular/paths", "traffic_paths"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/traffic/popular/referrers", "traffic_referrers"),
    (r"/(repos/[^/]+/[^/]+|repositories/\d+)/dependabot/alerts", "dependabot_alerts"),
)
"""Addresses whose answers have the shape of a dataset's items; the list of one issue's comments is a shorter one."""

ADDRESS = {
    "organizations": f"/orgs/{ORG}",
    "repositories": f"/orgs/{ORG}/repos",
    "members": f"/orgs/{ORG}/members",
    "outside_collaborators": f"/orgs/{ORG}/outside_collaborators",
    "teams": f"/orgs/{ORG}/teams",
    "team_members": f"/orgs/{ORG}/teams/{TEAM}/members",
    "team_repositories": f"/orgs/{ORG}/teams/{TEAM}/repos",
    "repository_collaborators": f"/repos/{ORG}/{REPO}/collaborators",
    "issues": f"/repos/{ORG}/{REPO}/issues",
    "issue_comments": f"/repos/{ORG}/{REPO}/issues/comments",
    "issue_events": f"/repos/{ORG}/{REPO}/issues/events",
    "pull_requests": f"/repos/{ORG}/{REPO}/pulls",
    "pull_request_reviews": f"/repos/{ORG}/{REPO}/pulls/{PULL}/reviews",
    "traffic_views": f"/repos/{ORG}/{REPO}/traffic/views",
    "traffic_clones": f"/repos/{ORG}/{REPO}/traffic/clones",
    "traffic_paths": f"/repos/{ORG}/{REPO}/traffic/popular/paths",
    "traffic_referrers": f"/repos/{ORG}/{REPO}/traffic/popular/referrers",
    "dependabot_alerts": f"/repos/{ORG}/{REPO}/dependabot/alerts",
}
"""Where each dataset asks in this organisation."""


@dataclass(frozen=True)
class Exchange:
    """A recorded answer, and the dataset whose address it was recorded at (None: another address)."""

    name: str
    path: str
    dataset: str | None
    response: Mapping[str, Any]

    @property
    def status(self) -> int:
        return int(self.response["status"])

    def __str__(self) -> str:
        return self.name


def exchanges() -> list[Exchange]:
    """Every recorded answer to a GET of both collections."""
    found = []
    for folder in ("exchanges", "octokit-fixtures"):
        for file in recorded_files(folder):
            for number, one in enumerate(_each(recorded(f"{folder}/{file.name}"))):
                if one["request"]["method"] != "GET":
                    continue
                path = str(one["request"]["path"]).rstrip("/")
                dataset = next((d for pattern, d in _DATASETS if re.fullmatch(pattern, path)), None)
                found.append(Exchange(f"{file.stem}-{number + 1}", path, dataset, one["response"]))
    return found


def _each(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else value.get("exchanges", [])


class ExchangeWorld:
    """Answers one address with one answer; `follow` holds further recorded ones by path, for redirects."""

    def __init__(self, dataset: str, told: Mapping[str, Any], follow: Sequence[Exchange] = ()) -> None:
        self.address = ADDRESS[dataset]
        self.told = told
        self.follow = {e.path: e for e in follow if e.path not in ADDRESS.values()}

    def __call__(self, asked: Asked) -> Told | None:
        if asked.path == self.address and (asked.query.get("role") in (None, "admin", "maintainer")):
            return as_recorded(self.told, asked.base, links=False)
        match asked.path.strip("/").split("/"):
            case ["orgs", login] if login == ORG:
                return Told({"id": ORG_ID, "login": ORG})
            case ["user", "memberships", "orgs", _]:
                return Told({"state": "active", "role": "admin"})
            case ["orgs", _, "repos"]:
                return Told([{"id": REPO_ID, "name": REPO, "full_name": f"{ORG}/{REPO}"}])
            case ["orgs", _, *_, "alerts"]:
                # The answer under test is that of the repository, which is asked where the organisation's is refused.
                return Told({"message": "You must be an owner or security manager"}, 403)
            case ["orgs", _, "teams"]:
                return Told([{"id": TEAM_ID, "slug": TEAM, "name": TEAM}])
            case ["repos", _, _, "pulls"]:
                return Told([{"id": PULL_ID, "number": PULL}])
            case ["orgs", *_] | ["repos", *_] if asked.path != self.address or "role" in asked.query:
                return Told([])
        followed = self.follow.get(asked.path)
        return as_recorded(followed.response, asked.base, links=False) if followed else None


class LettersInMemory:
    """Where the fetch loop puts failures, without a queue: what a letter is made of is told, and nothing is kept."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def put_many(self, failures: Sequence[Failure], *, who: str = "run") -> list[int]:
        self.failures += failures
        return list(range(len(self.failures) - len(failures) + 1, len(self.failures) + 1))

    def resolve_scopes(self, scopes: object, *, who: str, why: str) -> None:
        pass

    def of(self, dataset: str, day: date) -> list[Failure]:
        return [f for f in self.failures if (f.dataset, f.day) == (dataset, day)]
