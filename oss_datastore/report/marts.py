"""Reading the infomarts for one audience.

What an audience may not see is left out here, once, before any sentence, chart or table is made.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.catalogue import ANSWER_SETS

MARTS = (
    "repo_popularity_daily",
    "repo_popularity_weekly",
    "repo_traffic_daily",
    "repo_traffic_referrers",
    "repo_traffic_paths",
    "issue_current",
    "pull_request_attention",
    "user_access_current",
    "security_alerts_current",
    "org_overview",
    "data_quality_daily",
    "user_access_changes",
    "access_review",
    "security_coverage_daily",
    "security_sla",
    "security_remediation",
    "security_alerts_daily",
    "issue_metrics_daily",
    "pull_request_metrics_daily",
    "contributors",
    "contributor_funnel",
    "contributor_absence_factor",
    "release_adoption_daily",
    "repo_health_current",
    "metric_period",
    "metric_catalogue",
)
"""The marts that the page reads."""

_NOT_PUBLIC = (
    "user_access_current",
    "user_access_changes",
    "access_review",
    "security_alerts_current",
    "security_coverage_daily",
    "security_sla",
    "security_remediation",
    "security_alerts_daily",
    "contributors",
    "contributor_funnel",
    "contributor_absence_factor",
    "repo_health_current",
    "metric_period",
    "org_overview",
)
"""What only those inside may see: people, security, and totals that count private repositories."""

PUBLIC_DATASETS = (
    "repositories",
    "traffic_views",
    "traffic_clones",
    "traffic_referrers",
    "traffic_paths",
    "issues",
    "issue_comments",
    "issue_events",
    "pull_requests",
    "pull_request_reviews",
    "review_requests",
    "releases",
    "release_assets",
)
"""Of whose days the public may read whether they came whole: those that its sections rest on."""

_NAMES_OF_PEOPLE = ("author_id", "author_login", "assignees", "awaited_reviewers")
_OPEN_ALERTS = ("advisory_summary", "package_name", "manifest_path", "ghsa_id", "cve_id", "subject")
_FOR_SECURITY = {
    "user_access_current": ("two_factor_enabled",),
    "access_review": ("two_factor_enabled",),
    "security_alerts_current": _OPEN_ALERTS,
    "security_sla": _OPEN_ALERTS,
}
"""Columns that only `security` may see, by mart."""


class Audience(StrEnum):
    """Whom a page is for; each sees what the one before sees, and more."""

    public = "public"
    """Public repositories only; nothing on access or security."""
    internal = "internal"
    """Everything in counts; no list of open alerts, no two-factor state."""
    security = "security"
    """Everything."""

    def sees(self, least: Audience) -> bool:
        """Whether something meant for `least` and whoever sees more is meant for this audience."""
        order = list(Audience)
        return order.index(self) >= order.index(least)


class Marts(Protocol):
    """Whatever gives a mart as a data frame."""

    def read(self, mart: str) -> pd.DataFrame: ...


class SqlMarts:
    """The marts of a warehouse. `cursors` makes cursors of the DB-API, which this object closes."""

    def __init__(self, cursors: Callable[[], Any]) -> None:
        self._cursors = cursors

    def read(self, mart: str) -> pd.DataFrame:
        """All rows of a mart. Raises KeyError for a name that is none."""
        if mart not in MARTS:
            raise KeyError(f"no mart is called {mart}: the page knows {', '.join(MARTS)}")
        cursor = self._cursors()
        try:
            cursor.execute(f"select * from infomarts.{mart}")  # noqa: S608 - the name is one of MARTS
            columns = [column[0] for column in cursor.description]
            return pd.DataFrame.from_records(cursor.fetchall(), columns=columns, coerce_float=False)
        finally:
            cursor.close()


class Seen:
    """The marts as one audience sees them. Each is read once."""

    def __init__(self, marts: Marts, audience: Audience) -> None:
        self._marts = marts
        self.audience = audience
        self._frames: dict[str, pd.DataFrame] = {}

    def read(self, mart: str) -> pd.DataFrame:
        """Rows of a mart this audience may see, with `repository`: the repository's name now."""
        if mart not in self._frames:
            self._frames[mart] = self._restricted(mart)
        return self._frames[mart]

    def _restricted(self, mart: str) -> pd.DataFrame:
        frame = self._marts.read(mart)
        if mart == "data_quality_daily":
            frame = frame[~pd.Series(_resting(frame), index=frame.index, dtype=bool)]
        public = self.audience is Audience.public
        if public and mart in _NOT_PUBLIC:
            return frame.iloc[0:0]
        if public:
            frame = frame.drop(columns=[name for name in _NAMES_OF_PEOPLE if name in frame.columns])
        if self.audience is not Audience.security:
            frame = frame.drop(columns=[c for c in _FOR_SECURITY.get(mart, ()) if c in frame.columns])
        if public and mart == "data_quality_daily":
            return frame[frame["dataset"].isin(PUBLIC_DATASETS)]
        if "repo_id" not in frame.columns:
            return frame
        now = self._repositories_now()
        if public:
            frame = frame[frame["repo_id"].isin(now[now["visibility"] == "public"].index)]
        names = frame["repo_id"].map(now["full_name"])
        return frame.assign(repository=names.where(names.notna(), frame["full_name"]))

    def _repositories_now(self) -> pd.DataFrame:
        if "" not in self._frames:
            known = self._marts.read("repo_popularity_daily")[
                ["repo_id", "day", "full_name", "visibility", "org_login"]
            ]
            newest = known.sort_values("day").drop_duplicates("repo_id", keep="last").set_index("repo_id")
            # One organisation needs no owner before each name.
            if newest["org_login"].nunique() == 1:
                newest["full_name"] = newest["full_name"].str.split("/", n=1).str[-1]
            self._frames[""] = newest
        return self._frames[""]


def _resting(quality: pd.DataFrame) -> list[bool]:
    """Of each day of a dataset, whether nothing was due: it is asked every so many days, and was whole in between."""
    every = {dataset.name: asked.every_days for asked in ANSWER_SETS.values() for dataset in asked.datasets}
    keys = [(row.dataset, pd.Timestamp(row.day)) for row in quality.itertuples()]
    whole = {key for key, is_whole in zip(keys, quality["is_whole"], strict=True) if is_whole}

    def was_whole(dataset: str, day: pd.Timestamp) -> bool:
        return any((dataset, day - pd.Timedelta(days=n)) in whole for n in range(1, every.get(dataset, 1)))

    return [not planned and was_whole(*key) for key, planned in zip(keys, quality["scopes_planned"], strict=True)]
