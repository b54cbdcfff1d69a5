"""A fortnight small enough to work out by hand: two repositories, four people, a few things on each.

Monday 2 to Sunday 15 March 2026 were loaded, whole but for what is said below. Olga owns the organisation, Ada comes
from outside, Otto is an outside collaborator, Renovate is a bot. `site` is ours; `copy` is our fork of something.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from oss_datastore_tests.infomarts import acme
from oss_datastore_tests.infomarts.world import World, key, moment, scope

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 15)
DAYS = acme.days(FIRST, 14)
OLGA, ADA, OTTO, RENOVATE = 1, 2, 3, 4
SITE, COPY, CORE = 10, 11, 500
ORG = scope("organization", 1)
OF_ORGANISATION = ("repositories", "members", "outside_collaborators", "teams")
OF_TEAM = ("team_members", "team_repositories")
OF_REPOSITORY = (
    "issues",
    "issue_comments",
    "issue_events",
    "pull_requests",
    "pull_request_reviews",
    "commits",
    "releases",
    "release_assets",
    "branch_rules",
    "rulesets",
    "repository_collaborators",
    "dependabot_alerts",
    "code_scanning_alerts",
    "secret_scanning_alerts",
    "star_history",
    "traffic_referrers",
    "traffic_paths",
)


_SITE_IS = {
    "is_template": False,
    "primary_language": "Python",
    "license_spdx_id": "MIT",
    "topics": '["cli"]',
    "default_branch": "main",
    "created_at": moment(2024, 5, 1, 8),
    "is_security_policy_enabled": True,
}
_LINES = {"additions": 10, "deletions": 2}


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment in March 2026; the 2nd is a Monday."""
    return moment(2026, 3, day, hour, minute)


def mar(day: int) -> date:
    """A day of March 2026."""
    return date(2026, 3, day)


def small_world() -> World:
    """The fortnight."""
    world = World()
    acme.organization(world, FIRST)
    _lists(world)
    _people(world)
    _popularity(world)
    _conversations(world)
    _work(world)
    _security(world)
    return world


def _lists(world: World) -> None:
    for day in DAYS:
        for dataset in OF_ORGANISATION:
            world.fetched(day, dataset, ORG, rows=2)
        for dataset in OF_TEAM:
            world.fetched(day, dataset, scope("team", CORE))
        for repo in (SITE, COPY):
            for dataset in OF_REPOSITORY:
                world.fetched(day, dataset, scope("repository", repo))
        world.cost(day, "repositories", requests=2, points=1)
    # The code of the fork is scanned by nobody.
    world.fetched(LAST, "code_scanning_alerts", scope("repository", COPY), "disabled")


def _people(world: World) -> None:
    for who, login, kind in (
        (OLGA, "olga", "User"),
        (ADA, "ada", "User"),
        (OTTO, "otto", "User"),
        (RENOVATE, "renovate[bot]", "Bot"),
    ):
        acme.user(world, FIRST, who, login, kind)
    acme.member(world, FIRST, OLGA, "admin", two_factor=True)
    acme.person_line(world, FIRST, "ada", "Globex", "external")
    world.affiliation(FIRST, OLGA, "employee", "organization_member")
    world.affiliation(FIRST, ADA, "external", "people_directory")
    world.affiliation(FIRST, OTTO, "unknown", "none")
    world.affiliation(FIRST, RENOVATE, "bot", "account_type")
    acme.team(world, FIRST, CORE, "core", [OLGA], {SITE: "maintain"})
    acme.collaborator(world, FIRST, SITE, OLGA, "admin", [("organization", 1, "read"), ("team", CORE, "maintain")])
    # Otto came on the 5th, as triage; on the 9th he could write.
    acme.outside_collaborator(world, DAYS[3], OTTO)
    acme.collaborator(world, DAYS[3], SITE, OTTO, "triage")
    acme.collaborator(world, DAYS[7], SITE, OTTO, "write")
    world.access(LAST, SITE, OLGA, "admin", team_role_name="maintain", teams_count=1, is_organization_owner=True)
    world.team_access(LAST, CORE, SITE, OLGA, "maintain")
    world.access(LAST, SITE, OTTO, "write")
    world.satellite(
        LAST,
        "ref_access_decision",
        key("otto", "site"),
        login_key="otto",
        repository_key="site",
        decided_on=LAST,
        login="otto",
        repository="site",
        decision="reduce",
        reviewer="olga",
        ticket="T-1",
    )


def _popularity(world: World) -> None:
    # A star a day on site, but two on the 11th of which one was taken back; ten a day on the fork, which count nowhere.
    for n, day in enumerate(DAYS):
        for repo, name, stars in ((SITE, "site", 100 + n), (COPY, "copy", 10 * n)):
            acme.repository(
                world,
                day,
                repo,
                name,
                stars=stars,
                forks=5 + n // 7,
                watchers=3 + n // 13,
                issues=1,
                pull_requests=1,
                is_fork=repo == COPY,
                **_SITE_IS if repo == SITE else {},
            )
        given = 2 if day.day == 11 else 1
        world.satellite(day, "ma_sat_repo_star_history", key(SITE, day), repo_hk=key(SITE), star_date=day, count=given)
    for day in DAYS:
        visits = dict.fromkeys(acme.days(FIRST - timedelta(days=14), 28), (10, 4))
        checkouts = dict.fromkeys(acme.days(FIRST - timedelta(days=14), 28), (3, 2))
        acme.traffic(world, day, SITE, visits, window_uniques=30)
        acme.traffic(world, day, SITE, checkouts, dataset="traffic_clones", window_uniques=12)
    for kind, what in (("referrers", {"referrer": "news.example"}), ("paths", {"path": "/acme/site", "title": "site"})):
        world.block(
            DAYS[0], f"ma_sat_repo_traffic_{kind}", key(SITE), [{"rank": 1, "count": 80, "uniques": 20, **what}]
        )


def _conversations(world: World) -> None:
    # An issue that was answered in a day and waits for Ada; one that was answered over a weekend and closed.
    slow = {"created_at": at(2, 9), "reactions_count": 2, "issue_type": "Bug", "title": "it is slow"}
    acme.issue(world, mar(2), 1, SITE, ADA, updated_at=at(2, 9), comments_count=0, **slow)
    acme.issue(world, mar(3), 1, SITE, ADA, updated_at=at(3, 9), comments_count=1, **slow)
    acme.comment(world, mar(3), SITE, 1, OLGA, at(3, 9))
    link = world.link(mar(3), "link_issue_assignee", (1, OLGA), issue_hk=key(1), assignee_hk=key(OLGA))
    world.effective(mar(3), "link_issue_assignee", link)
    broken = {"created_at": at(6, 12), "reactions_count": 0, "comments_count": 1}
    acme.issue(world, mar(6), 2, SITE, ADA, updated_at=at(6, 12), **broken)
    acme.comment(world, mar(6), SITE, 2, RENOVATE, at(6, 13))
    acme.comment(world, mar(9), SITE, 2, OLGA, at(9, 12))
    over = {"updated_at": at(10, 8), "closed_at": at(10, 8), "state": "closed", "state_reason": "completed"}
    acme.issue(world, mar(10), 2, SITE, ADA, **broken, **over)
    acme.event(world, mar(10), SITE, 2, OLGA, "closed", at(10, 8))
    # A pull request that was approved and merged; one that was a draft for a day and then waits for Olga's review.
    mended = {"created_at": at(4, 9), "additions": 5, "deletions": 1}
    acme.pull_request(world, mar(4), 3, SITE, ADA, updated_at=at(4, 9), **mended)
    acme.pull_request(
        world,
        mar(5),
        3,
        SITE,
        ADA,
        **mended,
        updated_at=at(5, 9),
        closed_at=at(5, 9),
        merged_at=at(5, 9),
        merged_by=OLGA,
        state="merged",
        review_decision="APPROVED",
    )
    acme.review(world, mar(5), 3, OLGA, "APPROVED", at(5, 8))
    acme.event(world, mar(5), SITE, 3, OLGA, "merged", at(5, 9))
    fast = {
        "created_at": at(9, 9),
        "additions": 10,
        "deletions": 2,
        "last_commit_at": at(9, 8),
        "title": "make it fast",
    }
    acme.pull_request(world, mar(9), 4, SITE, ADA, updated_at=at(9, 9), is_draft=True, **fast)
    acme.pull_request(world, mar(10), 4, SITE, ADA, updated_at=at(10, 9), **fast)
    acme.event(world, mar(10), SITE, 4, ADA, "ready_for_review", at(10, 9))
    acme.review_request(world, mar(10), 4, OLGA)


def _work(world: World) -> None:
    for n in range(10):
        acme.commit(world, mar(3 + n), SITE, f"c{n}", OLGA if n < 6 else ADA, at(3 + n, 7))
        world.satellite(mar(3 + n), "sat_repo_activity", key(SITE), pushed_at=at(3 + n, 7))
    for n, day in enumerate(DAYS[3:]):
        acme.release(world, day, SITE, 70, at(5, 12), {900: 10 + 5 * min(n, 8)})
    acme.release(world, FIRST, SITE, 69, moment(2025, 5, 1))
    acme.release(world, FIRST, SITE, 68, moment(2025, 1, 10))
    acme.directory_line(world, FIRST, "acme/site", "web team", "1")
    world.satellite(FIRST, "sat_repo_policy", key(SITE), has_contributing_guidelines=True)
    link = world.link(FIRST, "link_repo_branch_rule", (SITE, "r1"), repo_hk=key(SITE), branch_rule_id="r1")
    world.effective(FIRST, "link_repo_branch_rule", link)


def _security(world: World) -> None:
    # Overdue since the 11th; fixed after four days; and a secret that was none.
    acme.alert(
        world,
        FIRST,
        SITE,
        1,
        "critical",
        moment(2026, 2, 25, 9),
        package_ecosystem="npm",
        manifest_path="package.json",
        dependency_scope="runtime",
        first_patched_version="1.3.0",
        html_url="https://github.com/acme/site/security/dependabot/1",
    )
    for day, more in ((DAYS[1], {}), (DAYS[5], {"state": "fixed", "fixed_at": at(7, 9)})):
        acme.alert(world, day, SITE, 2, "high", at(3, 9), **more)
    world.satellite(
        FIRST,
        "sat_advisory",
        key("GHSA-0001"),
        cve_id="CVE-2026-0001",
        advisory_summary="flaw 1",
        cvss_v3_score=9,
        epss_percentage=1,
    )
    secret = {"secret_type": "github_token"}
    over = {"state": "resolved", "resolution": "false_positive", "resolved_at": at(10, 9)}
    acme.scanning_alert(world, mar(8), "secret_scanning", SITE, 1, at(8, 9), **secret)
    acme.scanning_alert(world, mar(10), "secret_scanning", SITE, 1, at(8, 9), **secret, **over)
    world.satellite(
        FIRST,
        "sat_repo_security_settings",
        key(SITE),
        is_visible=True,
        secret_scanning="enabled",
        secret_scanning_push_protection="disabled",
    )
