"""Rows about what waits for an answer, of which more than one part of the page speaks."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import holds, on_day
from oss_datastore.report.marts import Seen


def unread(seen: Seen, now: date) -> dict[Any, str]:
    """Repositories (id, name) whose issues, pull requests or what was said there did not come whole to the last day."""
    found: dict[Any, str] = {}
    for mart in ("issue_metrics_daily", "pull_request_metrics_daily"):
        state = on_day(seen.read(mart), "day", now)
        blind = state[~holds(state["is_final"]) & ~state["data_state"].isin(["disabled", "gone"])]
        found |= dict(zip(blind["repo_id"], blind["repository"], strict=True))
    return found


def overdue(seen: Seen) -> pd.DataFrame:
    """Community pull requests that wait for us beyond the promise, the longest wait first."""
    pulls = seen.read("pull_request_attention")
    late = pulls[(pulls["author_kind"] == "community") & holds(pulls["is_overdue"])]
    return late.sort_values(["waiting_since", "pull_request_id"])


def never_answered(community: pd.DataFrame, at: pd.Timestamp) -> int:
    """Pull requests whose promised first answer was overdue at a moment: open until then, and without any."""
    due, answered, closed = (pd.to_datetime(community[name]) for name in ("due_at", "first_response_at", "closed_at"))
    return int(((due < at) & ~(answered < at) & ~(closed < at)).sum())


def promise(seen: Seen) -> str:
    """What was promised, in the words of the page: "2-day promise", as the mart reckoned it; a bare one of no row."""
    pulls = seen.read("pull_request_attention")
    told = pulls[pulls["waiting_due_at"].notna()]
    if told.empty:
        return "promise"
    since, due = (pd.Timestamp(told.iloc[0][name]).date() for name in ("waiting_since", "waiting_due_at"))
    return f"{len(pd.bdate_range(since, due, inclusive='left'))}-day promise"
