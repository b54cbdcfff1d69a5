"""GitHub as it served the traffic of one real repository, day after day, made of the recorded series.

Beside the recorded repository stands a quiet one with the same numbers but for every day below the median, which has
none: GitHub leaves such days out of its answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from oss_datastore_tests.recorded.recordings import recorded
from oss_datastore_tests.recorded.replay import Asked, Told, page_of

ORG, ORG_ID = "jgehrcke", 101
REPO, REPO_ID = "covid-19-germany-gae", 102
QUIET, QUIET_ID = "quiet", 103

Series = dict[date, tuple[int, int]]


def series(kind: str, repo: str = REPO) -> Series:
    """Total and uniques per day of `views` or `clones`; in the quiet repository a day below the median is zero."""
    days = recorded("repository-traffic/views_clones_daily.json")
    half = median(d[f"{kind}_total"] for d in days)
    return {
        date.fromisoformat(d["day"]): (0, 0)
        if repo == QUIET and d[f"{kind}_total"] < half
        else (d[f"{kind}_total"], d[f"{kind}_unique"])
        for d in days
    }


def cumulative(name: str, now: datetime) -> int:
    """How many stars or forks there were at a moment."""
    key = f"{name}_cumulative"
    before = [
        r for r in recorded(f"repository-traffic/{name}.json") if datetime.fromisoformat(r["time_iso8601"]) <= now
    ]
    return int(before[-1][key]) if before else 0


def snapshot(kind: str, now: datetime) -> list[dict[str, Any]]:
    """The top list (`paths` or `referrers`) as it was last taken before a moment, in GitHub's words."""
    lists = [s for s in recorded("repository-traffic/paths_referrers_snapshots.json") if s["kind"] == kind]
    taken = [s for s in lists if datetime.fromisoformat(s["taken"]) <= now]
    found = []
    for row in taken[-1]["rows"] if taken else []:
        numbers = {"count": int(row["views_total"]), "uniques": int(row["views_unique"])}
        found.append(
            {"path": row["url_path"], "title": row["url_path"].rsplit("/", 1)[-1], **numbers}
            if kind == "paths"
            else {"referrer": row["referrer"], **numbers}
        )
    return found


@dataclass
class TrafficWorld:
    """Answers as of a moment: fourteen days, the leftmost cut to a third, the present one just begun."""

    now: datetime

    def __call__(self, asked: Asked) -> Told | None:
        match asked.path.strip("/").split("/"):
            case ["orgs", login] if login == ORG:
                return Told({"id": ORG_ID, "login": ORG})
            case ["user", "memberships", "orgs", _]:
                return Told({"state": "active", "role": "admin"})
            case ["orgs", _, "repos"]:
                return page_of(asked, [self._repository(REPO, REPO_ID), self._repository(QUIET, QUIET_ID)])
            case ["repos", _, repo, "traffic", "popular", kind]:
                return Told(snapshot(kind, self.now) if repo == REPO else [])
            case ["repos", _, repo, "traffic", kind]:
                return Told(self._window(kind, repo))
        return None

    def _repository(self, name: str, number: int) -> dict[str, Any]:
        return {
            "id": number,
            "name": name,
            "full_name": f"{ORG}/{name}",
            "private": False,
            "stargazers_count": cumulative("stars", self.now),
            "forks_count": cumulative("forks", self.now),
        }

    def _window(self, kind: str, repo: str) -> dict[str, Any]:
        whole = series(kind, repo)
        today = self.now.date()
        served = []
        for back in range(13, -1, -1):
            day = today - timedelta(days=back)
            total, uniques = whole.get(day, (0, 0))
            share = 3 if back == 13 else 40 if back == 0 else 1
            if total // share:
                moment = f"{day.isoformat()}T00:00:00Z"
                served.append({"timestamp": moment, "count": total // share, "uniques": max(1, uniques // share)})
        return {
            "count": sum(s["count"] for s in served),
            "uniques": max((s["uniques"] for s in served), default=0),
            kind: served,
        }
