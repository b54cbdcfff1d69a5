"""Endpoints about what surrounds a repository: stars, watchers, forks, labels, milestones, deploy keys, its hooks."""

from __future__ import annotations

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import permissions, repository_counts, repository_links, user
from oss_datastore.simulator.v3.call import HTML, Call, Json, Listing, Refused, Route
from oss_datastore.simulator.v3.hooks import repository_hook
from oss_datastore.simulator.v3.paging import LIMITED
from oss_datastore.simulator.v3.tracker import milestone
from oss_datastore.simulator.world.crowd import Entry
from oss_datastore.simulator.world.deploy_keys import DeployKey, deploy_keys
from oss_datastore.simulator.world.dice import iso, maybe_iso
from oss_datastore.simulator.world.forks import Fork, forks
from oss_datastore.simulator.world.hooks import repository_hooks
from oss_datastore.simulator.world.labels import Label, labels
from oss_datastore.simulator.world.milestones import milestones
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.star_history import star_weeks

LAST_PAGE = 400
WEEKS_ON_A_PAGE = 30
STAR = "star+json"


def _crowd(call: Call, kind: str) -> list[Entry]:
    found = call.repository()
    if call.holds("star_list_forbidden", found):
        raise Refused(403, f"Resource not accessible by {call.token.noun}")
    # Since 2026 only those who may write to a repository see who looks at it.
    if not call.may(found, "push") or call.holds("star_list_hidden", found):
        raise Refused(404, "Not Found")
    if call.number("page") > LAST_PAGE:
        raise Refused(422, LIMITED)
    return found.crowd(kind).at(call.now)


def stargazers(call: Call) -> Listing:
    """Who gave a star, oldest first; since when, for those who accept that media type."""
    entries = _crowd(call, "stars")
    if STAR in call.headers.get("accept", ""):
        return Listing(entries, lambda entry: {"starred_at": iso(entry.since), "user": user(call, entry.who)})
    return Listing(entries, lambda entry: user(call, entry.who) or {})


def subscribers(call: Call) -> Listing:
    """Who watches."""
    return Listing(_crowd(call, "watchers"), lambda entry: user(call, entry.who) or {})


def star_count(call: Call) -> Json:
    """How many stars there are."""
    return {"count": call.repository().growth.total("stars", call.now)}


def star_history(call: Call) -> Listing:
    """Stars by week, newest first."""
    weeks = star_weeks(call.repository(), call.now)
    return Listing(weeks, lambda entry: {"week": entry[0], "total": sum(entry[1]), "days": entry[1]})


def all_forks(call: Call) -> Listing:
    """The forks, newest first unless asked otherwise."""
    found = call.repository()
    order = call.choice("sort", ("newest", "oldest", "stargazers", "watchers"), "newest")
    entries = forks(found, call.now)
    if order == "newest":
        entries = entries[::-1]
    elif order != "oldest":
        entries.sort(key=lambda each: each.stars, reverse=True)
    return Listing(entries, lambda each: _fork(call, found, each))


def fork_short(call: Call, fork: Fork) -> Json:
    """A fork as the feed tells of it."""
    full_name = f"{call.world.present(fork.owner, call.now).login}/{fork.name}"
    return {
        "id": fork.id,
        "node_id": node_id("R", fork.id),
        "name": fork.name,
        "full_name": full_name,
        "private": False,
        "owner": user(call, fork.owner),
        "html_url": f"{HTML}/{full_name}",
        "fork": True,
        "url": f"{call.base}/repos/{full_name}",
        "created_at": iso(fork.created),
        "pushed_at": iso(fork.pushed),
    }


def _fork(call: Call, repository: Repository, fork: Fork) -> Json:
    owner = call.world.present(fork.owner, call.now)
    full_name = f"{owner.login}/{fork.name}"
    url = f"{call.base}/repos/{full_name}"
    return {
        **repository_counts(call, repository),
        **repository_links(url),
        "id": fork.id,
        "node_id": node_id("R", fork.id),
        "name": fork.name,
        "full_name": full_name,
        "private": False,
        "visibility": "public",
        "owner": user(call, fork.owner),
        "fork": True,
        "url": url,
        "html_url": f"{HTML}/{full_name}",
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "clone_url": f"{HTML}/{full_name}.git",
        "svn_url": f"{HTML}/{full_name}",
        "forks_count": 0,
        "forks": 0,
        "stargazers_count": fork.stars,
        "watchers_count": fork.stars,
        "watchers": fork.stars,
        "open_issues_count": 0,
        "open_issues": 0,
        "archived": False,
        "created_at": iso(fork.created),
        "updated_at": iso(fork.pushed),
        "pushed_at": iso(fork.pushed),
        "permissions": permissions("pull"),
    }


def all_labels(call: Call) -> Listing:
    """The labels."""
    found = call.repository()
    return Listing(labels(found, call.now), lambda each: _label(call, found, each))


def _label(call: Call, repository: Repository, label: Label) -> Json:
    return {
        "id": label.id,
        "node_id": node_id("LA", repository.id, label.id),
        "url": f"{call.base}/repos/{repository.full_name(call.now)}/labels/{label.name.replace(' ', '%20')}",
        "name": label.name,
        "color": label.color,
        "default": label.is_default,
        "description": label.description,
        "archived_at": None,
        "archived_by": None,
    }


def all_milestones(call: Call) -> Listing:
    """The milestones, open ones unless asked otherwise."""
    found = call.repository()
    wanted = call.choice("state", ("open", "closed", "all"), "open")
    order = call.choice("sort", ("due_on", "completeness"), "due_on")
    backwards = call.choice("direction", ("asc", "desc"), "asc") == "desc"
    entries = [each for each in milestones(found, call.now) if wanted in ("all", "closed" if each.closed else "open")]
    if order == "completeness":
        entries.sort(key=lambda each: each.closed_items / max(1, each.open_items + each.closed_items))
    return Listing(entries[::-1] if backwards else entries, lambda each: milestone(call, found, each.number) or {})


def keys(call: Call) -> Listing:
    """The deploy keys, for administrators."""
    found = call.repository()
    call.need_admin(found)
    return Listing(deploy_keys(found, call.now), lambda each: _key(call, found, each))


def _key(call: Call, repository: Repository, key: DeployKey) -> Json:
    return {
        "id": key.id,
        "key": key.key,
        "url": f"{call.base}/repos/{repository.full_name(call.now)}/keys/{key.id}",
        "title": key.title,
        "verified": True,
        "created_at": iso(key.created),
        "read_only": key.read_only,
        "added_by": call.world.present(key.added_by, call.now).login,
        "last_used": maybe_iso(key.last_used(call.now)),
        "enabled": key.enabled,
    }


def hooks(call: Call) -> Listing:
    """The webhooks, for administrators."""
    found = call.repository()
    call.need_admin(found)
    return Listing(repository_hooks(found, call.now), lambda each: repository_hook(call, found, each))


REPO = "/repos/{owner}/{repo}"
ROUTES = (
    Route(f"{REPO}/stargazers", stargazers, "contents=write"),
    Route(f"{REPO}/stargazers/count", star_count),
    Route(f"{REPO}/stargazers/history", star_history, most=WEEKS_ON_A_PAGE),
    Route(f"{REPO}/subscribers", subscribers, "contents=write"),
    Route(f"{REPO}/forks", all_forks),
    Route(f"{REPO}/labels", all_labels, "issues=read"),
    Route(f"{REPO}/milestones", all_milestones, "issues=read"),
    Route(f"{REPO}/keys", keys, "administration=read"),
    Route(f"{REPO}/hooks", hooks, "repository_hooks=read", "admin:repo_hook, read:repo_hook, repo"),
)
