"""How accounts, organisations, teams and repositories look in REST (2022-11-28; `versions` drops what went later)."""

from __future__ import annotations

from functools import lru_cache

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import HTML, Call, Json
from oss_datastore.simulator.world import Org, profiles
from oss_datastore.simulator.world.dice import DAY, iso
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.scanning import code_scanning_on, secret_scanning_on
from oss_datastore.simulator.world.teams import PERMISSIONS, Team


def person_node(who: Person) -> str:
    """The global id of an account."""
    return node_id("BOT" if who.is_bot else "U", who.id)


@lru_cache(maxsize=20_000)
def _user(base: str, who: Person) -> Json:
    login = who.login.replace("[", "%5B").replace("]", "%5D")
    url = f"{base}/users/{login}"
    page = f"{HTML}/apps/{who.login.removesuffix('[bot]')}" if who.is_bot else f"{HTML}/{who.login}"
    return _account(base, url, who.login, who.id, person_node(who), who.kind, page)


def _account(base: str, url: str, login: str, identity: int, node: str, kind: str, page: str) -> Json:
    return {
        "login": login,
        "id": identity,
        "node_id": node,
        "avatar_url": f"https://avatars.githubusercontent.com/u/{identity}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": page,
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def user(call: Call, who: Person | None) -> Json | None:
    """An account in short; None where there is none."""
    return None if who is None else dict(_user(call.base, call.world.present(who, call.now)))


@lru_cache(maxsize=256)
def _owner(base: str, org: Org) -> Json:
    url = f"{base}/users/{org.login}"
    return _account(base, url, org.login, org.id, node_id("O", org.id), "Organization", f"{HTML}/{org.login}")


def owner(call: Call, org: Org) -> Json:
    """An organisation as the owner of something."""
    return dict(_owner(call.base, org))


def profile(call: Call, who: Person) -> Json:
    """An account in full."""
    told = profiles.profile(who, call.now)
    return {
        **_user(call.base, call.world.present(who, call.now)),
        "name": told.name,
        "company": told.company,
        "blog": told.website or "",
        "location": told.location,
        "email": told.email,
        "hireable": None,
        "bio": told.bio,
        "twitter_username": told.twitter,
        "public_repos": told.repositories,
        "public_gists": told.gists,
        "followers": told.followers,
        "following": told.following,
        "created_at": iso(who.created),
        "updated_at": iso(told.updated),
    }


def own_profile(call: Call, who: Person) -> Json:
    """The token's own account."""
    private = {
        "private_gists": 0,
        "total_private_repos": 0,
        "owned_private_repos": 0,
        "disk_usage": 120,
        "collaborators": 0,
        "two_factor_authentication": True,
        "plan": {"name": "free", "space": 976_562_499, "collaborators": 0, "private_repos": 10_000},
    }
    return {**profile(call, who), **private, "user_view_type": "private"}


def org_short(call: Call, org: Org) -> Json:
    """An organisation in short."""
    url = f"{call.base}/orgs/{org.login}"
    return {
        "login": org.login,
        "id": org.id,
        "node_id": node_id("O", org.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{org.id}?v=4",
        "description": "Gives software away",
    }


def org_full(call: Call, org: Org) -> Json:
    """An organisation in full; owners see what only they may."""
    repositories = org.repositories_at(call.now)
    private = sum(repository.traits.private for repository in repositories)
    found = {
        **org_short(call, org),
        "name": org.name,
        "company": None,
        "blog": f"https://{org.login}.example",
        "location": "Everywhere",
        "email": f"hello@{org.login}.example",
        "twitter_username": None,
        "is_verified": True,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": len(repositories) - private,
        "public_gists": 0,
        "followers": 40 + (call.now // DAY) % 400,
        "following": 0,
        "html_url": f"{HTML}/{org.login}",
        "created_at": iso(org.created),
        "updated_at": iso(org.created + 900 * DAY),
        "archived_at": None,
        "type": "Organization",
    }
    del found["company"]
    if call.token.role == "owner":
        seats = len(org.members(call.now))
        found |= {
            "total_private_repos": private,
            "owned_private_repos": private,
            "private_gists": 0,
            "disk_usage": sum(repository.size(call.now) for repository in repositories),
            "collaborators": len(org.outside_collaborators(call.now)),
            "billing_email": f"billing@{org.login}.example",
            "plan": {"name": "team", "space": 976_562_499, "private_repos": 999, "filled_seats": seats, "seats": 500},
            "default_repository_permission": "read",
            "members_can_create_repositories": True,
            "two_factor_requirement_enabled": False,
            "members_can_create_pages": True,
            "members_can_fork_private_repositories": False,
            "web_commit_signoff_required": False,
            "secret_scanning_push_protection_custom_link_enabled": False,
        }
    return found


def permissions(held: str | None) -> dict[str, bool]:
    """The five booleans of a permission."""
    strength = PERMISSIONS.index(held) if held else -1
    return {name: strength >= rank for rank, name in reversed(list(enumerate(PERMISSIONS)))}


ROLE_NAMES = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
"""How a permission is called as a role."""


def team_short(call: Call, team: Team, org: Org) -> Json:
    """A team without its parent. A team held by several repositories has no permission of its own but `pull`."""
    url = f"{call.base}/organizations/{org.id}/team/{team.id}"
    return {
        "name": team.name,
        "id": team.id,
        "node_id": node_id("T", org.id, team.id),
        "slug": team.slug,
        "description": team.description,
        "privacy": "secret" if team.secret else "closed",
        "notification_setting": "notifications_enabled",
        "url": url,
        "html_url": f"{HTML}/orgs/{org.login}/teams/{team.slug}",
        "members_url": f"{url}/members{{/member}}",
        "repositories_url": f"{url}/repos",
        "permission": "pull",
        "type": "organization",
        "organization_id": org.id,
    }


def team_full(call: Call, team: Team, org: Org) -> Json:
    """A team as lists show it."""
    parent = team_short(call, team.parent, org) if team.parent else None
    return {**team_short(call, team, org), "parent": parent}


def repository_links(url: str) -> Json:
    """The addresses of what belongs to a repository."""
    plain = (
        "contributors deployments downloads events forks hooks languages merges stargazers subscribers subscription "
        "tags teams"
    )
    links = {f"{name}_url": f"{url}/{name}" for name in plain.split()}
    return links | {
        "archive_url": f"{url}/{{archive_format}}{{/ref}}",
        "assignees_url": f"{url}/assignees{{/user}}",
        "blobs_url": f"{url}/git/blobs{{/sha}}",
        "branches_url": f"{url}/branches{{/branch}}",
        "collaborators_url": f"{url}/collaborators{{/collaborator}}",
        "comments_url": f"{url}/comments{{/number}}",
        "commits_url": f"{url}/commits{{/sha}}",
        "compare_url": f"{url}/compare/{{base}}...{{head}}",
        "contents_url": f"{url}/contents/{{+path}}",
        "git_commits_url": f"{url}/git/commits{{/sha}}",
        "git_refs_url": f"{url}/git/refs{{/sha}}",
        "git_tags_url": f"{url}/git/tags{{/sha}}",
        "issue_comment_url": f"{url}/issues/comments{{/number}}",
        "issue_events_url": f"{url}/issues/events{{/number}}",
        "issues_url": f"{url}/issues{{/number}}",
        "keys_url": f"{url}/keys{{/key_id}}",
        "labels_url": f"{url}/labels{{/name}}",
        "milestones_url": f"{url}/milestones{{/number}}",
        "notifications_url": f"{url}/notifications{{?since,all,participating}}",
        "pulls_url": f"{url}/pulls{{/number}}",
        "releases_url": f"{url}/releases{{/id}}",
        "statuses_url": f"{url}/statuses/{{sha}}",
        "trees_url": f"{url}/git/trees{{/sha}}",
    }


def repository_simple(call: Call, repository: Repository) -> Json:
    """A repository as alerts show it: names and links only."""
    name, full_name = repository.name(call.now), repository.full_name(call.now)
    url = f"{call.base}/repos/{full_name}"
    return {
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": name,
        "full_name": full_name,
        "private": repository.traits.private,
        "owner": owner(call, repository.org),
        "html_url": f"{HTML}/{full_name}",
        "description": repository.description,
        "fork": False,
        "url": url,
        **repository_links(url),
    }


def repository_counts(call: Call, repository: Repository) -> Json:
    """What lists of repositories and pull requests add to names and links."""
    now, full_name = call.now, repository.full_name(call.now)
    counted = now - DAY if call.holds("counts_stale", repository) else now
    stars, forks = repository.growth.total("stars", counted), repository.growth.total("forks", counted)
    opened = sum(item.at(counted).open for item in call.items(repository) if item.created <= counted)
    licence = repository.licence
    return {
        **repository_simple(call, repository),
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "clone_url": f"{HTML}/{full_name}.git",
        "svn_url": f"{HTML}/{full_name}",
        "mirror_url": None,
        "homepage": repository.homepage,
        "language": repository.language[0] if repository.language else None,
        "forks_count": forks,
        "stargazers_count": stars,
        "watchers_count": stars,
        "forks": forks,
        "watchers": stars,
        "size": repository.size(now),
        "default_branch": "main",
        "open_issues_count": opened,
        "open_issues": opened,
        "is_template": False,
        "topics": repository.topics,
        "has_issues": not call.holds("issues_disabled", repository),
        "has_pull_requests": not call.holds("pull_requests_disabled", repository),
        "has_projects": True,
        "has_wiki": repository.number % 2 == 0,
        "has_pages": False,
        "has_downloads": True,
        "has_discussions": repository.has_discussions,
        "archived": repository.archived(now),
        "disabled": False,
        "visibility": "private" if repository.traits.private else "public",
        "pushed_at": iso(repository.pushed(now)),
        "created_at": iso(repository.created),
        "updated_at": iso(repository.changed(now)),
        "allow_forking": True,
        "web_commit_signoff_required": False,
        "license": licence
        and {
            "key": licence[0],
            "name": licence[1],
            "spdx_id": licence[2],
            "url": f"{call.base}/licenses/{licence[0]}",
            "node_id": node_id("L", LICENCE_IDS[licence[0]]),
        },
    }


LICENCE_IDS = {"apache-2.0": 2, "mit": 13, "bsd-3-clause": 5}


def repository_listed(call: Call, repository: Repository) -> Json:
    """A repository as the organisation's list shows it; its owners see what guards it."""
    found = {**repository_counts(call, repository), "permissions": permissions(call.permission(repository))}
    if call.may(repository, "admin"):
        found["security_and_analysis"] = {
            # What is public is scanned without being switched on, and nothing is told of it.
            **({"code_security": {"status": _status(code_is_scanned(call, repository))}} if found["private"] else {}),
            "dependabot_security_updates": {"status": _status(repository.traits.alerts_enabled)},
            "secret_scanning": {"status": _status(secrets_are_scanned(call, repository))},
            "secret_scanning_push_protection": {"status": "disabled"},
        }
    return found


def repository_full(call: Call, repository: Repository) -> Json:
    """A repository asked for by itself; administrators see its settings."""
    found = {
        **repository_listed(call, repository),
        "organization": owner(call, repository.org),
        "network_count": repository.growth.total("forks", call.now),
        "subscribers_count": repository.growth.total("watchers", call.now),
        "temp_clone_token": None,
    }
    if call.may(repository, "admin"):
        found |= {
            "allow_squash_merge": True,
            "allow_merge_commit": repository.number % 2 == 0,
            "allow_rebase_merge": False,
            "allow_auto_merge": False,
            "allow_update_branch": False,
            "delete_branch_on_merge": repository.number % 3 != 1,
            "use_squash_pr_title_as_default": False,
        }
    return found


def code_is_scanned(call: Call, repository: Repository) -> bool:
    """Whether code scanning has ever told of a repository."""
    return code_scanning_on(repository) and not call.holds("code_scanning_disabled", repository)


def secrets_are_scanned(call: Call, repository: Repository) -> bool:
    """Whether secret scanning is switched on."""
    return secret_scanning_on(repository) and not call.holds("secret_scanning_disabled", repository)


def _status(on: bool) -> str:
    return "enabled" if on else "disabled"
