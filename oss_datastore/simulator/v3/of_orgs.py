"""Endpoints about accounts and organisations: members, outside collaborators, teams."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.v3.accounts import (
    ROLE_NAMES,
    org_full,
    org_short,
    own_profile,
    permissions,
    profile,
    repository_listed,
    team_full,
    user,
)
from oss_datastore.simulator.v3.call import Call, Json, Listing, Refused, Route, not_found
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.dice import iso
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.teams import Team


def root(call: Call) -> Json:
    """Where everything is."""
    base = call.base
    return {
        "current_user_url": f"{base}/user",
        "current_user_authorizations_html_url": "https://github.com/settings/connections/applications{/client_id}",
        "authorizations_url": f"{base}/authorizations",
        "code_search_url": f"{base}/search/code?q={{query}}{{&page,per_page,sort,order}}",
        "commit_search_url": f"{base}/search/commits?q={{query}}{{&page,per_page,sort,order}}",
        "emails_url": f"{base}/user/emails",
        "emojis_url": f"{base}/emojis",
        "events_url": f"{base}/events",
        "feeds_url": f"{base}/feeds",
        "followers_url": f"{base}/user/followers",
        "following_url": f"{base}/user/following{{/target}}",
        "gists_url": f"{base}/gists{{/gist_id}}",
        "hub_url": f"{base}/hub",
        "issue_search_url": f"{base}/search/issues?q={{query}}{{&page,per_page,sort,order}}",
        "issues_url": f"{base}/issues",
        "keys_url": f"{base}/user/keys",
        "label_search_url": f"{base}/search/labels?q={{query}}&repository_id={{repository_id}}{{&page,per_page}}",
        "notifications_url": f"{base}/notifications",
        "organization_url": f"{base}/orgs/{{org}}",
        "organization_repositories_url": f"{base}/orgs/{{org}}/repos{{?type,page,per_page,sort}}",
        "organization_teams_url": f"{base}/orgs/{{org}}/teams",
        "public_gists_url": f"{base}/gists/public",
        "rate_limit_url": f"{base}/rate_limit",
        "repository_url": f"{base}/repos/{{owner}}/{{repo}}",
        "repository_search_url": f"{base}/search/repositories?q={{query}}{{&page,per_page,sort,order}}",
        "current_user_repositories_url": f"{base}/user/repos{{?type,page,per_page,sort}}",
        "starred_url": f"{base}/user/starred{{/owner}}{{/repo}}",
        "starred_gists_url": f"{base}/gists/starred",
        "topic_search_url": f"{base}/search/topics?q={{query}}{{&page,per_page}}",
        "user_url": f"{base}/users/{{user}}",
        "user_organizations_url": f"{base}/user/orgs",
        "user_repositories_url": f"{base}/users/{{user}}/repos{{?type,page,per_page,sort}}",
        "user_search_url": f"{base}/search/users?q={{query}}{{&page,per_page,sort,order}}",
    }


def own_user(call: Call) -> Json:
    """The account behind the token; an installation has none."""
    if call.token.kind == "app":
        raise Refused(403, "Resource not accessible by integration")
    return own_profile(call, call.viewer())


def account(call: Call) -> Json:
    """Any account by login, organisations included."""
    org = call.world.org(call.path["username"])
    if org is not None:
        return profile(call, Person(org.id, org.login, kind="Organization", name=org.name, created=org.created))
    found = call.world.user(call.path["username"], call.now)
    if found is None:
        raise not_found()
    return profile(call, found)


def own_membership(call: Call) -> Json:
    """What the token's account is in an organisation."""
    org = call.org()
    call.need_member()
    if call.token.kind == "app":
        raise Refused(403, "Resource not accessible by integration")
    return {
        "url": f"{call.base}/orgs/{org.login}/memberships/{call.viewer(org).login}",
        "state": "active",
        "role": "admin" if call.token.role == "owner" else "member",
        "organization_url": f"{call.base}/orgs/{org.login}",
        "direct_membership": True,
        "organization": org_short(call, org),
        "user": user(call, call.viewer(org)),
    }


def organization(call: Call) -> Json:
    """One organisation."""
    return org_full(call, call.org())


def org_repositories(call: Call) -> Listing:
    """Its repositories, those the token may see."""
    kind = call.choice("type", ("all", "public", "private", "forks", "sources", "member"), "all")
    order = call.choice("sort", ("created", "updated", "pushed", "full_name"), "created")
    direction = call.choice("direction", ("asc", "desc"), "asc" if order == "full_name" else "desc")
    found = [repository for repository in call.org().repositories_at(call.now) if call.sees(repository)]
    if kind in ("public", "private"):
        found = [repository for repository in found if repository.traits.private == (kind == "private")]
    elif kind == "forks":
        found = []
    found.sort(key=lambda repository: _order(order, repository, call.now), reverse=direction == "desc")
    return Listing(found, lambda repository: repository_listed(call, repository))


def _order(order: str, repository: Repository, now: int) -> Any:
    if order == "full_name":
        return repository.full_name(now)
    moments = {"created": repository.created, "updated": repository.changed(now), "pushed": repository.pushed(now)}
    return moments[order], repository.id


def _visible_members(call: Call, org: Org) -> dict[Person, str]:
    members = org.members(call.now)
    if call.token.role != "outsider" and not call.holds_in_org("members_hidden", org):
        return members
    # No error tells an outsider that the list is shorter than the truth.
    return {who: role for who, role in members.items() if org.staff.is_public(who)}


def _without_second_factor(call: Call, org: Org, people: list[Person]) -> list[Person]:
    asked = call.choice("filter", ("all", "2fa_disabled", "2fa_insecure"), "all")
    if asked == "all":
        return people
    call.need_owner("Only owners can use this filter.", 422)
    since = {spell.person: spell.start for spell in org.staff.spells if spell.covers(call.now)}
    lacking = [who for who in people if not org.staff.two_factor(who, since.get(who, who.created), call.now)]
    return lacking if asked == "2fa_disabled" else []


def members(call: Call) -> Listing:
    """The members, those the token may see."""
    org = call.org()
    role = call.choice("role", ("all", "admin", "member"), "all")
    people = [who for who, held in _visible_members(call, org).items() if role in ("all", held)]
    people = _without_second_factor(call, org, sorted(people, key=lambda who: who.id))
    return Listing(people, lambda who: user(call, who) or {})


def outside_collaborators(call: Call) -> Listing:
    """Those who work in some repository without being members."""
    org = call.org()
    call.need_member()
    call.need_owner("You must be an owner of the organization to list its outside collaborators.")
    people = _without_second_factor(call, org, org.outside_collaborators(call.now))
    return Listing(people, lambda who: user(call, who) or {})


def visible_teams(call: Call, org: Org) -> list[Team]:
    """The teams the token may see: secret ones only their people and owners do."""
    teams = org.teams_at(call.now)
    if call.token.role == "owner":
        return teams
    return [team for team in teams if not team.secret or call.viewer(org) in org.membership.direct(team, call.now)]


def teams(call: Call) -> Listing:
    """All teams that are to be seen."""
    org = call.org()
    call.need_member()
    return Listing(visible_teams(call, org), lambda team: team_full(call, team, org))


def _team(call: Call) -> tuple[Org, Team]:
    org = call.org()
    call.need_member()
    team = org.team(call.path["team_slug"], call.now)
    if team is None or team not in visible_teams(call, org):
        raise not_found()
    return org, team


def team(call: Call) -> Json:
    """One team with its counts."""
    org, found = _team(call)
    return {
        **team_full(call, found, org),
        "members_count": len(org.team_people(found, call.now)),
        "repos_count": len(org.team_repositories(found, call.now)),
        "created_at": iso(found.created),
        "updated_at": iso(found.created),
        "organization": org_full(call, org),
    }


def team_members(call: Call) -> Listing:
    """A team's people, those of its child teams included; whole ownership counts as maintaining."""
    org, found = _team(call)
    wanted = call.choice("role", ("all", "maintainer", "member"), "all")
    owners = {who for who, role in org.members(call.now).items() if role == "admin"}
    entries = [
        (who, "maintainer" if who in owners else role, inherited)
        for who, (role, inherited) in org.team_people(found, call.now).items()
    ]
    entries = sorted((entry for entry in entries if wanted in ("all", entry[1])), key=lambda entry: entry[0].id)
    return Listing(entries, lambda entry: {**(user(call, entry[0]) or {}), "role": entry[1], "inherited": entry[2]})


def team_repositories(call: Call) -> Listing:
    """What a team holds, what it inherits from its parent included."""
    org, found = _team(call)
    held: dict[int, str] = {}
    above: Team | None = found
    while above is not None:
        for number, permission in org.team_repositories(above, call.now).items():
            held.setdefault(number, permission)
        above = above.parent
    entries = [(org.repositories[number], permission) for number, permission in sorted(held.items())]
    entries = [entry for entry in entries if entry[0].exists(call.now) and call.sees(entry[0])]
    return Listing(entries, lambda entry: _held(call, *entry))


def _held(call: Call, repository: Repository, permission: str) -> Json:
    return {
        **repository_listed(call, repository),
        "permissions": permissions(permission),
        "role_name": ROLE_NAMES[permission],
    }


ROUTES = (
    Route("/", root, scopes=""),
    Route("/user", own_user, scopes=""),
    Route("/users/{username}", account, scopes=""),
    Route("/user/memberships/orgs/{org}", own_membership, "members=read", "read:org"),
    Route("/orgs/{org}", organization, scopes="admin:org, read:org, repo, user, write:org"),
    Route("/orgs/{org}/repos", org_repositories),
    Route("/orgs/{org}/members", members, "members=read", "admin:org, read:org, repo, user, write:org"),
    Route("/orgs/{org}/outside_collaborators", outside_collaborators, "members=read", "admin:org, read:org"),
    Route("/orgs/{org}/teams", teams, "members=read", "admin:org, read:org, repo"),
    Route("/orgs/{org}/teams/{team_slug}", team, "members=read", "admin:org, read:org"),
    Route("/orgs/{org}/teams/{team_slug}/members", team_members, "members=read", "admin:org, read:org"),
    Route("/orgs/{org}/teams/{team_slug}/repos", team_repositories, "members=read", "admin:org, read:org"),
)
