"""The lists behind the sentences: rows of a mart as people read them, and what the data lacks.

A list shows its first rows and says how many more the mart holds. People are listed for action, never ranked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from oss_datastore.report.frames import as_date, last_day
from oss_datastore.report.marts import Audience, Seen
from oss_datastore.report.sentences import WEEK, growth, losing_traffic, new_access, overdue
from oss_datastore.report.words import cell, count_text, short_day

LONGEST = 40
_LOOK_BACK = 60


@dataclass(frozen=True)
class Listing:
    """A table of the page: plain text in cells, escaped by the template."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str
    numeric: tuple[bool, ...]
    is_open: bool = True
    """Shown at once, or folded."""


def listings(section: str, seen: Seen) -> list[Listing]:
    """The lists of a section for one audience."""
    now = last_day(seen)
    if now is None:
        return []
    made = {
        "popularity": lambda: [_popularity(seen, now)],
        "traffic": lambda: [_traffic(seen, now), _paths(seen)],
        "conversations": lambda: [_overdue(seen), _quiet_issues(seen)],
        "access": lambda: _people(seen, now),
        "security": lambda: _alerts(seen),
        "data": lambda: [_lacking(seen, now), _losing(seen, now)],
    }[section]()
    return [listing for listing in made if listing is not None]


def notices(datasets: tuple[str, ...], seen: Seen) -> list[str]:
    """What a section must say before its charts: which of its datasets are not whole on the last day, and what that means."""
    quality = seen.read("data_quality_daily")
    now = last_day(seen)
    today = quality[(quality["day"].map(as_date) == now) & quality["dataset"].isin(datasets)] if now else quality.iloc[0:0]
    told = []
    for row in today[~today["is_whole"].map(bool)].itertuples():
        if row.scopes_planned == 0:
            told.append(f"{row.dataset} was not fetched for the last day: what is shown is older, or missing.")
            continue
        states = ", ".join(
            f"{count} {state}"
            for state in ("partial", "failed", "pending", "forbidden", "unavailable")
            if (count := int(getattr(row, f"scopes_{state}")))
        )
        told.append(
            f"{row.dataset} is not whole for the last day: {int(row.scopes_missing)} of {count_text(int(row.scopes_planned), 'scope')} "
            f"({states}). Nothing is concluded from what is missing."
        )
    return told


def _listing(
    ident: str, title: str, frame: pd.DataFrame, columns: dict[str, str], note: str = "", *, most: int = LONGEST, is_open: bool = True
) -> Listing:  # fmt: skip
    shown = frame.head(most)
    more = len(frame) - len(shown)
    rest = f"{more:,} more in the mart." if more else ""
    rows = tuple(tuple(cell(value) for value in row) for row in shown[list(columns)].itertuples(index=False, name=None))
    numeric = tuple(bool(pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])) for c in columns)
    return Listing(ident, title, tuple(columns.values()), rows, " ".join(part for part in (note, rest) if part), numeric, is_open)


def _popularity(seen: Seen, now: date) -> Listing:
    stars = seen.read("repo_popularity_daily")
    today = stars[stars["day"].map(as_date) == now]
    gained = growth(seen, now)[["repo_id", "gained"]]
    month = stars[stars["day"].map(as_date) > now - timedelta(days=28)].dropna(subset=["stargazers_net"])
    month = month.groupby("repo_id")["stargazers_net"].sum().rename("month").reset_index()
    frame = today.merge(gained, how="left", on="repo_id").merge(month, how="left", on="repo_id")
    for column in ("stargazers_count", "forks_count", "subscribers_count", "gained", "month"):
        frame[column] = frame[column].astype("Int64")
    frame = frame.sort_values(["stargazers_count", "repository"], ascending=[False, True])
    columns = {"repository": "Repository", "stargazers_count": "Stars", "gained": "7 days", "month": "28 days",
               "forks_count": "Forks", "subscribers_count": "Watchers", "data_state": "Observed"}  # fmt: skip
    note = "7 days: only where both ends were observed. 28 days: sum of the daily changes observed."
    return _listing("repositories", "Repositories", frame, columns, note, most=100, is_open=False)


def _traffic(seen: Seen, now: date) -> Listing | None:
    traffic = seen.read("repo_traffic_daily")
    if traffic.empty:
        return None
    recent = traffic[traffic["traffic_date"].map(as_date) > now - timedelta(days=14)]
    final = recent[recent["is_final"].map(bool)]
    frame = recent.groupby("repo_id").agg(repository=("repository", "last"), days=("traffic_date", "nunique")).reset_index()
    sums = final.groupby("repo_id").agg(views=("views_count", "sum"), clones=("clones_count", "sum"), whole=("traffic_date", "nunique"))
    newest = recent.dropna(subset=["views_uniques_14_days"]).sort_values("traffic_date").groupby("repo_id").last()
    frame = frame.merge(sums, how="left", on="repo_id").merge(newest[["views_uniques_14_days"]], how="left", on="repo_id")
    frame["lacking"] = frame["days"] - frame["whole"].fillna(0)
    for column in ("views", "clones", "views_uniques_14_days", "lacking"):
        frame[column] = frame[column].astype("Int64")
    frame = frame.sort_values(["views", "repository"], ascending=[False, True])
    columns = {"repository": "Repository", "views": "Views", "clones": "Clones", "views_uniques_14_days": "Visitors (GitHub's)",
               "lacking": "Days not final"}  # fmt: skip
    note = "Fourteen days to the last one. Views and clones add final days only; visitors are GitHub's own count and do not add up."
    return _listing("traffic_by_repository", "Traffic by repository", frame, columns, note, most=100, is_open=False)


def _paths(seen: Seen) -> Listing | None:
    paths = seen.read("repo_traffic_paths").dropna(subset=["rank"])
    if paths.empty:
        return None
    newest = paths[paths["day"] == paths.groupby("repo_id")["day"].transform("max")]
    frame = newest.sort_values(["views_count_14_days", "repository", "rank"], ascending=[False, True, True])
    frame = frame.assign(views=frame["views_count_14_days"].astype("Int64"))
    columns = {"repository": "Repository", "path": "Path", "title": "Title", "views": "Views in 14 days"}
    return _listing("paths", "Most viewed pages", frame, columns, "GitHub's top ten of each repository, newest list.", most=15, is_open=False)


def _overdue(seen: Seen) -> Listing | None:
    late = overdue(seen)
    if late.empty:
        return None
    frame = late.assign(since=[short_day(as_date(v)) for v in late["waiting_since"]], waiting=late["waiting_days"].astype("Int64"))
    columns = {"repository": "Repository", "number": "Number", "title": "Title", "waiting_for": "Waits for", "since": "Since", "waiting": "Days"}
    if seen.audience.sees(Audience.internal):
        columns |= {"awaited_reviewers": "Reviewers asked"}
    return _listing("overdue", "Community pull requests beyond our promise", frame, columns)


def _quiet_issues(seen: Seen) -> Listing | None:
    issues = seen.read("issue_current")
    open_ones = issues[(issues["state"] == "open") & (issues["author_kind"] == "community") & issues["first_response_at"].isna()]
    if open_ones.empty:
        return None
    frame = open_ones.sort_values(["created_at", "issue_id"]).assign(open_days=open_ones["open_days"].astype("Int64"))
    columns = {"repository": "Repository", "number": "Number", "title": "Title", "open_days": "Days open"}
    note = "Nobody but the author and bots has said a word."
    return _listing("unanswered_issues", "Community issues without any answer", frame, columns, note, most=15, is_open=False)


def _people(seen: Seen, now: date) -> list[Listing]:
    access = seen.read("user_access_current")
    access = access.assign(where=access["full_name"].where(access["full_name"].notna(), "organisation " + access["org_login"].fillna("")))
    made = []
    fresh = new_access(seen, now)
    if not fresh.empty:
        fresh = access.loc[fresh.index].sort_values(["granted_on", "login", "where"])
        columns = {"login": "Person", "where": "On", "role": "Role", "team_paths": "By team", "direct_path": "Direct", "granted_on": "First seen"}
        note = f"Seen since {short_day(now - WEEK + timedelta(days=1))} and not before. A grant taken back within a day is invisible."
        made.append(_listing("new_access", "New access", fresh, columns, note))
    powerful = access[access["repo_id"].isna() & (access["is_owner"].map(bool) | access["is_outside"].map(bool))]
    if not powerful.empty:
        columns = {"login": "Person", "org_login": "Organisation", "role": "Role", "first_seen_on": "Seen since", "data_state": "List"}
        frame = powerful.sort_values(["org_login", "role", "login"])
        made.append(_listing("owners", "Owners and outside collaborators", frame, columns, "Owners administer every repository.", is_open=False))
    if seen.audience is Audience.security and "two_factor_enabled" in access.columns:
        off = access[access["repo_id"].isna() & (access["two_factor_enabled"].map(lambda v: v is False or v == False))]  # noqa: E712
        unknown = int(access[access["repo_id"].isna()]["two_factor_enabled"].isna().sum())
        frame = off.sort_values(["org_login", "login"])
        columns = {"login": "Person", "org_login": "Organisation", "role": "Role"}
        note = f"{len(off)} without, {unknown} not known to the token."
        made.append(_listing("two_factor", "Members without two-factor authentication", frame, columns, note))
    return made


def _alerts(seen: Seen) -> list[Listing]:
    alerts = seen.read("security_alerts_current")
    if seen.audience is not Audience.security or alerts.empty:
        return []
    rank = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    open_ones = alerts[alerts["state"] == "open"]
    frame = open_ones.assign(
        _rank=open_ones["severity"].map(rank), due=open_ones["due_at"].map(lambda v: None if pd.isna(v) else as_date(v).isoformat())
    ).sort_values(["_rank", "due_at", "repository", "alert_number"])
    columns = {"severity": "Severity", "repository": "Repository", "package_name": "Package", "advisory_summary": "Advisory",
               "first_patched_version": "Fixed in", "exposure_days": "Days open", "due": "Due", "is_overdue": "Past due"}  # fmt: skip
    return [_listing("open_alerts", "Open alerts", frame, columns)]


def _lacking(seen: Seen, now: date) -> Listing:
    quality = seen.read("data_quality_daily")
    recent = quality[quality["day"].map(as_date) > now - timedelta(days=_LOOK_BACK)]
    frame = _ranges(recent[~recent["is_whole"].map(bool)])
    columns = {"dataset": "Dataset", "days": "Days", "state": "State", "scopes": "Scopes missing", "until": "Can be fetched until"}
    return _listing("lacking", "Days that are not whole", frame, columns, f"The last {_LOOK_BACK} days. Disabled and gone scopes lack nothing.")


def _ranges(lacking: pd.DataFrame) -> pd.DataFrame:
    """Consecutive days of a dataset with the same trouble as one row."""
    found: list[dict[str, Any]] = []
    for row in lacking.sort_values(["dataset", "day"]).itertuples():
        day, missing = as_date(row.day), int(row.scopes_missing)
        until = "gone" if not row.is_recoverable else "any time" if pd.isna(row.recoverable_until) else short_day(as_date(row.recoverable_until))
        last = found[-1] if found else None
        same = last is not None and (last["dataset"], last["state"], last["scopes"]) == (row.dataset, row.data_state, missing)
        if last is not None and same and last["last"] + timedelta(days=1) == day and last["until"] == until:
            last["last"] = day
        else:
            found.append({"dataset": row.dataset, "first": day, "last": day, "state": row.data_state, "scopes": missing, "until": until})
    for row_ in found:
        first, last_day_ = row_["first"], row_["last"]
        row_["days"] = short_day(first) if first == last_day_ else f"{short_day(first)} – {short_day(last_day_)}"
    found.sort(key=lambda r: (r["last"], r["first"], r["dataset"]), reverse=True)
    return pd.DataFrame(found, columns=["dataset", "days", "state", "scopes", "until", "first", "last"])


def _losing(seen: Seen, now: date) -> Listing | None:
    losing = losing_traffic(seen, now)
    if losing.empty:
        return None
    frame = losing.groupby("repository").agg(first=("traffic_date", "min"), count=("traffic_date", "nunique"), until=("recoverable_until", "min"))
    frame = frame.reset_index().sort_values(["until", "repository"])
    frame = frame.assign(first=frame["first"].map(as_date), until=[short_day(as_date(v)) for v in frame["until"]])
    columns = {"repository": "Repository", "first": "First day lacking", "count": "Days", "until": "Lost from"}
    return _listing("losing", "Traffic that is about to be lost", frame, columns, "Retry its letters, or fetch any later day in time.")
