"""Endpoints of one repository: itself, traffic, collaborators, issues, pull requests."""

from __future__ import annotations

from collections.abc import Sequence

from oss_datastore.simulator.v3.accounts import (
    ROLE_NAMES,
    permissions,
    repository_full,
    team_full,
    user,
)
from oss_datastore.simulator.v3.call import Answer, Call, Json, Listing, Refused, Route, not_found
from oss_datastore.simulator.v3.pulls import pull_full, pull_listed, review
from oss_datastore.simulator.v3.tracker import comment, issue, issue_event
from oss_datastore.simulator.world.dice import DAY, iso
from oss_datastore.simulator.world.items import IN_FEED, Event, Item
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.teams import PERMISSIONS


def repository(call: Call) -> Json:
    """The repository itself."""
    return repository_full(call, call.repository())


def languages(call: Call) -> Json:
    """Bytes by language."""
    found = call.repository()
    return {} if call.empty(found) else dict(found.languages(call.now))


def _with_traffic(call: Call) -> Repository:
    found = call.repository()
    if not call.may(found, "push") or call.holds("traffic_forbidden", found):
        raise Refused(403, "Must have push access to repository")
    return found


def _traffic(call: Call, what: str) -> Json:
    found = _with_traffic(call)
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
    found = _with_traffic(call)
    rows = found.growth.popular("referrers", call.now)
    return [{"referrer": name, "count": seen.count, "uniques": seen.uniques} for name, _, seen in rows]


def paths(call: Call) -> list[Json]:
    """The ten pages most people looked at in the last fourteen days."""
    found = _with_traffic(call)
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


def _with_issues(call: Call) -> Repository:
    found = call.repository()
    if call.holds("issues_disabled", found):
        raise Refused(410, "Issues are disabled for this repo")
    return found


def _with_pulls(call: Call) -> Repository:
    found = call.repository()
    if call.holds("pull_requests_disabled", found):
        raise not_found()
    return found


def issues(call: Call) -> Listing:
    """Issues, pull requests among them."""
    return Listing(_chosen(call, call.items(_with_issues(call)), call.since()), lambda item: issue(call, item))


def _pull(call: Call) -> Item:
    found, number = _with_pulls(call), call.path["pull_number"]
    item = found.item(int(number), call.now) if number.isdigit() else None
    if item is None or not item.is_pull:
        raise not_found()
    return item


def one_issue(call: Call) -> Json | Answer:
    """One issue or pull request; 410 where it was deleted, 301 where it went to another repository."""
    found, number = _with_issues(call), call.path["issue_number"]
    item = found.item(int(number), call.now) if number.isdigit() else None
    if item is None:
        raise not_found()
    gone = call.gone(item)
    if gone == "issue_deleted":
        raise Refused(410, "This issue was deleted")
    if gone is not None:
        others = found.org.repositories_at(call.now)
        where = others[(others.index(found) + 1) % len(others)]
        url = f"{call.base}/repositories/{where.id}/issues/{item.number}"
        return Answer({"message": "Moved Permanently", "url": url}, 301, {"location": url})
    return {**issue(call, item), "closed_by": user(call, item.at(call.now).closed_by)}


def comments(call: Call) -> Listing:
    """Comments on all issues and pull requests."""
    since = call.since()
    call.choice("sort", ("created", "updated"), "created")
    # Without a wish for an order GitHub ignores the direction and goes by id. Nobody edits here: both orders are one.
    newest_first = call.choice("direction", ("asc", "desc"), "asc") == "desc" and "sort" in call.query
    found = [
        (item, event)
        for item in call.items(_with_issues(call))
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
        for item in call.items(_with_issues(call))
        for event in item.happened(call.now)
        if event.kind in IN_FEED
    ]
    found.sort(key=_when, reverse=True)
    return Listing(found, lambda entry: issue_event(call, entry))


def pulls(call: Call) -> Listing:
    """Pull requests. There is no `since` here: it is ignored."""
    items = [item for item in _with_pulls(call).items(call.now) if item.is_pull]
    return Listing(_chosen(call, items, None), lambda item: pull_listed(call, item))


def pull(call: Call) -> Json:
    """One pull request."""
    return pull_full(call, _pull(call))


def reviews(call: Call) -> Listing:
    """The submitted reviews of a pull request, oldest first."""
    item = _pull(call)
    return Listing([(item, event) for event in item.at(call.now).reviews], lambda entry: review(call, entry))


def requested_reviewers(call: Call) -> Json:
    """Who was asked and has not answered."""
    item = _pull(call)
    state = item.at(call.now)
    people = [user(call, who) for who in state.asked] if state.open else []
    teams = [team_full(call, team, item.repository.org) for team in state.asked_teams if state.open]
    return {"users": people, "teams": teams}


REPO = "/repos/{owner}/{repo}"
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
)
