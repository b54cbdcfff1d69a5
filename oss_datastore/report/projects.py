"""Lists about repositories and the people who keep them alive."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import as_date, dates, holds
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Seen
from oss_datastore.report.newcomers import active_with_one_person, candidates, newcomers
from oss_datastore.report.words import of_days


def releases(seen: Seen, now: date) -> Listing | None:
    """Releases with their downloads."""
    downloads = seen.read("release_adoption_daily")
    if downloads.empty:
        return None
    recent = downloads[downloads["day"].map(as_date) > now - timedelta(days=28)]
    keys = ["repository", "tag_name", "published_at"]
    counted = recent["day"].where(recent["downloads"].notna())
    frame = (
        recent.assign(counted=counted)
        .groupby(keys, dropna=False)
        .agg(
            month=("downloads", lambda v: v.dropna().sum() if v.notna().any() else None),
            days=("day", "nunique"),
            counted=("counted", "nunique"),
        )
    )
    newest = downloads.dropna(subset=["download_count"]).sort_values("day").drop_duplicates("asset_id", keep="last")
    held = newest.groupby(keys, dropna=False)["download_count"].sum().rename("held")
    frame = frame.join(held).reset_index().sort_values(["published_at", "repository"], ascending=[False, True])
    frame = frame.assign(
        published=dates(frame["published_at"]),
        of=of_days(frame["counted"], frame["days"]),
        month=pd.to_numeric(frame["month"]).astype("Int64"),
        held=pd.to_numeric(frame["held"]).astype("Int64"),
    )
    columns = {
        "repository": "Repository",
        "tag_name": "Release",
        "published": "Published",
        "month": "Downloads in 28 days",
        "of": "Days counted",
        "held": "Downloads held",
    }
    note = (
        "A day that was not observed, and the one after it, are missing from the 28 days. Held: the counters of the "
        "assets as last observed."
    )
    return listing_of("releases_list", "Releases with assets", frame, columns, note, is_open=False)


def archive(seen: Seen) -> Listing | None:
    """What to archive."""
    found = candidates(seen)
    if found.empty:
        return None
    frame = found.assign(
        pushed=dates(found["pushed_at"]),
        released=dates(found["last_release_at"]),
        said=dates(found["last_conversation_at"]),
    ).sort_values(["pushed_at", "repository"])
    columns = {
        "repository": "Repository",
        "owner": "Owner",
        "tier": "Tier",
        "pushed": "Last push",
        "said": "Last word",
        "released": "Last release",
    }
    note = "No push for a year, nothing said by people for half a year, not exempt."
    return listing_of("archive_candidates", "Archive candidates", frame, columns, note)


def health(seen: Seen) -> Listing | None:
    """Every repository with who answers for it and what it lacks."""
    known = seen.read("repo_health_current")
    if known.empty:
        return None
    frame = known[~holds(known["is_archived"])].sort_values(["repository"])
    frame = frame.assign(
        policies=[
            ", ".join(
                name
                for name, lacks in (
                    ("licence", not row.has_license),
                    ("contributing", row.has_contributing_guidelines is False),
                    ("security policy", row.has_security_policy is False),
                    ("branch rules", row.branch_rules_count == 0),
                )
                if lacks
            )
            or None
            for row in frame.itertuples()
        ],
    )
    columns = {
        "repository": "Repository",
        "owner": "Owner",
        "tier": "Tier",
        "days_since_push": "Days since push",
        "maintainers_active": "Maintainers active in 90 days",
        "policies": "Lacks",
    }
    note = "No score: each column can be acted on. What is not known is not said to be lacking."
    return listing_of("health_list", "Repositories", frame, columns, note, most=100, is_open=False)


def welcome(seen: Seen, now: date) -> Listing | None:
    """Who came for the first time."""
    found = newcomers(seen, now)
    if found.empty:
        return None
    days = {name: dates(found[f"first_{name}_at"]) for name in ("seen", "pull_request", "merge")}
    frame = found.assign(**days).sort_values(["first_seen_at", "login"])
    columns = {
        "login": "Person",
        "kind": "Known as",
        "seen": "First seen",
        "pull_request": "First pull request",
        "merge": "First merge",
    }
    note = "In the last 28 days: say welcome. Employees are left out; unknown may be one who is in no list of ours."
    return listing_of("first_timers", "First-time community contributors", frame, columns, note)


def single(seen: Seen) -> Listing | None:
    """Repositories that hang on one person."""
    found = active_with_one_person(seen)
    if found.empty:
        return None
    columns = {"repository": "Repository", "commits_count": "Commits in 365 days", "authors_count": "People"}
    note = "One person made at least half of the commits. Squashed merges and shared addresses blur this."
    return listing_of("single", "Repositories that depend on one person", found, columns, note, is_open=False)
