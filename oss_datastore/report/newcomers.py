"""Rows about contributors and repositories that more than one part of the page speaks of."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import as_date, holds
from oss_datastore.report.marts import Seen

MONTH = timedelta(days=28)
_NOT_NEWS = timedelta(days=270)


def newcomers(seen: Seen, now: date) -> pd.DataFrame:
    """People from outside who were seen to do something for the first time in the last 28 days."""
    people = seen.read("contributors")
    fresh = people["first_seen_at"].map(as_date) > now - MONTH if not people.empty else []
    return people[fresh & (people["kind"] != "employee")] if not people.empty else people


def half_read(people: pd.DataFrame) -> list[str]:
    """Organisations of these people of whose past not all has been read: who seems new there need not be."""
    return sorted(people[~holds(people["is_history_complete"])]["org_login"].unique()) if not people.empty else []


def settled_cohort(seen: Seen, now: date) -> tuple[date, int, int] | None:
    """The newest month, of the last nine, whose newcomers with a merge have had 90 days: (month, merged, again)."""
    funnel = seen.read("contributor_funnel")
    if funnel.empty:
        return None
    # Where not all has been read, who was first seen in a month may have been there before.
    known = (funnel["kind"] != "employee") & (funnel["merged"] > 0) & holds(funnel["is_history_complete"])
    community = funnel[known]
    if community.empty:
        return None
    over = community[community["cohort_month"].map(lambda m: _month_end(as_date(m)) + timedelta(days=90) <= now)]
    if over.empty:
        return None
    month = over["cohort_month"].max()
    if as_date(month) < now - _NOT_NEWS:
        return None
    rows = over[over["cohort_month"] == month]
    return as_date(month), int(rows["merged"].sum()), int(rows["merged_again_in_90_days"].sum())


def active_with_one_person(seen: Seen) -> pd.DataFrame:
    """Repositories with ten commits or more in a year of which one person made at least half."""
    factors = seen.read("contributor_absence_factor")
    if factors.empty:
        return factors
    kept = factors[(factors["absence_factor"] == 1) & ~holds(factors["is_archived"]) & ~holds(factors["is_fork"])]
    return kept.sort_values(["repository"])


def candidates(seen: Seen) -> pd.DataFrame:
    """Repositories to decide about: nothing has moved in them for long."""
    health = seen.read("repo_health_current")
    return health if health.empty else health[holds(health["is_archive_candidate"])]


def _month_end(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
