"""Endpoints of the activity feed: at most three hundred events of thirty days, told some minutes late."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.v3.call import Call, Json, Listing, Route
from oss_datastore.simulator.v3.of_code import release
from oss_datastore.simulator.v3.of_shelf import fork_short
from oss_datastore.simulator.v3.pulls import review
from oss_datastore.simulator.v3.tracker import comment, issue
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.dice import HOUR, iso
from oss_datastore.simulator.world.feed import Happening, happenings
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.repositories import Repository

MOST = 300
LATE = 120
"""How many seconds the feed lags behind on an ordinary day."""
VERY_LATE = 6 * HOUR
POLL = {"x-poll-interval": "60"}


def _told(call: Call, found: Repository) -> list[Happening]:
    late = VERY_LATE if call.holds("events_delayed", found) else LATE
    return [each for each in happenings(found, call.now) if each.at <= call.now - late]


def of_repository(call: Call) -> Listing:
    """What happened in a repository, newest first."""
    return Listing(_told(call, call.repository())[:MOST], lambda each: _event(call, each), headers=POLL)


def of_org(call: Call) -> Listing:
    """What happened in all repositories of an organisation that the token may see, newest first."""
    org = call.org()
    found = [each for one in org.repositories_at(call.now) if call.sees(one) for each in _told(call, one)]
    found.sort(key=lambda each: (each.at, each.id), reverse=True)
    return Listing(found[:MOST], lambda each: _event(call, each), headers=POLL)


def _event(call: Call, each: Happening) -> Json:
    repository = each.repository
    full_name = repository.full_name(call.now)
    return {
        "id": str(each.id),
        "type": each.kind,
        "actor": _actor(call, each.actor),
        "repo": {"id": repository.id, "name": full_name, "url": f"{call.base}/repos/{full_name}"},
        "payload": _payload(call, each),
        "public": not repository.traits.private,
        "created_at": iso(each.at),
        "org": _org(call, repository.org),
    }


def _actor(call: Call, who: Person) -> Json:
    login = call.world.present(who, call.now).login
    return {
        "id": who.id,
        "login": login,
        "display_login": login.removesuffix("[bot]"),
        "gravatar_id": "",
        "url": f"{call.base}/users/{login}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{who.id}?",
    }


def _org(call: Call, org: Org) -> Json:
    return {
        "id": org.id,
        "login": org.login,
        "gravatar_id": "",
        "url": f"{call.base}/orgs/{org.login}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{org.id}?",
    }


def _payload(call: Call, each: Happening) -> Json:
    match each.kind:
        case "PushEvent":
            head, before = each.about
            return {
                "repository_id": each.repository.id,
                "push_id": each.id,
                "ref": "refs/heads/main",
                "head": head,
                "before": before or "0" * 40,
            }
        case "IssuesEvent":
            return {"action": each.action, "issue": issue(call, each.about)}
        case "IssueCommentEvent":
            return {"action": each.action, "issue": issue(call, each.about[0]), "comment": comment(call, each.about)}
        case "PullRequestEvent":
            return {"action": each.action, "number": each.about.number, "pull_request": _pull(call, each.about)}
        case "PullRequestReviewEvent":
            told = {"action": each.action, "review": review(call, each.about)}
            return {**told, "pull_request": _pull(call, each.about[0])}
        case "ForkEvent":
            return {"action": each.action, "forkee": fork_short(call, each.about)}
        case "ReleaseEvent":
            return {"action": each.action, "release": release(call, each.repository, each.about)}
        case _:
            return {"action": each.action}


def _pull(call: Call, item: Item) -> Json:
    """A pull request reduced to what names it: the feed has told no more since 2025."""
    repository = item.repository
    url = f"{call.base}/repos/{repository.full_name(call.now)}"
    where: Any = {"id": repository.id, "url": url, "name": repository.name(call.now)}
    return {
        "id": item.pull_id,
        "number": item.number,
        "url": f"{url}/pulls/{item.number}",
        "head": {"ref": item.branch, "sha": item.head(item.at(call.now).pushes), "repo": where},
        "base": {"ref": "main", "sha": item.head(0), "repo": where},
    }


ROUTES = (
    Route("/repos/{owner}/{repo}/events", of_repository),
    Route("/orgs/{org}/events", of_org),
)
