"""Words for making worlds: an organisation, its repositories and people, and what happens on them.

Each function says what one fetch saw; defaults are those of an ordinary repository of an organisation `acme`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from oss_datastore_tests.infomarts.world import World, key, midnight, scope

ORG = 1


def days(first: date, count: int) -> list[date]:
    """Consecutive days."""
    return [first + timedelta(days=n) for n in range(count)]


def organization(world: World, day: date, org_id: int = ORG, login: str = "acme") -> None:
    """The organisation was seen."""
    hk = world.hub(day, "hub_org", org_id)
    world.satellite(day, "sat_org", hk, login=login)


def repository(
    world: World,
    day: date,
    repo_id: int,
    name: str | None = None,
    *,
    org_id: int = ORG,
    stars: int = 0,
    forks: int = 0,
    watchers: int = 0,
    issues: int = 0,
    pull_requests: int = 0,
    is_fork: bool = False,
    visibility: str = "public",
    **attributes: Any,
) -> None:
    """A repository stood in its organisation's list with these counters."""
    hk = world.hub(day, "hub_repo", repo_id)
    link = world.link(day, "link_org_repo", (org_id, repo_id), org_hk=key(org_id), repo_hk=hk)
    world.effective(day, "link_org_repo", link)
    world.satellite(
        day,
        "sat_repo",
        hk,
        name=name or f"repo-{repo_id}",
        full_name=f"acme/{name or f'repo-{repo_id}'}",
        visibility=visibility,
        is_private=visibility == "private",
        is_fork=is_fork,
        **{"is_archived": False, **attributes},
    )
    world.satellite(
        day,
        "sat_repo_counter",
        hk,
        stargazers_count=stars,
        forks_count=forks,
        subscribers_count=watchers,
        open_issues_count=issues,
        open_pull_requests_count=pull_requests,
    )


def no_repository(world: World, day: date, repo_id: int, org_id: int = ORG) -> None:
    """A whole list came without the repository."""
    world.effective(day, "link_org_repo", key("link_org_repo", org_id, repo_id), active=False)


def user(world: World, day: date, user_id: int, login: str | None = None, kind: str = "User") -> str:
    """An account was seen somewhere; its hash key."""
    hk = world.hub(day, "hub_user", user_id)
    world.satellite(day, "sat_user", hk, type=kind)
    world.satellite(day, "sat_user_pii", hk, login=login or f"user-{user_id}")
    return hk


def member(
    world: World,
    day: date,
    user_id: int,
    role: str = "member",
    *,
    org_id: int = ORG,
    active: bool = True,
    two_factor: bool | None = None,
) -> None:
    """A person stood in the member list, or a whole one came without."""
    link = world.link(day, "link_org_user", (org_id, user_id), org_hk=key(org_id), user_hk=key(user_id))
    world.effective(day, "link_org_user", link, active)
    if active:
        world.satellite(day, "sat_org_user", link, role=role, two_factor_enabled=two_factor)


def outside_collaborator(world: World, day: date, user_id: int, org_id: int = ORG) -> None:
    """A person stood in the list of outside collaborators."""
    link = world.link(day, "link_org_user_outside", (org_id, user_id), org_hk=key(org_id), user_hk=key(user_id))
    world.effective(day, "link_org_user_outside", link)


def collaborator(
    world: World,
    day: date,
    repo_id: int,
    user_id: int,
    role: str,
    sources: Sequence[tuple[str, int, str]] = (),
    *,
    active: bool = True,
) -> None:
    """A person stood in a repository's list of collaborators with the paths GitHub names: (kind, id, role)."""
    link = world.link(day, "link_repo_user", (repo_id, user_id), repo_hk=key(repo_id), user_hk=key(user_id))
    world.effective(day, "link_repo_user", link, active)
    if active:
        world.satellite(day, "sat_repo_user", link, role_name=role)
        rows = [{"source_kind": kind, "source_id": number, "role_name": given} for kind, number, given in sources]
        world.block(day, "ma_sat_repo_user_source", link, rows)


def team(
    world: World,
    day: date,
    team_id: int,
    slug: str,
    members: Sequence[int] = (),
    repositories: Mapping[int, str] | None = None,
    org_id: int = ORG,
) -> None:
    """A team with its members and the repositories it may reach."""
    hk = world.hub(day, "hub_team", team_id)
    world.satellite(day, "sat_team", hk, slug=slug, name=slug)
    link = world.link(day, "link_org_team", (org_id, team_id), org_hk=key(org_id), team_hk=hk)
    world.effective(day, "link_org_team", link)
    for user_id in members:
        link = world.link(day, "link_team_user", (team_id, user_id), team_hk=hk, user_hk=key(user_id))
        world.effective(day, "link_team_user", link)
        world.satellite(day, "sat_team_user", link, role="member")
    for repo_id, role in (repositories or {}).items():
        link = world.link(day, "link_repo_team", (repo_id, team_id), repo_hk=key(repo_id), team_hk=hk)
        world.effective(day, "link_repo_team", link)
        world.satellite(day, "sat_repo_team", link, role_name=role)


def traffic(
    world: World,
    day: date,
    repo_id: int,
    numbers: Mapping[date, tuple[int, int]],
    *,
    dataset: str = "traffic_views",
    fetched_on: date | None = None,
    window_uniques: int | None = None,
) -> None:
    """What GitHub serves of (count, uniques) per day when asked after `day`: edge cut, no zeros, today just begun."""
    fetched_on = fetched_on or day + timedelta(days=1)
    edge = fetched_on - timedelta(days=13)
    rows = [
        {
            "traffic_date": d,
            "count": c // 3 if d == edge else c,
            "uniques": u // 3 if d == edge else u,
            "is_window_edge": d == edge,
        }
        for d, (c, u) in sorted(numbers.items())
        if edge <= d <= day and c > 0
    ]
    world.hub(day, "hub_repo", repo_id)
    world.block(day, f"ma_sat_repo_{dataset}", key(repo_id), rows)
    at = midnight(fetched_on) + timedelta(minutes=10)
    world.fetched(day, dataset, scope("repository", repo_id), fetched_at=at)
    if window_uniques is not None:
        world.satellite(day, f"sat_repo_{dataset}_window", key(repo_id), count=0, uniques=window_uniques)


def pull_request(world: World, day: date, number: int, repo_id: int, author: int | None, /, **attributes: Any) -> int:
    """A pull request as seen on a day; its id is its number unless `number` says otherwise."""
    hk = world.hub(day, "hub_pull_request", number)
    world.link(day, "link_repo_pull_request", (repo_id, number), repo_hk=key(repo_id), pull_request_hk=hk)
    if author is not None:
        world.link(day, "link_pull_request_author", (number, author), pull_request_hk=hk, author_hk=key(author))
    merged_by = attributes.pop("merged_by", None)
    if merged_by is not None:
        world.link(
            day, "link_pull_request_merged_by", (number, merged_by), pull_request_hk=hk, merged_by_hk=key(merged_by)
        )
    title = attributes.pop("title", f"change {number}")
    world.satellite(day, "sat_pull_request", hk, **{"number": number, "state": "open", "is_draft": False, **attributes})
    world.satellite(day, "sat_pull_request_text", hk, title=title)
    return number


def issue(world: World, day: date, number: int, repo_id: int, author: int | None, /, **attributes: Any) -> int:
    """An issue as seen on a day; its id is its number unless `number` says otherwise."""
    hk = world.hub(day, "hub_issue", number)
    world.link(day, "link_repo_issue", (repo_id, number), repo_hk=key(repo_id), issue_hk=hk)
    if author is not None:
        world.link(day, "link_issue_author", (number, author), issue_hk=hk, author_hk=key(author))
    title = attributes.pop("title", f"problem {number}")
    world.satellite(day, "sat_issue", hk, **{"number": number, "state": "open", "is_pull_request": False, **attributes})
    world.satellite(day, "sat_issue_text", hk, title=title)
    return number


def comment(world: World, day: date, repo_id: int, number: int, author: int | None, at: datetime) -> None:
    """Somebody wrote on an issue or pull request."""
    ident = len(world.plain["raw_vault.nh_link_issue_comment"]) + 1
    world.link(
        day,
        "nh_link_issue_comment",
        (ident,),
        repo_hk=key(repo_id),
        author_hk=None if author is None else key(author),
        comment_id=ident,
        issue_number=number,
        created_at=at,
    )


def event(world: World, day: date, repo_id: int, number: int, actor: int | None, what: str, at: datetime) -> None:
    """Something happened to an issue or pull request."""
    ident = len(world.plain["raw_vault.nh_link_issue_event"]) + 1
    world.link(
        day,
        "nh_link_issue_event",
        (ident,),
        repo_hk=key(repo_id),
        actor_hk=None if actor is None else key(actor),
        event_id=ident,
        issue_number=number,
        event=what,
        created_at=at,
    )


def review(world: World, day: date, number: int, reviewer: int | None, state: str, at: datetime) -> None:
    """Somebody reviewed a pull request."""
    ident = len(world.plain["raw_vault.link_pull_request_review"]) + 1
    link = world.link(
        day,
        "link_pull_request_review",
        (number, ident),
        pull_request_hk=key(number),
        reviewer_hk=None if reviewer is None else key(reviewer),
        review_id=ident,
    )
    world.satellite(day, "sat_pull_request_review", link, state=state, submitted_at=at)


def review_request(world: World, day: date, number: int, reviewer: int, active: bool = True) -> None:
    """A review is awaited from a person, or no longer."""
    link = world.link(
        day, "link_pull_request_reviewer", (number, reviewer), pull_request_hk=key(number), reviewer_hk=key(reviewer)
    )
    world.effective(day, "link_pull_request_reviewer", link, active)


def alert(
    world: World, day: date, repo_id: int, number: int, severity: str, created_at: datetime, **attributes: Any
) -> None:
    """A Dependabot alert as seen on a day."""
    ghsa = attributes.pop("ghsa_id", f"GHSA-{number:04d}")
    advisory = world.hub(day, "hub_advisory", ghsa)
    summary = attributes.pop("advisory_summary", f"flaw {number}")
    world.satellite(day, "sat_advisory", advisory, cve_id=f"CVE-2026-{number:04d}", advisory_summary=summary)
    link = world.link(
        day,
        "link_repo_advisory_alert",
        (repo_id, ghsa, number),
        repo_hk=key(repo_id),
        advisory_hk=advisory,
        alert_number=number,
    )
    world.satellite(
        day,
        "sat_repo_advisory_alert",
        link,
        **{
            "state": "open",
            "severity": severity,
            "created_at": created_at,
            "updated_at": created_at,
            "package_name": "left-pad",
            **attributes,
        },
    )


def scanning_alert(
    world: World, day: date, kind: str, repo_id: int, number: int, created_at: datetime, **attributes: Any
) -> None:
    """An alert of code_scanning or secret_scanning as seen on a day."""
    link = world.link(day, f"link_repo_{kind}_alert", (repo_id, number), repo_hk=key(repo_id), alert_number=number)
    world.satellite(day, f"sat_repo_{kind}_alert", link, **{"state": "open", "created_at": created_at, **attributes})


def commit(world: World, day: date, repo_id: int, sha: str, author: int | None, at: datetime) -> None:
    """A commit on the default branch, by an account or by nobody GitHub knows."""
    hk = world.hub(day, "hub_commit", sha)
    world.link(day, "link_repo_commit", (repo_id, sha), repo_hk=key(repo_id), commit_hk=hk)
    if author is not None:
        world.link(day, "link_commit_author", (sha, author), commit_hk=hk, author_hk=key(author))
    world.satellite(day, "sat_commit", hk, committed_at=at, authored_at=at)


def release(
    world: World, day: date, repo_id: int, release_id: int, at: datetime, downloads: Mapping[int, int] | None = None
) -> None:
    """A published release as seen on a day, with its assets' download counters."""
    hk = world.hub(day, "hub_release", release_id)
    link = world.link(day, "link_repo_release", (repo_id, release_id), repo_hk=key(repo_id), release_hk=hk)
    world.effective(day, "link_repo_release", link)
    world.satellite(
        day, "sat_release", hk, tag_name=f"v{release_id}", is_draft=False, is_prerelease=False, published_at=at
    )
    for asset_id, count in (downloads or {}).items():
        asset = world.hub(day, "hub_release_asset", asset_id)
        link = world.link(day, "link_release_asset", (release_id, asset_id), release_hk=hk, release_asset_hk=asset)
        world.effective(day, "link_release_asset", link)
        world.satellite(day, "sat_release_asset", asset, name=f"asset-{asset_id}.zip")
        world.satellite(day, "sat_release_asset_counter", asset, download_count=count)


def directory_line(
    world: World, day: date, repository: str, owner: str | None, tier: str | None = None, *, exempt: bool = False
) -> None:
    """A line of repository_directory.csv as read on a day."""
    line = {"repository": repository, "owner": owner, "tier": tier, "exempt": exempt}
    world.satellite(
        day, "ref_repository_directory", key("directory", repository), repository_key=repository.lower(), **line
    )


def person_line(world: World, day: date, login: str, company: str | None, affiliation: str = "internal") -> None:
    """A line of people_directory.csv that holds for ever, as read on a day."""
    line = {"login": login, "company": company, "affiliation": affiliation, "valid_to": date(9999, 12, 31)}
    world.satellite(
        day, "ref_people_directory", key("person", login), login_key=login.lower(), valid_from=date(1, 1, 1), **line
    )
