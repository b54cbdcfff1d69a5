"""The first screen: what a reader must know, in sentences, trust first.

Each sentence is made of numbers that stand in a mart and leads to the section with its rows. What was not observed is
said and never counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
from markupsafe import Markup

from oss_datastore.report.frames import as_date, holds, last_day
from oss_datastore.report.marts import Audience, Seen
from oss_datastore.report.newcomers import active_with_one_person, candidates, newcomers, settled_cohort
from oss_datastore.report.words import count_text, day_text, joined, listed, number, say, share, short_day, spoken

WEEK = timedelta(days=7)
MET_PERIOD = timedelta(days=28)


@dataclass(frozen=True)
class Sentence:
    """What the first screen says under one heading, and the section that shows more."""

    heading: str
    text: Markup
    section: str
    tone: str = "quiet"
    """`quiet`, `good` or `act`: whether somebody should do something."""


def first_screen(seen: Seen) -> list[Sentence]:
    """The sentences an audience reads, in their order."""
    now = last_day(seen)
    if now is None:
        return [Sentence("Trust", Markup("No day has been loaded yet."), "data", "act")]
    sentences = [_trust(seen, now), _waiting(seen, now)]
    if seen.audience.sees(Audience.internal):
        sentences += [_at_risk(seen), _access(seen, now)]
    sentences.append(_grew(seen, now))
    if seen.audience.sees(Audience.internal):
        sentences += [_people(seen, now), _decide(seen)]
    return sentences


def _trust(seen: Seen, now: date) -> Sentence:
    popularity = _on(seen.read("repo_popularity_daily"), "day", now)
    traffic = _on(seen.read("repo_traffic_daily"), "traffic_date", now)
    counted = set(popularity[popularity["data_state"] == "complete"]["repo_id"])
    whole = counted & set(traffic[traffic["is_final"].astype(bool)]["repo_id"])
    parts = [
        say(
            "Data to {day}: counts and traffic of {whole} of {known} repositories are complete.",
            day=day_text(now),
            whole=number("repositories_whole", len(whole)),
            known=number("repositories_known", len(popularity)),
        )
    ]
    losing = losing_traffic(seen, now)
    if not losing.empty:
        parts.append(
            say(
                "{count} traffic since {since}; retry before {until} or {days} lost.",
                count=number("losing", losing["repo_id"].nunique())
                + (" lacks" if losing["repo_id"].nunique() == 1 else " lack"),
                since=short_day(as_date(losing["traffic_date"].min())),
                until=short_day(as_date(losing["recoverable_until"].min())),
                days="that day is" if losing["traffic_date"].nunique() == 1 else "the first of these days is",
            )
        )
    today = _on(seen.read("data_quality_daily"), "day", now)
    lacking = today[~today["is_whole"].astype(bool)]
    if not lacking.empty:
        parts.append(
            say("Not whole that day: {names}.", names=listed((spoken(name) for name in lacking["dataset"]), 6))
        )
    complete = len(whole) == len(popularity) and lacking.empty and losing.empty
    return Sentence("Trust", joined(parts), "data", "good" if complete else "act")


def losing_traffic(seen: Seen, now: date) -> pd.DataFrame:
    """Days of traffic that no complete window covers and that GitHub can still give after the last loaded day."""
    traffic = seen.read("repo_traffic_daily")
    closes = pd.Timestamp(now) + pd.Timedelta(days=1)
    # What lies before the first loaded day was never ours to lose.
    first = seen.read("data_quality_daily")["day"].min()
    open_days = traffic[~traffic["is_final"].astype(bool) & (traffic["traffic_date"] >= first)]
    return open_days[pd.to_datetime(open_days["recoverable_until"]) > closes]


def _waiting(seen: Seen, now: date) -> Sentence:
    pulls = seen.read("pull_request_attention")
    community = pulls[pulls["author_kind"] == "community"]
    late = overdue(seen)
    closes = pd.Timestamp(now) + pd.Timedelta(days=1)
    dues = pd.to_datetime(community["due_at"])
    due = community[(dues < closes) & (dues >= closes - MET_PERIOD)]
    met = int((~due["breached"].astype(bool)).sum())
    parts = []
    if late.empty:
        parts.append(say("No community pull request waits beyond our promise."))
    else:
        oldest = late.iloc[0]
        who = "its reviewer" if oldest["waiting_for"] == "reviewer" else "a maintainer"
        parts.append(
            say(
                "{count} {exceed} our promise; oldest: {repository} #{number}, {days}, waits for {who}.",
                count=number("overdue", len(late)),
                exceed="community pull request exceeds" if len(late) == 1 else "community pull requests exceed",
                repository=oldest["repository"],
                number=int(oldest["number"]),
                days=count_text(int(oldest["waiting_days"]), "day"),
                who=who,
            )
        )
    if len(due):
        parts.append(say("{share} due in the last 28 days were answered in time.", share=share(met, len(due))))
    unknown = int((pulls[pulls["state"] == "open"]["author_kind"] == "unknown").sum())
    if unknown:
        parts.append(
            say(
                "Of {count} open ones the author is gone or cannot be told from a member.",
                count=number("unknown_authors", unknown),
            )
        )
    return Sentence("Waiting for us", joined(parts), "conversations", "good" if late.empty else "act")


def overdue(seen: Seen) -> pd.DataFrame:
    """Community pull requests that wait for us beyond the promise, the longest wait first."""
    pulls = seen.read("pull_request_attention")
    late = pulls[(pulls["author_kind"] == "community") & holds(pulls["is_overdue"])]
    return late.sort_values(["waiting_since", "pull_request_id"])


def _at_risk(seen: Seen) -> Sentence:
    alerts = seen.read("security_alerts_current")
    late = alerts[holds(alerts["is_overdue"])] if not alerts.empty else alerts
    parts = []
    if late.empty:
        surely = "" if alerts.empty or (alerts["data_state"] == "complete").all() else "known to be "
        parts.append(say("No open alert is {surely}past due.", surely=surely))
    else:
        worst = next(s for s in ("critical", "high", "medium", "low") if (late["severity"] == s).any())
        of_worst = late[late["severity"] == worst]
        parts.append(
            say(
                "{count} {severity} {alerts} past due in {repositories}, oldest by {days}; {all} past due in all.",
                count=number("overdue_worst", len(of_worst)),
                severity=worst,
                alerts="alert is" if len(of_worst) == 1 else "alerts are",
                repositories=count_text(of_worst["repo_id"].nunique(), "repository", "repositories"),
                days=count_text(int(of_worst["overdue_days"].max()), "day"),
                all=number("overdue_alerts", len(late)),
            )
        )
    overview = _newest_day(seen.read("org_overview"))
    known, off = _total(overview, "repositories_count"), _total(overview, "repositories_not_watched")
    unknown = _total(overview, "repositories_watch_unknown")
    if off or unknown:
        parts.append(
            say(
                "Scanning is off in {off} of {known}, unknown in {unknown}.",
                off=number("not_watched", off),
                known=number("repositories_in_all", known),
                unknown=number("watch_unknown", unknown),
            )
        )
    return Sentence("At risk", joined(parts), "security", "good" if late.empty and not (off or unknown) else "act")


def _access(seen: Seen, now: date) -> Sentence:
    access = seen.read("user_access_current")
    orgs = access[access["repo_id"].isna()]
    fresh = new_access(seen, now)
    people = fresh["user_id"].nunique()
    outside = fresh[holds(fresh["is_outside"])]["user_id"].nunique()
    parts = []
    if people:
        parts.append(
            say(
                "{people} got access in the last seven days, {outside} of them from outside.",
                people=number("new_people", people) + (" person" if people == 1 else " people"),
                outside=number("new_outside", outside),
            )
        )
    else:
        first = as_date(seen.read("data_quality_daily")["day"].min())
        since = "in the last seven days" if first <= now - WEEK else f"since the first list, of {short_day(first)}"
        parts.append(say("Nobody new {since}.", since=since))
    parts.append(
        say(
            "{owners}, {members} in all, {outsiders}.",
            owners=number("owners", int(holds(orgs["is_owner"]).sum())) + " owners",
            members=number("members", int(holds(orgs["is_member"]).sum())) + " members",
            outsiders=number("outsiders", int(holds(orgs["is_outside"]).sum())) + " outside collaborators",
        )
    )
    overview = _newest_day(seen.read("org_overview"))
    blind = overview[
        (overview["members_data_state"] != "complete") | (overview["outside_collaborators_data_state"] != "complete")
    ]
    for row in blind.itertuples():
        state = row.members_data_state if row.members_data_state != "complete" else row.outside_collaborators_data_state
        parts.append(
            say(
                "{org} is not fully known: its lists came {state}, and what they lack proves nothing.",
                org=row.org_login,
                state=state,
            )
        )
    return Sentence("Access", joined(parts), "access", "act" if not blind.empty or outside else "quiet")


def new_access(seen: Seen, now: date) -> pd.DataFrame:
    """Access that a list of the last seven days shows and an earlier one did not."""
    access = seen.read("user_access_current")
    granted = access[access["granted_on"].notna()]
    return granted[granted["granted_on"].map(as_date) > now - WEEK] if not granted.empty else granted


def _grew(seen: Seen, now: date) -> Sentence:
    gained = growth(seen, now)
    if gained.empty:
        return Sentence("Grew", say("No two comparable weeks have been observed yet."), "popularity")
    total, before = int(gained["gained"].sum()), gained["gained_before"]
    parts = [
        say(
            "Net {total} stars in seven days{previous}, like for like over {count}.",
            total=number("stars_net", total, signed=True),
            previous=""
            if before.isna().any()
            else say(" (the seven before: {n})", n=number("stars_net_before", int(before.sum()), signed=True)),
            count=number("compared", len(gained)) + (" repository" if len(gained) == 1 else " repositories"),
        )
    ]
    best = gained.sort_values(["gained", "repository"], ascending=[False, True]).iloc[0]
    if best["gained"] > 0:
        referrer = _top_referrer(seen, best["repo_id"])
        told = say("; {name} is its top referrer over 14 days", name=referrer) if referrer else ""
        parts.append(
            say("{name} brought {n}{told}.", name=best["repository"], n=number("best", best["gained"]), told=told)
        )
    return Sentence("Grew", joined(parts), "popularity")


def _people(seen: Seen, now: date) -> Sentence:
    fresh = newcomers(seen, now)
    parts = [
        say(
            "{count} in 28 days.",
            count=number("newcomers", len(fresh))
            + (" first-time community contributor" if len(fresh) == 1 else " first-time community contributors"),
        )
        if len(fresh)
        else say("Nobody new from outside in 28 days.")
    ]
    cohort = settled_cohort(seen, now)
    if cohort is not None:
        month, merged, again = cohort
        parts.append(
            say(
                "Of those first seen in {month}, {again} of {merged} with a merge merged again within 90 days.",
                month=f"{month:%B %Y}",
                again=number("merged_again", again),
                merged=number("merged_once", merged),
            )
        )
    single = active_with_one_person(seen)
    if not single.empty:
        parts.append(
            say(
                "{count} on one person.",
                count=number("single", len(single))
                + (" active repository depends" if len(single) == 1 else " active repositories depend"),
            )
        )
    return Sentence("People", joined(parts), "people")


def _decide(seen: Seen) -> Sentence:
    found = candidates(seen)
    health = seen.read("repo_health_current")
    unknown = int(health["is_archive_candidate"].isna().sum()) if not health.empty else 0
    parts = []
    if found.empty:
        parts.append(say("Nothing to archive that we know of."))
    else:
        orphans = int((found["owner_basis"] == "none").sum())
        parts.append(
            say(
                "{count}{orphans}.",
                count=number("candidates", len(found))
                + (" archive candidate" if len(found) == 1 else " archive candidates"),
                orphans=say("; {n} without an owner", n=number("orphans", orphans)) if orphans else "",
            )
        )
    if unknown:
        parts.append(say("Of {n} it is not known when anything last moved.", n=number("candidates_unknown", unknown)))
    return Sentence("Decide", joined(parts), "health", "quiet" if found.empty else "act")


def growth(seen: Seen, now: date) -> pd.DataFrame:
    """Stars gained in seven days (`gained`) and the seven before (`gained_before`), over the same repositories.

    Only repositories observed at all three ends count; where none reaches back fourteen days, the two newer ends do.
    """
    stars = seen.read("repo_popularity_daily")
    stars = stars[~holds(stars["is_fork"])]
    ends = {
        name: _on(stars, "day", now - n * WEEK).set_index("repo_id")["stargazers_count"]
        for n, name in enumerate(("end", "start", "before"))
    }
    table = pd.DataFrame(ends).astype("Int64").dropna(subset=["end", "start"])
    if table["before"].notna().any():
        table = table.dropna(subset=["before"])
    names = stars.drop_duplicates("repo_id", keep="last").set_index("repo_id")["repository"]
    table = table.assign(
        gained=table["end"] - table["start"],
        gained_before=table["start"] - table["before"],
        repository=table.index.map(names),
    )
    return table.reset_index(names="repo_id")


def _top_referrer(seen: Seen, repo_id: Any) -> str | None:
    lists = seen.read("repo_traffic_referrers")
    of_one = lists[(lists["repo_id"] == repo_id) & (lists["rank"] == 1)].sort_values("day")
    return None if of_one.empty else str(of_one.iloc[-1]["referrer"])


def _on(frame: pd.DataFrame, column: str, day: date) -> pd.DataFrame:
    return frame if frame.empty else frame[frame[column].map(as_date) == day]


def _newest_day(overview: pd.DataFrame) -> pd.DataFrame:
    return overview if overview.empty else overview[overview["day"] == overview["day"].max()]


def _total(frame: pd.DataFrame, column: str) -> int:
    return int(frame[column].dropna().sum())
