"""Rows about who may do what, and since when nobody can tell, of which more than one part of the page speaks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import WEEK, as_date, holds, last_day
from oss_datastore.report.marts import Seen


def new_access(seen: Seen, now: date) -> pd.DataFrame:
    """Access that a list of the last seven days shows and an earlier one did not."""
    access = seen.read("user_access_current")
    granted = access[access["granted_on"].notna()]
    return granted[granted["granted_on"].map(as_date) > now - WEEK] if not granted.empty else granted


def new_admins(seen: Seen, now: date) -> pd.DataFrame:
    """Who was seen to become owner, or admin of a repository, in seven days and was neither by owning before."""
    audit = seen.read("user_access_changes")
    if audit.empty:
        return audit
    rise = audit[
        audit["change"].isin(["granted", "changed"])
        & (audit["changed_on"].map(as_date) > now - WEEK)
        & audit["role_after"].isin(["admin", "owner"])
        & audit["relation"].isin(["organization member", "repository collaborator"])
    ]
    of_org = rise[rise["relation"] == "organization member"]
    # An owner administers each new repository as well, which is no news.
    access = seen.read("user_access_current")
    owners = set(access[holds(access["is_owner"])]["user_id"]) - set(of_org["user_id"])
    return rise[~rise["user_id"].isin(owners)].sort_values(["changed_on", "login", "relation"])


def leavers(seen: Seen) -> pd.DataFrame:
    """Who left, by our lists or the people directory, and may still do something, as of the last loaded day."""
    review = seen.read("access_review")
    if review.empty:
        return review
    return review[(review["quarter_start"] == review["quarter_start"].max()) & holds(review["is_leaver"])]


def unknown_lists(seen: Seen) -> pd.DataFrame:
    """Lists of members and outside collaborators that did not come whole on the last day, and `since` when."""
    audit = seen.read("user_access_changes")
    gaps = audit[
        (audit["change"] == "unknown") & audit["relation"].isin(["organization member", "outside collaborator"])
    ]
    if gaps.empty:
        return gaps
    gaps = gaps.assign(since=gaps["changed_on"].map(as_date), until=gaps["unknown_until"].map(as_date))
    now = gaps[gaps["until"] == last_day(seen)]
    return now.assign(since=[_without_pause(row, gaps) for row in now.itertuples()])


def _without_pause(row: Any, gaps: pd.DataFrame) -> date:
    """First day of a list's troubles, whichever they were, if each follows on the one before."""
    same = gaps[(gaps["org_id"] == row.org_id) & (gaps["relation"] == row.relation)]
    begins = dict(zip(same["until"], same["since"], strict=True))
    since: date = row.since
    while since - timedelta(days=1) in begins:
        since = begins[since - timedelta(days=1)]
    return since
