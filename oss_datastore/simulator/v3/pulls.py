"""How pull requests and reviews look in REST (2022-11-28)."""

from __future__ import annotations

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import repository_counts, team_full, team_short, user
from oss_datastore.simulator.v3.call import HTML, Call, Json
from oss_datastore.simulator.v3.tracker import association, identity_of, item_node, shared
from oss_datastore.simulator.world.dice import iso, maybe_iso, sha
from oss_datastore.simulator.world.items import Event, Item


def pull_listed(call: Call, item: Item) -> Json:
    """A pull request as lists show it."""
    state, repository = item.at(call.now), item.repository
    full_name = repository.full_name(call.now)
    repo, page = f"{call.base}/repos/{full_name}", f"{HTML}/{full_name}/pull/{item.number}"
    url, issue_url = f"{repo}/pulls/{item.number}", f"{repo}/issues/{item.number}"
    head, base = item.head(state.pushes), sha(repository.seed, repository.key, item.created)
    where = repository_counts(call, repository)
    owner = where["owner"]
    links = {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{repo}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{repo}/statuses/{head}",
    }
    return {
        "url": url,
        "id": identity_of(call, item, item.pull_id),
        "node_id": item_node(item),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        **shared(call, item, state),
        "merged_at": maybe_iso(state.merged),
        "merge_commit_sha": item.merge_commit() if state.merged else head,
        "requested_reviewers": [user(call, who) for who in state.asked] if state.open else [],
        "requested_teams": [team_full(call, team, repository.org) for team in state.asked_teams if state.open],
        "draft": state.draft,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "head": {
            "label": f"{owner['login']}:{item.branch}",
            "ref": item.branch,
            "sha": head,
            "user": dict(owner),
            "repo": where,
        },
        "base": {
            "label": f"{owner['login']}:main",
            "ref": "main",
            "sha": base,
            "user": dict(owner),
            "repo": where,
        },
        "_links": {name: {"href": href} for name, href in links.items()},
        "auto_merge": None,
    }


def pull_full(call: Call, item: Item) -> Json:
    """A pull request asked for by itself."""
    state = item.at(call.now)
    teams = [team_short(call, team, item.repository.org) for team in state.asked_teams if state.open]
    fresh = state.open and call.now - state.updated < 120
    return {
        **pull_listed(call, item),
        "requested_teams": teams,
        "merged": state.merged is not None,
        "mergeable": None if fresh or not state.open else True,
        "rebaseable": None if fresh or not state.open else True,
        "mergeable_state": "unknown" if fresh or not state.open else "clean",
        "merged_by": user(call, state.closed_by) if state.merged else None,
        "comments": len(state.comments),
        "review_comments": len(state.threads),
        "maintainer_can_modify": False,
        "commits": state.pushes,
        "additions": item.size,
        "deletions": item.size // 3,
        "changed_files": 1 + item.size // 40,
    }


def review_id(item: Item, event: Event) -> int:
    """The id of a review."""
    return 3_300_000_000 + item.unique(event.at)


def review(call: Call, entry: tuple[Item, Event]) -> Json:
    """A submitted review."""
    item, event = entry
    identity = review_id(item, event)
    full_name = item.repository.full_name(call.now)
    page = f"{HTML}/{full_name}/pull/{item.number}#pullrequestreview-{identity}"
    pull = f"{call.base}/repos/{full_name}/pulls/{item.number}"
    return {
        "id": identity,
        "node_id": node_id("PRR", item.repository.id, identity),
        "user": user(call, event.actor) if event.actor is None else user(call, call.author(item, event.actor)),
        "body": "" if event.detail == "APPROVED" else "Please look at the notes.",
        "state": event.detail,
        "html_url": page,
        "pull_request_url": pull,
        "author_association": association(item, event.actor, call.now),
        "_links": {"html": {"href": page}, "pull_request": {"href": pull}},
        "submitted_at": iso(event.at),
        "commit_id": item.head(item.at(event.at).pushes),
    }
