"""The lists behind the sentences: rows of a mart as people read them.

A list shows its first rows and says how many more the mart holds. People are listed for action, never ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.access import changes, people
from oss_datastore.report.frames import as_date, dates, holds, last_day
from oss_datastore.report.lacking import lacking, losing
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Audience, Seen
from oss_datastore.report.periods import compared
from oss_datastore.report.projects import archive, health, releases, single, welcome
from oss_datastore.report.security import alerts_of, closed, not_watched, scanning
from oss_datastore.report.sentences import gains
from oss_datastore.report.waiting import overdue, unread
from oss_datastore.report.words import listed, of_days, unless_all


def listings(section: str, seen: Seen) -> list[Listing]:
    """The lists of a section for one audience."""
    now = last_day(seen)
    if now is None:
        return []
    made: dict[str, Callable[[], Iterable[Listing | None]]] = {
        "overview": lambda: [compared(seen, period) for period in ("week", "month", "quarter")],
        "popularity": lambda: [_popularity(seen, now), _stars_of_the_week(seen)],
        "traffic": lambda: [_traffic(seen, now), _paths(seen)],
        "conversations": lambda: [_overdue(seen, now), _quiet_issues(seen, now)],
        "people": lambda: [welcome(seen, now), single(seen)],
        "access": lambda: [*people(seen, now), changes(seen, now)],
        "security": lambda: [*alerts_of(seen), scanning(seen), closed(seen), not_watched(seen, now)],
        "releases": lambda: [releases(seen, now)],
        "health": lambda: [archive(seen), health(seen)],
        "data": lambda: [lacking(seen, now), losing(seen, now)],
    }
    return [listing for listing in made[section]() if listing is not None]


def _popularity(seen: Seen, now: date) -> Listing:
    stars = seen.read("repo_popularity_daily")
    today = stars[stars["day"].map(as_date) == now]
    gained = gains(seen, now)[["repo_id", "gained"]]
    recent = stars[stars["day"].map(as_date) > now - timedelta(days=28)]
    month = recent.groupby("repo_id").agg(
        month=("stargazers_net", lambda v: v.dropna().sum() if v.notna().any() else None),
        counted=("stargazers_net", "count"),
    )
    frame = today.merge(gained, how="left", on="repo_id").merge(month.reset_index(), how="left", on="repo_id")
    frame = frame.assign(
        days=of_days(frame["counted"].fillna(0), [28] * len(frame)),
        observed=unless_all(frame["data_state"], "complete"),
    )
    for column in ("stargazers_count", "forks_count", "subscribers_count", "gained", "month"):
        frame[column] = frame[column].astype("Int64")
    frame = frame.sort_values(["stargazers_count", "repository"], ascending=[False, True])
    columns = {
        "repository": "Repository",
        "stargazers_count": "Stars",
        "gained": "7 days",
        "month": "28 days",
        "days": "Days counted",
        "forks_count": "Forks",
        "subscribers_count": "Watchers",
        "observed": "Last day",
    }
    note = (
        "Stars gained. 7 days: only where both ends were observed. 28 days: the changes of the days that were counted."
    )
    return listing_of("repositories", "Repositories", frame, columns, note, most=100, is_open=False)


def _stars_of_the_week(seen: Seen) -> Listing | None:
    weeks = seen.read("repo_popularity_weekly").dropna(subset=["stargazers_net"])
    if weeks.empty:
        return None
    newest = weeks[weeks["week_start"] == weeks["week_start"].max()]
    frame = newest.assign(
        week=dates(newest["week_start"]),
        known_from=newest["is_approximate"].map({True: "GitHub's history", False: "the list of stargazers"}),
    ).sort_values(["stargazers_net", "repository"], ascending=[False, True])
    counts = {"stargazers_net": "Net", "stargazers_new": "Given", "stargazers_lost": "Taken back"}
    frame = frame.astype(dict.fromkeys(counts, "Int64"))
    columns = {
        "repository": "Repository",
        "week": "Week from",
        **counts,
        "known_from": "Known from",
    }
    note = (
        "The last whole week. GitHub's history knows it about: its days are of another zone, and it forgets who took a "
        "star back."
    )
    return listing_of("stars_of_the_week", "Stars given and taken back", frame, columns, note, most=100, is_open=False)


def _traffic(seen: Seen, now: date) -> Listing | None:
    traffic = seen.read("repo_traffic_daily")
    if traffic.empty:
        return None
    recent = traffic[traffic["traffic_date"].map(as_date) > now - timedelta(days=14)]
    final = recent[holds(recent["is_final"])]
    frame = (
        recent.groupby("repo_id").agg(repository=("repository", "last"), days=("traffic_date", "nunique")).reset_index()
    )
    sums = final.groupby("repo_id").agg(
        views=("views_count", "sum"), clones=("clones_count", "sum"), whole=("traffic_date", "nunique")
    )
    newest = recent.dropna(subset=["views_uniques_14_days"]).sort_values("traffic_date").groupby("repo_id").last()
    frame = frame.merge(sums, how="left", on="repo_id").merge(
        newest[["views_uniques_14_days"]], how="left", on="repo_id"
    )
    frame["counted"] = of_days(frame["whole"].fillna(0), [14] * len(frame))
    for column in ("views", "clones", "views_uniques_14_days"):
        frame[column] = frame[column].astype("Int64")
    frame = frame.sort_values(["views", "repository"], ascending=[False, True])
    columns = {
        "repository": "Repository",
        "views": "Views",
        "clones": "Clones",
        "counted": "Days counted",
        "views_uniques_14_days": "Visitors (GitHub's)",
    }
    note = (
        "Fourteen days. Views and clones add only days that were seen whole, all fourteen unless said; visitors are "
        "GitHub's own count, as last seen, and do not add up."
    )
    return listing_of("traffic_by_repository", "Traffic by repository", frame, columns, note, most=100, is_open=False)


def _paths(seen: Seen) -> Listing | None:
    paths = seen.read("repo_traffic_paths").dropna(subset=["rank"])
    if paths.empty:
        return None
    newest = paths[paths["day"] == paths.groupby("repo_id")["day"].transform("max")]
    frame = newest.sort_values(["views_count_14_days", "repository", "rank"], ascending=[False, True, True])
    days = newest["day"].map(as_date)
    frame = frame.assign(
        views=frame["views_count_14_days"].astype("Int64"),
        older=unless_all(days.loc[frame.index], last_day(seen)),
    )
    columns = {
        "repository": "Repository",
        "path": "Path",
        "title": "Title",
        "views": "Views in 14 days",
        "older": "List of",
    }
    return listing_of(
        "paths",
        "Most viewed pages",
        frame,
        columns,
        "GitHub's top ten of each repository.",
        most=15,
        is_open=False,
    )


def _overdue(seen: Seen, now: date) -> Listing | None:
    late = overdue(seen)
    if late.empty:
        return None
    blind = unread(seen, now)
    frame = late.assign(
        which=_numbers(late),
        unread=unless_all(("no, may be answered" if repo in blind else "yes" for repo in late["repo_id"]), "yes"),
        since=late["waiting_since"].map(as_date),
        waiting=late["waiting_days"].astype("Int64"),
    )
    columns = {
        "repository": "Repository",
        "which": "Number",
        "title": "Title",
        "waiting_for": "Waits for",
        "since": "Since",
        "waiting": "Days",
        "unread": "Read to the end",
    }
    if seen.audience.sees(Audience.internal):
        columns |= {"awaited_reviewers": "Reviewers asked"}
    return listing_of("overdue", "Community pull requests beyond our promise", frame, columns)


def _numbers(frame: pd.DataFrame) -> list[str]:
    """Numbers of issues as GitHub writes them."""
    return [f"#{int(number)}" for number in frame["number"]]


def _quiet_issues(seen: Seen, now: date) -> Listing | None:
    issues = seen.read("issue_current")
    open_ones = issues[
        (issues["state"] == "open") & (issues["author_kind"] == "community") & issues["first_response_at"].isna()
    ]
    if open_ones.empty:
        return None
    frame = open_ones.assign(which=_numbers(open_ones), open_days=open_ones["open_days"].astype("Int64"))
    frame = frame.sort_values(["created_at", "issue_id"])
    columns = {"repository": "Repository", "which": "Number", "title": "Title", "open_days": "Days open"}
    blind = sorted({name for repo, name in unread(seen, now).items() if repo in set(frame["repo_id"])})
    note = "Nobody but the author and bots has said a word."
    if blind:
        note += f" Not read to the end, and perhaps answered: {listed(blind)}."
    return listing_of(
        "unanswered_issues", "Community issues without any answer", frame, columns, note, most=15, is_open=False
    )
