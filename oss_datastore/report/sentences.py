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

from oss_datastore.report.dashboards import dashboard
from oss_datastore.report.frames import WEEK, as_date, holds, last_day, on_day
from oss_datastore.report.marts import Audience, Seen
from oss_datastore.report.newcomers import (
    active_with_one_person,
    candidates,
    half_read,
    newcomers,
    settled_cohort,
)
from oss_datastore.report.waiting import never_answered, overdue, promise, unread
from oss_datastore.report.who_may import leavers, new_access, new_admins, unknown_lists
from oss_datastore.report.words import count_text, day_text, joined, listed, number, say, share, short_day, spoken

MET_PERIOD = timedelta(days=28)
SEVERITIES = ("critical", "high", "medium", "low")
KINDS_OF_ALERTS = {"dependabot": "Dependabot", "code_scanning": "code scanning", "secret_scanning": "secret scanning"}


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
    popularity = on_day(seen.read("repo_popularity_daily"), "day", now)
    traffic = on_day(seen.read("repo_traffic_daily"), "traffic_date", now)
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
                count=number("losing", losing["repo_id"].nunique(), rows="losing")
                + (" lacks" if losing["repo_id"].nunique() == 1 else " lack"),
                since=short_day(as_date(losing["traffic_date"].min())),
                until=short_day(as_date(losing["recoverable_until"].min())),
                days="that day is" if losing["traffic_date"].nunique() == 1 else "the first of these days is",
            )
        )
    today = on_day(seen.read("data_quality_daily"), "day", now)
    lacking = today[~today["is_whole"].astype(bool)]
    # What the page rests on comes before what is only kept.
    rests = {name for section in dashboard().sections for name in section.datasets}
    names = sorted(lacking["dataset"], key=lambda name: (name not in rests, name))
    if names:
        parts.append(
            say(
                'Not whole <a href="#lacking">that day</a>: {names}.',
                names=listed((spoken(name) for name in names), 6),
            )
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
    blind = unread(seen, now)
    community = pulls[pulls["author_kind"] == "community"]
    late = overdue(seen)
    closes = pd.Timestamp(now) + pd.Timedelta(days=1)
    # Whether a promise was kept is only known where everything that was said has been read.
    read = community[~community["repo_id"].isin(blind)]
    dues = pd.to_datetime(read["due_at"])
    due = read[(dues < closes) & (dues >= closes - MET_PERIOD)]
    met = int((~due["breached"].astype(bool)).sum())
    parts = []
    if late.empty:
        text = "No community pull request waits beyond our {promise}{known}."
        parts.append(say(text, promise=promise(seen), known=_as_known(blind)))
    else:
        oldest = late.iloc[0]
        who = "its reviewer" if oldest["waiting_for"] == "reviewer" else "a maintainer"
        parts.append(
            say(
                "{count} {exceed} our {promise}; oldest: {repository} #{number}, {days}, waits for {who}.",
                promise=promise(seen),
                count=number("overdue", len(late), rows="overdue"),
                exceed="community pull request exceeds" if len(late) == 1 else "community pull requests exceed",
                repository=oldest["repository"],
                number=int(oldest["number"]),
                days=count_text(int(oldest["waiting_days"]), "day"),
                who=who,
            )
        )
    never, before = (never_answered(read, closes - n * pd.Timedelta(WEEK)) for n in (0, 1))
    if never or before:
        parts.append(
            say(
                "{never} first {answers} overdue (a week before: {before}).",
                never=number("never_answered", never),
                answers="answer is" if never == 1 else "answers are",
                before=number("never_answered_before", before),
            )
        )
    if len(due):
        parts.append(
            say(
                "{share} due in the last 28 days {were} answered in time.",
                share=share(met, len(due), "answers_due"),
                were="was" if len(due) == 1 else "were",
            )
        )
    if blind:
        inside = int(late["repo_id"].isin(blind).sum())
        parts.append(
            say(
                "{count} of {known} {have} not been read to the end: {names}{inside}.",
                count=number("unread", len(blind)),
                known=count_text(
                    on_day(seen.read("pull_request_metrics_daily"), "day", now)["repo_id"].nunique(),
                    "repository",
                    "repositories",
                ),
                have="has" if len(blind) == 1 else "have",
                names=listed(sorted(blind.values())),
                inside=say("; {n} of those late may be answered there", n=inside) if inside else "",
            )
        )
    unknown = int((pulls[pulls["state"] == "open"]["author_kind"] == "unknown").sum())
    if unknown:
        parts.append(
            say(
                "Of {count} open {ones} the author is gone or cannot be told from a member.",
                count=number("unknown_authors", unknown),
                ones="one" if unknown == 1 else "ones",
            )
        )
    return Sentence("Waiting for us", joined(parts), "conversations", "good" if late.empty and not blind else "act")


def _as_known(blind: dict[Any, str]) -> str:
    return " that we know of" if blind else ""


def _at_risk(seen: Seen) -> Sentence:
    alerts = seen.read("security_sla")
    late = alerts[holds(alerts["is_overdue"])] if not alerts.empty else alerts
    overview = _newest_day(seen.read("org_overview"))
    known, off = _total(overview, "repositories_count"), _total(overview, "repositories_not_watched")
    unknown = _total(overview, "repositories_watch_unknown")
    rows = "open_alerts" if seen.audience is Audience.security else "alerts_due"
    parts = []
    if late.empty:
        whole = not unknown and (alerts.empty or alerts["data_state"].isin(["complete", "disabled"]).all())
        parts.append(say("No open alert is {surely}past due.", surely="" if whole else "known to be "))
    else:
        worst = next(s for s in SEVERITIES if (late["severity"] == s).any())
        of_worst = late[late["severity"] == worst]
        parts.append(
            say(
                "{count} {severity} {alerts} past due in {repositories}, oldest by {days}; {all} in all ({kinds}).",
                count=number("overdue_worst", len(of_worst), rows=rows),
                severity=worst,
                alerts="alert is" if len(of_worst) == 1 else "alerts are",
                repositories=count_text(of_worst["repo_id"].nunique(), "repository", "repositories"),
                days=count_text(int(of_worst["overdue_days"].max()), "day"),
                all=number("overdue_alerts", len(late)),
                kinds=", ".join(
                    f"{count} {KINDS_OF_ALERTS[kind]}"
                    for kind in KINDS_OF_ALERTS
                    if (count := int((late["alert_kind"] == kind).sum()))
                ),
            )
        )
    if off or unknown:
        of = say(" of {known} repositories", known=number("repositories_in_all", known))
        states = (
            ("off", number("not_watched", off, rows="not_watched"), off),
            ("unknown", number("watch_unknown", unknown, rows="not_watched"), unknown),
        )
        told = [say("{state} in {count}", state=state, count=text) for state, text, count in states if count]
        parts.append(say("Dependabot is {told}{of}.", told=Markup(", ").join(told), of=of))
    return Sentence("At risk", joined(parts), "security", "good" if late.empty and not (off or unknown) else "act")


def _access(seen: Seen, now: date) -> Sentence:
    access = seen.read("user_access_current")
    orgs = access[access["repo_id"].isna()]
    fresh = new_access(seen, now)
    people = fresh["user_id"].nunique()
    outside = fresh[holds(fresh["is_outside"]) & fresh["repo_id"].isna()]["user_id"].nunique()
    admins = new_admins(seen, now)["user_id"].nunique()
    gone = leavers(seen)["user_id"].nunique()
    news = [
        (admins, number("new_admins", admins, rows="new_admins") + (" new admin" if admins == 1 else " new admins")),
        (
            outside,
            number("new_outside", outside, rows="new_access")
            + (" new outside collaborator" if outside == 1 else " new outside collaborators"),
        ),
        (
            people,
            number("new_people", people, rows="new_access")
            + (" person with new access" if people == 1 else " people with new access"),
        ),
    ]
    told = [text for count, text in news if count]
    first = as_date(seen.read("data_quality_daily")["day"].min())
    since = "in the last seven days" if first <= now - WEEK else f"since the first list, of {short_day(first)}"
    parts = [Markup(", ").join(told) + f" ({since})." if told else say("Nothing new {since}.", since=since)]
    if gone:
        still = " leaver still has access." if gone == 1 else " leavers still have access."
        parts.append(number("leavers", gone, rows="leavers") + still)
    blind = unknown_lists(seen)
    for row in blind.itertuples():
        parts.append(
            say(
                '{org}: {what} <a href="#access_changes">unknown</a> since {day}, the list {came}.',
                org=row.org_login,
                what=f"{row.relation}s".removeprefix("organization "),
                day=short_day(row.since),
                came="came in part" if row.data_state == "partial" else f"did not come ({row.data_state})",
            )
        )
    parts.append(
        say(
            "{owners}, {members} in all, {outsiders}{as_known}.",
            owners=number("owners", int(holds(orgs["is_owner"]).sum()), rows="owners") + " owners",
            members=number("members", int(holds(orgs["is_member"]).sum())) + " members",
            outsiders=number("outsiders", int(holds(orgs["is_outside"]).sum()), rows="owners")
            + " outside collaborators",
            as_known=" as last seen" if len(blind) else "",
        )
    )
    return Sentence("Access", joined(parts), "access", "act" if len(blind) or outside or admins or gone else "quiet")


def _grew(seen: Seen, now: date) -> Sentence:
    gained = growth(seen, now)
    if gained.empty:
        stars = seen.read("repo_popularity_daily")
        today = on_day(stars[~holds(stars["is_fork"])], "day", now)
        text = (
            "Not known: the stars of the last day were not counted."
            if today["stargazers_count"].isna().all()
            else "No two comparable weeks have been observed yet."
        )
        return Sentence("Grew", say(text), "popularity")
    total, before = int(gained["gained"].sum()), gained["gained_before"]
    known = seen.read("repo_popularity_daily")
    of = on_day(known[~holds(known["is_fork"])], "day", now)["repo_id"].nunique()
    parts = [
        say(
            "Net {total} stars in seven days{previous}, like for like over {count}.",
            total=number("stars_net", total, signed=True, rows="repositories"),
            previous=""
            if before.isna().any()
            else say(" (the seven before: {n})", n=number("stars_net_before", int(before.sum()), signed=True)),
            count=number("compared", len(gained))
            + (f" of {of}" if of > len(gained) else "")
            + (" repository" if of == len(gained) == 1 else " repositories"),
        )
    ]
    best = gained.sort_values(["gained", "repository"], ascending=[False, True]).iloc[0]
    if best["gained"] > 0:
        referrer = _top_referrer(seen, best["repo_id"], now)
        told = (
            say('; {name} is its <a href="#referrers">top referrer</a> over 14 days', name=referrer) if referrer else ""
        )
        parts.append(
            say("{name} brought {n}{told}.", name=best["repository"], n=number("best", best["gained"]), told=told)
        )
    return Sentence("Grew", joined(parts), "popularity")


def _people(seen: Seen, now: date) -> Sentence:
    fresh = newcomers(seen, now)
    parts = [
        say(
            "{count} in 28 days.",
            count=number("newcomers", len(fresh), rows="first_timers")
            + (" first-time community contributor" if len(fresh) == 1 else " first-time community contributors"),
        )
        if len(fresh)
        else say("Nobody new from outside in 28 days.")
    ]
    unread_past = half_read(fresh)
    if unread_past:
        parts.append(say("Some may not be new: of {orgs} not all has been read yet.", orgs=listed(unread_past)))
    cohort = settled_cohort(seen, now)
    if cohort is not None:
        month, merged, again = cohort
        parts.append(
            say(
                "Of those first seen in {month}, {again} of {merged} with a merge merged again within 90 days.",
                month=f"{month:%B %Y}",
                again=number("merged_again", again, rows="newcomers"),
                merged=number("merged_once", merged),
            )
        )
    single = active_with_one_person(seen)
    if not single.empty:
        parts.append(
            say(
                "{count} on one person.",
                count=number("single", len(single), rows="single")
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
                count=number("candidates", len(found), rows="archive_candidates")
                + (" archive candidate" if len(found) == 1 else " archive candidates"),
                orphans=say("; {n} without an owner", n=number("orphans", orphans)) if orphans else "",
            )
        )
    if unknown:
        parts.append(say("Of {n} it is not known when anything last moved.", n=number("candidates_unknown", unknown)))
    return Sentence("Decide", joined(parts), "health", "quiet" if found.empty else "act")


def gains(seen: Seen, now: date) -> pd.DataFrame:
    """Stars gained in seven days (`gained`) and the seven before (`gained_before`); NULL where an end is missing."""
    stars = seen.read("repo_popularity_daily")
    ends = {
        name: on_day(stars, "day", now - n * WEEK).set_index("repo_id")["stargazers_count"]
        for n, name in enumerate(("end", "start", "before"))
    }
    table = pd.DataFrame(ends).astype("Int64")
    newest = stars.sort_values("day").drop_duplicates("repo_id", keep="last").set_index("repo_id")
    table = table.assign(
        gained=table["end"] - table["start"],
        gained_before=table["start"] - table["before"],
        repository=table.index.map(newest["repository"]),
        is_fork=holds(table.index.map(newest["is_fork"]).to_series(index=table.index)),
    )
    return table.reset_index(names="repo_id")


def growth(seen: Seen, now: date) -> pd.DataFrame:
    """The gains that can be compared, our own forks left out: repositories observed at all three ends.

    Where none reaches back fourteen days, the two newer ends do.
    """
    table = gains(seen, now)
    table = table[~table["is_fork"]].dropna(subset=["gained"])
    return table.dropna(subset=["gained_before"]) if table["gained_before"].notna().any() else table


def _top_referrer(seen: Seen, repo_id: Any, now: date) -> str | None:
    lists = on_day(seen.read("repo_traffic_referrers"), "day", now)
    of_one = lists[(lists["repo_id"] == repo_id) & (lists["rank"] == 1)]
    return None if of_one.empty else str(of_one.iloc[-1]["referrer"])


def _newest_day(overview: pd.DataFrame) -> pd.DataFrame:
    return overview if overview.empty else overview[overview["day"] == overview["day"].max()]


def _total(frame: pd.DataFrame, column: str) -> int:
    return int(frame[column].dropna().sum())
