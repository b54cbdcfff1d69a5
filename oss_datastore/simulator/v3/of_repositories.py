"""Endpoints of one repository: itself, traffic, collaborators, issues, pull requests, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oss_datastore.simulator.v3.accounts import (
    ROLE_NAMES,
    permissions,
    repository_full,
    team_full,
    user,
)
from oss_datastore.simulator.v3.alerts import alert, alert_of_org
from oss_datastore.simulator.v3.call import Call, Json, Listing, Refused, Route, not_found
from oss_datastore.simulator.v3.pulls import pull_full, pull_listed, review
from oss_datastore.simulator.v3.tracker import comment, issue, issue_event
from oss_datastore.simulator.world.alerts import Alert
from oss_datastore.simulator.world.dice import DAY, iso
from oss_datastore.simulator.world.items import IN_FEED, Event, Item
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.teams import PERMISSIONS

TWO_YEARS = 2 * 365 * DAY + DAY // 2


def repository(call: Call) -> Json:
    """The repository itself."""
    return repository_full(call, call.repository())


def languages(call: Call) -> Json:
    """Bytes by language."""
    return dict(call.repository().languages(call.now))


def _with_push(call: Call, message: str) -> Repository:
    found = call.repository()
    if not call.may(found, "push"):
        raise Refused(403, message)
    return found


def _traffic(call: Call, what: str) -> Json:
    found = _with_push(call, "Must have push access to repository")
    per = call.choice("per", ("day", "week"), "day")
    today = call.now // DAY
    window: dict[int, tuple[int, int]] = {}
    for day in range(today - 13, today + 1):
        seen = found.growth.seen(what, day, call.now)
        # The leftmost day has begun to leave the window: GitHub shows only a part of it.
        count, uniques = seen.count, seen.uniques
        if day == today - 13:
            count, uniques = count // 3, min(uniques, count // 3)
        if count == 0:
            continue
        start = day if per == "day" else day - (day + 3) % 7
        before = window.get(start, (0, 0))
        window[start] = (before[0] + count, before[1] + uniques)
    rows = [
        {"timestamp": iso(day * DAY), "count": count, "uniques": uniques}
        for day, (count, uniques) in sorted(window.items())
    ]
    # People come back, so the window has fewer of them than its days add up to.
    everybody = sum(uniques for _, uniques in window.values())
    return {"count": sum(count for count, _ in window.values()), "uniques": everybody - everybody // 5, what: rows}


def views(call: Call) -> Json:
    """Fourteen days of views."""
    return _traffic(call, "views")


def clones(call: Call) -> Json:
    """Fourteen days of clones."""
    return _traffic(call, "clones")


def referrers(call: Call) -> list[Json]:
    """The ten sites that sent most people in the last fourteen days."""
    found = _with_push(call, "Must have push access to repository")
    rows = found.growth.popular("referrers", call.now)
    return [{"referrer": name, "count": seen.count, "uniques": seen.uniques} for name, _, seen in rows]


def paths(call: Call) -> list[Json]:
    """The ten pages most people looked at in the last fourteen days."""
    found = _with_push(call, "Must have push access to repository")
    full_name = found.full_name(call.now)
    rows = found.growth.popular("paths", call.now)
    return [
        {
            "path": f"/{full_name}{path}",
            "title": f"{full_name}: {title}",
            "count": seen.count,
            "uniques": seen.uniques,
        }
        for path, title, seen in rows
    ]


def collaborators(call: Call) -> Listing:
    """Who may do what here."""
    found = call.repository()
    if not call.may(found, "push"):
        raise Refused(403, "Must have push access to view repository collaborators.")
    access = found.org.access(found)
    affiliation = call.choice("affiliation", ("outside", "direct", "all"), "all")
    least = call.choice("permission", PERMISSIONS, "pull")
    people = {
        "outside": list(access.outside(call.now)),
        "direct": list(access.direct(call.now)),
        "all": access.everybody(call.now),
    }[affiliation]
    entries = [(who, access.permission(who, call.now) or "pull") for who in sorted(people, key=lambda who: who.id)]
    entries = [entry for entry in entries if PERMISSIONS.index(entry[1]) >= PERMISSIONS.index(least)]
    return Listing(
        entries,
        lambda entry: {
            **(user(call, entry[0]) or {}),
            "permissions": permissions(entry[1]),
            "role_name": ROLE_NAMES[entry[1]],
        },
    )


def _chosen(call: Call, items: Sequence[Item], since: int | None) -> list[Item]:
    wanted = call.choice("state", ("open", "closed", "all"), "open")
    order = call.choice("sort", ("created", "updated", "comments", "popularity", "long-running"), "created")
    direction = call.choice("direction", ("asc", "desc"), "desc")
    found = []
    for item in items:
        state = item.at(call.now)
        if (wanted == "all" or (wanted == "open") == state.open) and (since is None or state.updated >= since):
            keys = {"updated": state.updated, "comments": len(state.comments), "popularity": len(state.comments)}
            found.append(((keys.get(order, item.created), item.number), item))
    return [item for _, item in sorted(found, key=lambda pair: pair[0], reverse=direction == "desc")]


def issues(call: Call) -> Listing:
    """Issues, pull requests among them."""
    return Listing(_chosen(call, call.repository().items(call.now), call.since()), lambda item: issue(call, item))


def _item(call: Call, number: str, pulls_only: bool = False) -> Item:
    found = call.repository().item(int(number), call.now) if number.isdigit() else None
    if found is None or (pulls_only and not found.is_pull):
        raise not_found()
    return found


def one_issue(call: Call) -> Json:
    """One issue or pull request."""
    item = _item(call, call.path["issue_number"])
    return {**issue(call, item), "closed_by": user(call, item.at(call.now).closed_by)}


def comments(call: Call) -> Listing:
    """Comments on all issues and pull requests."""
    since = call.since()
    call.choice("sort", ("created", "updated"), "created")
    # Without a wish for an order GitHub ignores the direction and goes by id. Nobody edits here: both orders are one.
    newest_first = call.choice("direction", ("asc", "desc"), "asc") == "desc" and "sort" in call.query
    found = [
        (item, event)
        for item in call.repository().items(call.now)
        for event in item.at(call.now).comments
        if since is None or event.at >= since
    ]
    found.sort(key=_when, reverse=newest_first)
    return Listing(found, lambda entry: comment(call, entry))


def _when(entry: tuple[Item, Event]) -> tuple[int, int]:
    return entry[1].at, entry[0].number


def events(call: Call) -> Listing:
    """Events of all issues and pull requests, newest first."""
    found = [
        (item, event)
        for item in call.repository().items(call.now)
        for event in item.happened(call.now)
        if event.kind in IN_FEED
    ]
    found.sort(key=_when, reverse=True)
    return Listing(found, lambda entry: issue_event(call, entry))


def pulls(call: Call) -> Listing:
    """Pull requests. There is no `since` here: it is ignored."""
    items = [item for item in call.repository().items(call.now) if item.is_pull]
    return Listing(_chosen(call, items, None), lambda item: pull_listed(call, item))


def pull(call: Call) -> Json:
    """One pull request."""
    return pull_full(call, _item(call, call.path["pull_number"], pulls_only=True))


def reviews(call: Call) -> Listing:
    """The submitted reviews of a pull request, oldest first."""
    item = _item(call, call.path["pull_number"], pulls_only=True)
    return Listing([(item, event) for event in item.at(call.now).reviews], lambda entry: review(call, entry))


def requested_reviewers(call: Call) -> Json:
    """Who was asked and has not answered."""
    item = _item(call, call.path["pull_number"], pulls_only=True)
    state = item.at(call.now)
    people = [user(call, who) for who in state.asked] if state.open else []
    teams = [team_full(call, team, item.repository.org) for team in state.asked_teams if state.open]
    return {"users": people, "teams": teams}


def shown_alerts(call: Call, found: Repository) -> list[Alert]:
    """The alerts GitHub still shows: those closed more than two years ago have left."""
    shown = []
    for raised in found.alerts(call.now):
        turn = raised.at(call.now)
        if turn.state == "open" or call.now - turn.at <= TWO_YEARS:
            shown.append(raised)
    return shown


def _sorted_alerts(call: Call, alerts: list[Alert]) -> list[Alert]:
    wanted = [state for state in call.query.get("state", "").split(",") if state]
    severities = [severity for severity in call.query.get("severity", "").split(",") if severity]
    order = call.choice("sort", ("created", "updated", "epss_percentage"), "created")
    direction = call.choice("direction", ("asc", "desc"), "desc")

    def key(raised: Alert) -> Any:
        changed = max(raised.created, raised.at(call.now).at)
        rank = {"created": raised.created, "updated": changed, "epss_percentage": raised.advisory.score}[order]
        return rank, raised.repository.id, raised.number

    chosen = [
        raised
        for raised in alerts
        if (not wanted or raised.at(call.now).state in wanted)
        and (not severities or raised.advisory.severity in severities)
    ]
    return sorted(chosen, key=key, reverse=direction == "desc")


def alerts(call: Call) -> Listing:
    """The Dependabot alerts of a repository."""
    found = call.repository()
    if not call.may(found, "push"):
        raise Refused(403, "You are not authorized to perform this operation.")
    if not found.traits.alerts_enabled:
        raise Refused(403, "Dependabot alerts are disabled for this repository.")
    if found.archived(call.now):
        raise Refused(403, "Dependabot alerts are not available for archived repositories.")
    return Listing(_sorted_alerts(call, shown_alerts(call, found)), lambda raised: alert(call, raised))


def org_alerts(call: Call) -> Listing:
    """The Dependabot alerts of a whole organisation."""
    org = call.org()
    call.need_member()
    call.need_owner("You are not authorized to perform this operation.")
    found = [
        raised
        for each in org.repositories_at(call.now)
        if each.traits.alerts_enabled and not each.archived(call.now)
        for raised in shown_alerts(call, each)
    ]
    return Listing(_sorted_alerts(call, found), lambda raised: alert_of_org(call, raised))


REPO = "/repos/{owner}/{repo}"
ALERTS = "vulnerability_alerts=read"
ROUTES = (
    Route(REPO, repository),
    Route(f"{REPO}/languages", languages),
    Route(f"{REPO}/traffic/views", views, "administration=read"),
    Route(f"{REPO}/traffic/clones", clones, "administration=read"),
    Route(f"{REPO}/traffic/popular/referrers", referrers, "administration=read"),
    Route(f"{REPO}/traffic/popular/paths", paths, "administration=read"),
    Route(f"{REPO}/collaborators", collaborators),
    Route(f"{REPO}/issues", issues, "issues=read"),
    Route(f"{REPO}/issues/comments", comments, "issues=read"),
    Route(f"{REPO}/issues/events", events, "issues=read"),
    Route(f"{REPO}/issues/{{issue_number}}", one_issue, "issues=read"),
    Route(f"{REPO}/pulls", pulls, "pull_requests=read"),
    Route(f"{REPO}/pulls/{{pull_number}}", pull, "pull_requests=read"),
    Route(f"{REPO}/pulls/{{pull_number}}/reviews", reviews, "pull_requests=read"),
    Route(f"{REPO}/pulls/{{pull_number}}/requested_reviewers", requested_reviewers, "pull_requests=read"),
    Route(f"{REPO}/dependabot/alerts", alerts, ALERTS, "public_repo, repo, security_events", cursor=True),
    Route("/orgs/{org}/dependabot/alerts", org_alerts, ALERTS, "repo, security_events", cursor=True),
)
