"""An organisation with a history: large enough that every chart of the page has something to say.

Made from a seed, with troubles planted: a week without fetches for one repository, a list that only a member could see,
alerts that are switched off, names that try to be markup, a repository in which nothing moves.
"""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta

from oss_datastore_tests.infomarts import acme
from oss_datastore_tests.infomarts.world import World, key, scope

LAST = date(2026, 11, 22)
NASTY = '<img src=x onerror=alert(1)>"</script><script>alert(2)</script>'
_NAMES = (
    "cli",
    "sdk-java",
    "sdk-python",
    "secret-plans",
    "docs",
    "operator",
    "charts",
    "website",
    "plugins",
    "protocol",
    "examples",
    "ui",
)
_SITES = (
    "news.ycombinator.com",
    "Google",
    "github.com",
    "reddit.com",
    "lobste.rs",
    "duckduckgo.com",
    "stackoverflow.com",
)


_TITLES = (
    "Retry uploads that were cut off",
    "Timeout is ignored behind a proxy",
    "Read the configuration from the environment",
    "Crash on an empty manifest",
    "Document the exit codes",
    "Support Python 3.14",
    "Windows paths are split at the colon",
    "Cache answers between runs",
    "Wrong plural in the summary",
    "Bump the base image",
    "Add a dry run",
    "Progress bar flickers over SSH",
    "Quote names with spaces",
)
_FLAWS = (
    ("urllib3", "Decompression without a limit"),
    ("jackson-databind", "Deserialisation of untrusted data"),
    ("lodash", "Prototype pollution in merge"),
    ("requests", "Credentials leak on a redirect"),
    ("protobuf", "Denial of service by nested groups"),
)


def organisation(
    days: int = 60, repositories: int = 12, seed: int = 1, last: date = LAST, *, strangers: bool = True
) -> World:
    """The world, with `days` loaded days to the last. `strangers`: some names and titles try to be markup."""
    dice = random.Random(seed)
    world = World()
    loaded = acme.days(last - timedelta(days=days - 1), days)
    first = loaded[0]
    names = [*_NAMES, *(f"tool-{n}" for n in range(repositories))][:repositories]
    ids = [1000 + n for n in range(repositories)]
    visible = {repo: "private" if n == 3 else "public" for n, repo in enumerate(ids)}
    acme.organization(world, first)
    _people(world, first, last, ids, dice)
    stars = {repo: dice.randint(40, 4000) for repo in ids}
    reach = {repo: dice.randint(5, 300) for repo in ids}
    series = {
        repo: {d: _visits(d, reach[repo], dice) for d in acme.days(first - timedelta(days=14), days + 14)}
        for repo in ids
    }
    org = scope("organization", acme.ORG)
    for n, day in enumerate(loaded):
        failed = day == last - timedelta(days=20)
        world.fetched(day, "repositories", org, "failed" if failed else "complete")
        for dataset in ("members", "outside_collaborators", "teams"):
            half_seen = dataset == "members" and day > last - timedelta(days=3)
            world.fetched(day, dataset, org, "partial" if half_seen else "complete")
        for m, repo in enumerate(ids):
            stars[repo] += dice.choice((0, 0, 1, 1, 2, 3)) if m != 2 else dice.choice((-1, 0, 1))
            if not failed:
                acme.repository(
                    world,
                    day,
                    repo,
                    NASTY if strangers and m == 5 else names[m],
                    stars=stars[repo],
                    forks=stars[repo] // 9,
                    watchers=stars[repo] // 30,
                    issues=40,
                    pull_requests=8,
                    is_fork=m == 11,
                    visibility=visible[repo],
                    has_vulnerability_alerts_enabled=m != 2,
                )
            _a_day_of(world, day, last, repo, m, series[repo])
        if n % 7 == 0:
            for m, repo in enumerate(ids):
                _top_tens(world, day, repo, m, dice, strangers=strangers)
        _stars_seen(world, day, ids)
    for m, repo in enumerate(ids):
        if m not in (9, 10):
            _conversations(world, first, last, repo, m, dice, strangers=strangers)
        _alerts(world, first, last, repo, m, dice)
    _further(world, loaded, ids, random.Random(seed))
    return world


def _further(world: World, loaded: list[date], ids: list[int], dice: random.Random) -> None:
    """What the marts beyond the page's first need: commits, releases, scanning, directories, reviews, costs."""
    first, last = loaded[0], loaded[-1]
    for who in range(1, 31):
        kind = ("employee", "organization_member") if who <= 12 else ("external", "people_directory")
        world.affiliation(first, who, *kind)
    acme.person_line(world, first, "person-14", "Widgets Ltd", "external")
    acme.person_line(world, first, "person-03", "Acme Ltd")
    for name, owner, tier in (("sdk-*", "languages", "2"), ("c*", "platform", "1"), ("*s", "documentation", "3")):
        acme.directory_line(world, first, name, owner, tier)
    acme.directory_line(world, first, "cli", "tools", "1", exempt=True)
    _newcomers(world, first, last, ids, dice)
    held = dict.fromkeys(ids, 0)
    for m, repo in enumerate(ids):
        for n in range(40):
            shared = (4, 4, 4, 22, 31) if m % 3 == 0 else (3, 4, 5, 6, 7, 22)
            author = None if n % 9 == 0 else dice.choice(shared)
            at = _moment(last - timedelta(days=dice.randint(0, 400)), dice)
            acme.commit(world, first, repo, f"{repo}-{n}", author, at)
        for n, day in enumerate(loaded):
            world.fetched(day, "commits", scope("repository", repo))
            world.fetched(day, "release_assets", scope("repository", repo), "failed" if n % 30 == 5 else "complete")
            held[repo] = 0 if m == 4 and n == 40 else held[repo] + _visits(day, 4 + 9 * (m % 5), dice)[0]
            downloads = {repo * 10: held[repo], repo * 10 + 1: held[repo] // 7}
            acme.release(world, day, repo, repo * 10, datetime.combine(first, time(9, m % 60)), downloads)
            for dataset in ("code_scanning_alerts", "secret_scanning_alerts"):
                state = "forbidden" if m == 3 else "disabled" if m == 4 else "complete"
                world.fetched(day, dataset, scope("repository", repo), state, "delta")
        visible = {"is_visible": m != 3, "secret_scanning": "enabled", "secret_scanning_push_protection": "disabled"}
        world.satellite(first, "sat_repo_security_settings", key(repo), **visible)
        pushed_at = _moment(last - timedelta(days=500 if m in (9, 10) else 30 * m), dice)
        world.satellite(first, "sat_repo_activity", key(repo), pushed_at=pushed_at)
        for number, severity in enumerate(("medium", "high" if m % 4 else "critical", None), start=1):
            raised = _moment(last - timedelta(days=dice.randint(1, 60)), dice)
            acme.scanning_alert(world, last, "code_scanning", repo, number, raised, security_severity=severity)
        more = {"state": "resolved", "resolution": "revoked", "resolved_at": _moment(last, dice)} if m else {}
        more |= {"secret_type": "cloud_access_key"}
        acme.scanning_alert(world, last, "secret_scanning", repo, 1, _moment(first, dice), **more)
        for day in (loaded[len(loaded) // 2], last):
            for who in (1, 4, 9, 20) if m > 5 else (1, 4, 20):
                world.access(day, repo, who, "admin" if who == 1 else "write", is_organization_owner=who == 1)
    at = _moment(last - timedelta(days=4), dice)
    acme.issue(world, last, ids[0] * 100 + 90, ids[0], 28, created_at=at, updated_at=at, comments_count=0)
    for day in loaded[::2]:
        world.cost(day, "issues", 12, 3, len(ids))


def _stars_seen(world: World, day: date, ids: list[int]) -> None:
    """Of every third repository the list of who stars it, of the next its history, of the rest neither."""
    for m, repo in enumerate(ids):
        if m % 3 == 0:
            world.fetched(day, "stargazers", scope("repository", repo))
        elif m % 3 == 1:
            world.fetched(day, "star_history", scope("repository", repo))
            world.satellite(
                day, "ma_sat_repo_star_history", key(repo, day), repo_hk=key(repo), star_date=day, count=m % 5
            )


def _newcomers(world: World, first: date, last: date, ids: list[int], dice: random.Random) -> None:
    """People from outside who came in each of nine months: they write, some have one merged, some another."""
    for n in range(54):
        who, place = 100 + n, n % min(9, len(ids))
        acme.user(world, first, who, f"guest-{n:02d}")
        world.affiliation(first, who, "external", "unknown")
        came = last - timedelta(days=30 * (n // 6) + dice.randint(0, 29))
        for nth in range(dice.choice((1, 2, 2))):
            at = _moment(came + timedelta(days=20 * nth), dice)
            number = 900_000 + 10 * n + nth
            if at.date() > last:
                continue
            seen_on = max(first, at.date())
            words = {"title": dice.choice(_TITLES), "number": 300 + n + 60 * nth, "created_at": at}
            if n % 3 == 0:
                acme.issue(world, seen_on, number, ids[place], who, updated_at=at, comments_count=0, **words)
            else:
                done = min(at + timedelta(hours=20), datetime.combine(last, time(23)))
                merged = {"state": "merged", "closed_at": done, "merged_at": done, "merged_by": 4}
                acme.pull_request(
                    world, max(seen_on, done.date()), number, ids[place], who, updated_at=done, **words, **merged
                )


def _visits(day: date, reach: int, dice: random.Random) -> tuple[int, int]:
    weekend = 0.5 if day.weekday() >= 5 else 1.0
    count = int(reach * weekend * dice.uniform(0.6, 1.4))
    return count, max(1, count // 3) if count else 0


def _a_day_of(world: World, day: date, last: date, repo: int, place: int, series: dict[date, tuple[int, int]]) -> None:
    """What one repository's fetches brought: the second lacks five days of traffic, the third's alerts are off."""
    of = scope("repository", repo)
    gap = place == 1 and last - timedelta(days=4) <= day <= last
    for dataset, factor in (("traffic_views", 1), ("traffic_clones", 4)):
        if gap:
            world.fetched(day, dataset, of, "failed")
        else:
            numbers = {d: (c // factor, u // factor) for d, (c, u) in series.items()}
            acme.traffic(
                world,
                day,
                repo,
                numbers,
                dataset=dataset,
                window_uniques=sum(u for _, u in series.values()) // (3 * factor),
            )
    for dataset in (
        "issues",
        "issue_comments",
        "issue_events",
        "pull_requests",
        "pull_request_reviews",
        "review_requests",
    ):
        failed = dataset == "issue_comments" and place == 6 and day == last
        world.fetched(day, dataset, of, "pending" if failed else "complete", "delta")
    for dataset in ("traffic_referrers", "traffic_paths", "repository_collaborators"):
        world.fetched(day, dataset, of)
    world.fetched(day, "dependabot_alerts", of, "disabled" if place == 2 else "complete", "delta")


def _top_tens(world: World, day: date, repo: int, place: int, dice: random.Random, *, strangers: bool) -> None:
    sites = [NASTY, *_SITES] if strangers and place == 5 else [*_SITES]
    rows = [
        {"rank": n + 1, "referrer": site, "count": 300 // (n + 1 + place) + dice.randint(0, 9), "uniques": 5}
        for n, site in enumerate(sites)
    ]
    world.block(day, "ma_sat_repo_traffic_referrers", key(repo), rows)
    paths = [
        {"rank": n + 1, "path": f"/acme/{_NAMES[place % 12]}{path}", "title": title, "count": count, "uniques": 9}
        for n, (path, title, count) in enumerate(
            (
                ("", "Overview", 240 // (1 + place)),
                ("/issues", NASTY if strangers else "Issues", 99 - place),
                ("/releases", "Releases", 60 - place),
                ("/blob/main/docs/install.md", "Installing it on a machine without a network", 31),
            )
        )
    ]
    world.block(day, "ma_sat_repo_traffic_paths", key(repo), paths)


def _people(world: World, first: date, last: date, ids: list[int], dice: random.Random) -> None:
    for who in range(1, 31):
        acme.user(world, first, who, f"person-{who:02d}")
    acme.user(world, first, 31, "renovate[bot]", "Bot")
    for who in range(1, 13):
        acme.member(world, first, who, "admin" if who <= 2 else "member", two_factor=who != 4)
    acme.member(world, last - timedelta(days=4), 13, two_factor=None)
    acme.outside_collaborator(world, first, 20)
    acme.outside_collaborator(world, last - timedelta(days=2), 21)
    acme.team(world, first, 500, "core", range(3, 8), dict.fromkeys(ids[:6], "maintain"))
    acme.team(world, first, 501, "docs", range(8, 12), dict.fromkeys(ids[4:], "write"))
    for day in (first, last):
        for team in (500, 501):
            world.fetched(day, "team_members", scope("team", team))
            world.fetched(day, "team_repositories", scope("team", team))
    for m, repo in enumerate(ids):
        for who in (1, 2):
            acme.collaborator(world, first, repo, who, "admin", [("organization", acme.ORG, "read")])
        for who in range(3, 8) if m < 6 else range(8, 12):
            team, role = (500, "maintain") if m < 6 else (501, "write")
            acme.collaborator(world, first, repo, who, role, [("team", team, role), ("organization", acme.ORG, "read")])
        acme.collaborator(world, first, repo, 12, dice.choice(("triage", "read")), [("organization", acme.ORG, "read")])
    acme.collaborator(world, last - timedelta(days=2), ids[0], 21, "write", [("repository", ids[0], "write")])
    promoted = [("repository", ids[0], "admin"), ("team", 500, "maintain"), ("organization", acme.ORG, "read")]
    acme.collaborator(world, last - timedelta(days=3), ids[0], 6, "admin", promoted)
    acme.member(world, last - timedelta(days=30), 9, active=False)
    acme.collaborator(world, first, ids[1], 20, "triage", [("repository", ids[1], "triage")])


def _moment(day: date, dice: random.Random) -> datetime:
    return datetime.combine(day, time(dice.randint(6, 20), dice.randint(0, 59)))


def _conversations(
    world: World, first: date, last: date, repo: int, place: int, dice: random.Random, *, strangers: bool
) -> None:
    for n in range(26):
        number = repo * 100 + n
        opened_on = last - timedelta(days=dice.randint(0, 70))
        at = _moment(opened_on, dice)
        author = dice.choice((22, 23, 24, 25, 26, 3, 31))
        seen_on = max(first, opened_on)
        answered = at + timedelta(hours=dice.choice((3, 9, 30, 70, 200)))
        closes = datetime.combine(last, time()) + timedelta(days=1)
        merged = dice.random() < 0.5 and answered + timedelta(days=1) < closes
        title = NASTY if strangers and n == 3 else _TITLES[(n + place) % len(_TITLES)]
        called = {"title": title, "number": 400 + n}
        done = answered + timedelta(days=1)
        if n % 2:
            if merged:
                acme.pull_request(
                    world,
                    seen_on,
                    number,
                    repo,
                    author,
                    **called,
                    created_at=at,
                    updated_at=done,
                    state="merged",
                    closed_at=done,
                    merged_at=done,
                    merged_by=4,
                )
            else:
                acme.pull_request(
                    world, seen_on, number, repo, author, **called, created_at=at, updated_at=at, is_draft=n == 7
                )
                if n % 3 == 0:
                    acme.review_request(world, seen_on, number, 5)
            if answered < closes and dice.random() < 0.6:
                acme.review(
                    world, seen_on, number, 4, dice.choice(("APPROVED", "COMMENTED", "CHANGES_REQUESTED")), answered
                )
        else:
            closed = {"state": "closed", "closed_at": done} if merged else {}
            acme.issue(
                world,
                seen_on,
                number,
                repo,
                author,
                **called,
                created_at=at,
                updated_at=at,
                comments_count=0,
                **closed,
            )
            if answered < closes and dice.random() < 0.6:
                acme.comment(world, seen_on, repo, 400 + n, dice.choice((3, 6, 27)), answered)


def _alerts(world: World, first: date, last: date, repo: int, place: int, dice: random.Random) -> None:
    if place == 2:
        return
    for n in range(dice.randint(2, 7)):
        number = repo * 10 + n
        severity = dice.choice(("critical", "high", "medium", "medium", "low"))
        day = last - timedelta(days=dice.randint(0, 100))
        at = _moment(day, dice)
        package, summary = _FLAWS[(n + place) % len(_FLAWS)]
        named = {"package_name": package, "advisory_summary": summary, "first_patched_version": f"{n + 1}.2.0"}
        acme.alert(world, max(first, day), repo, number, severity, at, **named)
        fixed_on = day + timedelta(days=dice.randint(3, 60))
        if dice.random() < 0.6 and max(first, day) < fixed_on <= last:
            at_ = _moment(fixed_on, dice)
            acme.alert(world, fixed_on, repo, number, severity, at, state="fixed", fixed_at=at_, **named)
