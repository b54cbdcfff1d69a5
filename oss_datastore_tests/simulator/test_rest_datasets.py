"""What the lists beside issues and traffic are like: stars, statistics, security, apps, events, search."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from oss_datastore.simulator import Limits, Simulator, Token
from oss_datastore.simulator.world.dice import DAY, seconds
from oss_datastore_tests.simulator.conftest import NOW, WIDE, Client, signature

LANTERN, QUARRY = "/repos/acme/lantern", "/repos/acme/quarry"
STAR = {"Accept": "application/vnd.github.star+json"}
TOKENS: dict[str, Token | str] = {
    "owner": "owner",
    "member": "member",
    "outsider": "outsider",
    "no-contents": "fine-grained -contents",
}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(now=NOW, tokens=TOKENS, limits=WIDE, statistics_after=0) as simulator:
        yield simulator


def moment(text: str) -> int:
    return seconds(datetime.fromisoformat(text))


# stars


def test_the_star_history_is_by_weeks_that_begin_at_seven_on_sunday(sim: Simulator, client: Client) -> None:
    weeks = client.pages(f"{LANTERN}/stargazers/history?per_page=100")
    starts = [week["week"] for week in weeks]
    assert starts == sorted(starts, reverse=True)
    assert {before - after for before, after in itertools.pairwise(starts)} == {7 * DAY}
    assert {datetime.fromtimestamp(start, UTC).strftime("%a %H:%M") for start in starts} == {"Sun 07:00"}
    assert all(week["total"] == sum(week["days"]) and len(week["days"]) == 7 for week in weeks)


def test_stars_that_were_taken_back_are_still_in_the_history_but_not_in_the_count(client: Client) -> None:
    taken_back = 0
    for name in ("tidepool", "quarry", "beacon", "harbor"):
        path = f"/repos/acme/{name}/stargazers"
        given = sum(week["total"] for week in client.pages(f"{path}/history"))
        count = client.get(f"{path}/count").json()["count"]
        assert len(client.pages(f"{path}?per_page=100")) == count <= given
        taken_back += given - count
    assert taken_back


def test_a_page_of_the_star_history_holds_thirty_weeks_at_most(client: Client) -> None:
    assert len(client.get(f"{LANTERN}/stargazers/history?per_page=100").json()) == 30
    assert len(client.get(f"{LANTERN}/stargazers/history?per_page=3").json()) == 3


def test_stars_are_oldest_first_with_their_times_for_those_who_ask(client: Client) -> None:
    stars = client.get(f"{LANTERN}/stargazers?per_page=100", headers=STAR).json()
    times = [star["starred_at"] for star in stars]
    assert times == sorted(times)
    assert "login" in client.get(f"{LANTERN}/stargazers").json()[0]
    refused = client.get(f"{LANTERN}/stargazers?page=401")
    assert (refused.status_code, "pagination is limited" in refused.json()["message"]) == (422, True)


def test_only_those_who_may_write_see_who_gave_stars(sim: Simulator) -> None:
    statuses = {name: Client(sim, token=name).get(f"{LANTERN}/stargazers").status_code for name in TOKENS}
    assert statuses == {"owner": 200, "member": 404, "outsider": 404, "no-contents": 403}
    told = Client(sim, token="no-contents").get(f"{LANTERN}/subscribers").headers
    assert told["x-accepted-github-permissions"] == "contents=write"
    assert Client(sim, token="outsider").get(f"{LANTERN}/stargazers/history").status_code == 200


def test_forks_are_newest_first_and_as_many_as_counted(client: Client) -> None:
    forks = client.pages(f"{LANTERN}/forks?sort=newest&per_page=100")
    created = [fork["created_at"] for fork in forks]
    assert created == sorted(created, reverse=True)
    assert len(forks) == client.get(LANTERN).json()["forks_count"]
    assert all(fork["fork"] and fork["owner"]["login"] != "acme" for fork in forks)


# commits and statistics


def test_commits_since_look_at_the_committers_date_and_come_in_the_order_of_the_branch(client: Client) -> None:
    commits = client.pages(f"{LANTERN}/commits?per_page=100")
    dates = [commit["commit"]["committer"]["date"] for commit in commits]
    assert dates != sorted(dates, reverse=True), "no rebased work"
    assert [commit["parents"][0]["sha"] for commit in commits[:-1]] == [commit["sha"] for commit in commits[1:]]
    since = "2026-09-01T00:00:00Z"
    recent = client.pages(f"{LANTERN}/commits?per_page=100&since={since}")
    assert [commit["sha"] for commit in recent] == [
        commit["sha"] for commit, date in zip(commits, dates, strict=True) if date >= since
    ]
    assert any(commit["author"] is None for commit in commits)


def test_the_commits_of_a_pull_request_end_with_its_head(client: Client) -> None:
    pull = next(entry for entry in client.get(f"{LANTERN}/pulls?state=all").json())
    commits = client.get(f"{LANTERN}/pulls/{pull['number']}/commits").json()
    assert commits[-1]["sha"] == pull["head"]["sha"]


def test_statistics_are_computed_first_and_anew_after_each_push() -> None:
    with Simulator(now=NOW, limits=WIDE, statistics_after=2) as sim:
        client = Client(sim)
        path = f"{LANTERN}/stats/commit_activity"
        assert [client.get(path).status_code for _ in range(4)] == [202, 202, 200, 200]
        assert client.get(f"{LANTERN}/stats/punch_card").status_code == 202
        pushed = client.get(LANTERN).json()["pushed_at"]
        later = NOW
        while client.get(LANTERN).json()["pushed_at"] == pushed:
            later += timedelta(days=1)
            sim.set_now(later)
        assert [client.get(path).status_code for _ in range(3)] == [202, 202, 200]


def test_the_five_statistics_agree_with_each_other(client: Client) -> None:
    year = client.get(f"{QUARRY}/stats/commit_activity").json()
    assert len(year) == 52
    assert client.get(f"{QUARRY}/stats/participation").json()["all"] == [week["total"] for week in year]
    commits = client.pages(f"{QUARRY}/commits?per_page=100")
    assert sum(row[2] for row in client.get(f"{QUARRY}/stats/punch_card").json()) == len(commits)
    people = client.get(f"{QUARRY}/stats/contributors").json()
    listed = client.pages(f"{QUARRY}/contributors?per_page=100")
    known = [commit for commit in commits if commit["author"]]
    assert sum(row["contributions"] for row in listed) == len(known) < len(commits)
    # The statistics know the hundred most active only, the most active last.
    assert [row["total"] for row in reversed(people)] == [row["contributions"] for row in listed[:100]]
    assert {row["author"]["login"]: row["total"] for row in people[20:]}.items() <= {
        (row["login"], row["contributions"]) for row in listed
    }
    weeks = {row[0]: row[1] for row in client.get(f"{QUARRY}/stats/code_frequency").json()}
    for week in people[-1]["weeks"]:
        assert week["a"] <= weeks[week["w"]]
    assert all(datetime.fromtimestamp(week, UTC).strftime("%a %H") == "Sun 00" for week in weeks)


# releases, packages, labels


def test_drafts_are_shown_to_those_who_may_push(sim: Simulator) -> None:
    def drafts(token: str, now: datetime) -> int:
        sim.set_now(now)
        found = Client(sim, token=token).get(f"{LANTERN}/releases?per_page=100").json()
        return sum(release["draft"] for release in found)

    days = [NOW - timedelta(days=back) for back in range(0, 300, 3)]
    assert sum(drafts("owner", day) for day in days) > 0
    assert sum(drafts("outsider", day) for day in days) == 0
    sim.set_now(NOW)


def test_packages_change_only_with_a_push(sim: Simulator, client: Client) -> None:
    found: dict[str, str] = {}
    for back in range(200, -1, -4):
        sim.set_now(NOW - timedelta(days=back))
        pushed = client.get(LANTERN).json()["pushed_at"]
        told = client.get(f"{LANTERN}/dependency-graph/sbom").text
        assert found.setdefault(pushed, told) == told
    assert len(set(found.values())) > 5
    sim.set_now(NOW)


def test_milestones_are_open_ones_unless_asked(client: Client) -> None:
    states = {entry["state"] for entry in client.get(f"{LANTERN}/milestones").json()}
    everything = client.get(f"{LANTERN}/milestones?state=all").json()
    assert states == {"open"}
    assert {entry["state"] for entry in everything} == {"open", "closed"}


# security and administration


def test_secrets_are_told_unless_they_are_to_be_hidden(client: Client) -> None:
    path = "/orgs/acme/secret-scanning/alerts?per_page=100"
    assert all(alert["secret"] for alert in client.get(path).json())
    assert "secret" not in client.get(f"{path}&hide_secret=true").json()[0]


def test_alerts_of_an_organisation_are_those_of_its_repositories(client: Client) -> None:
    names = [repo["name"] for repo in client.get("/orgs/acme/repos?per_page=100").json()]
    for kind in ("code-scanning/alerts", "secret-scanning/alerts", "security-advisories"):
        everything = client.pages(f"/orgs/acme/{kind}?per_page=100")
        answers = [client.get(f"/repos/acme/{name}/{kind}?per_page=100") for name in names]
        single = [entry["url"] for answer in answers if answer.status_code == 200 for entry in answer.json()]
        assert sorted(entry["url"] for entry in everything) == sorted(single)
        assert {answer.status_code for answer in answers} <= {200, 404}
        newest = client.pages(f"/orgs/acme/{kind}?sort=updated&direction=desc&per_page=100")
        updated = [entry["updated_at"] for entry in newest]
        assert updated == sorted(updated, reverse=True)


def test_only_owners_administer(sim: Simulator) -> None:
    for path in (
        "/orgs/acme/hooks",
        "/orgs/acme/installations",
        "/orgs/acme/invitations",
        "/orgs/acme/failed_invitations",
        "/orgs/acme/secret-scanning/alerts",
        "/orgs/acme/security-advisories",
        f"{LANTERN}/hooks",
        f"{LANTERN}/keys",
    ):
        statuses = [Client(sim, token=token).get(path).status_code for token in ("owner", "member", "outsider")]
        assert statuses == [200, 404, 404], path


def test_the_secret_of_a_webhook_is_masked(client: Client) -> None:
    hooks = [
        *client.get("/orgs/acme/hooks").json(),
        *(
            hook
            for name in ("lantern", "tidepool", "beacon")
            for hook in client.get(f"/repos/acme/{name}/hooks").json()
        ),
    ]
    secrets = [hook["config"].get("secret") for hook in hooks]
    assert set(secrets) <= {"********", None}
    assert "********" in secrets


def test_owners_see_what_guards_each_repository_in_the_list(sim: Simulator) -> None:
    owner, member = Client(sim, token="owner"), Client(sim, token="member")
    assert all("security_and_analysis" in repo for repo in owner.get("/orgs/acme/repos?per_page=100").json())
    few = [repo for repo in member.get("/orgs/acme/repos?per_page=100").json() if "security_and_analysis" in repo]
    assert all(repo["permissions"]["admin"] for repo in few)


def test_whoever_is_invited_joins_or_lets_it_pass(sim: Simulator, client: Client) -> None:
    invited: set[str] = set()
    members: set[str] = set()
    mails: set[str] = set()
    for back in range(120, -1, -2):
        sim.set_now(NOW - timedelta(days=back))
        pending = client.get("/orgs/acme/invitations?per_page=100").json()
        now = {user["login"] for user in client.get("/orgs/acme/members?per_page=100").json()}
        assert not now & {entry["login"] for entry in pending}
        invited |= {entry["login"] for entry in pending if entry["login"]}
        mails |= {entry["email"] for entry in pending if entry["email"]}
        members |= now
    failed = client.get("/orgs/acme/failed_invitations").json()
    assert invited
    assert len(invited - members) <= 2, "those of the last days have not joined yet"
    assert {entry["email"] for entry in failed} & mails
    sim.set_now(NOW)


# events


def test_events_are_the_last_three_hundred_of_thirty_days_some_minutes_late(client: Client) -> None:
    answer = client.get("/orgs/acme/events?per_page=100")
    assert answer.headers["x-poll-interval"] == "60"
    events = client.pages("/orgs/acme/events?per_page=100")
    assert 20 < len(events) <= 300
    times = [moment(event["created_at"]) for event in events]
    assert times == sorted(times, reverse=True)
    assert seconds(NOW) - 30 * DAY < times[-1]
    assert times[0] <= seconds(NOW) - 30
    assert len({event["id"] for event in events}) == len(events)
    kinds = {event["type"] for event in events}
    assert {"PushEvent", "WatchEvent", "IssuesEvent", "PullRequestEvent", "IssueCommentEvent"} <= kinds
    pull = next(event for event in events if event["type"] == "PullRequestEvent")["payload"]["pull_request"]
    assert set(pull) == {"id", "number", "url", "head", "base"}
    assert (
        client.get("/orgs/acme/events?per_page=100", headers={"If-None-Match": answer.headers["etag"]}).status_code
        == 304
    )


def test_events_of_repositories_add_up_to_those_of_the_organisation(client: Client) -> None:
    everything = {event["id"] for event in client.pages("/orgs/acme/events?per_page=100")}
    names = [repo["name"] for repo in client.get("/orgs/acme/repos?per_page=100").json()]
    single = {event["id"] for name in names for event in client.pages(f"/repos/acme/{name}/events?per_page=100")}
    assert everything <= single


# search


def test_a_search_says_what_it_looks_for_and_has_a_budget_of_its_own(sim: Simulator) -> None:
    with Simulator(now=NOW, limits=Limits(search=3)) as small:
        client = Client(small)
        refused = client.get("/search/issues?q=repo:acme/lantern")
        assert (refused.status_code, refused.headers["x-ratelimit-resource"]) == (422, "search")
        query = "/search/issues?q=repo:acme/lantern+is:pull-request+is:open"
        found = client.get(query).json()
        listed = client.get(f"{LANTERN}/pulls?per_page=100").json()
        assert found["total_count"] == len(listed)
        assert client.get(query).headers["x-ratelimit-remaining"] == "0"
        assert client.get(query).status_code == 403
        assert client.get(LANTERN).headers["x-ratelimit-resource"] == "core"


def test_a_search_may_be_for_what_changed_lately(client: Client) -> None:
    found = client.get("/search/issues?q=org:acme+is:issue+updated:>=2026-11-15&per_page=100").json()
    assert found["total_count"] == len(found["items"]) > 0
    assert all(item["updated_at"] >= "2026-11-15" for item in found["items"])


# GitHub Apps


@pytest.fixture
def apps() -> Iterator[Simulator]:
    with Simulator(now=NOW, orgs=("acme", "umbrella"), repos=30, limits=Limits(installation=5_000)) as simulator:
        yield simulator


def minted(sim: Simulator, org: str = "acme") -> str:
    app = Client(sim, token=signature())
    path = app.get(f"/orgs/{org}/installation").json()["access_tokens_url"]
    answer = app.session.post(path, timeout=9)
    assert answer.status_code == 201
    assert answer.json()["expires_at"] == "2026-11-20T11:30:00Z"
    token: str = answer.json()["token"]
    return token


def test_an_installation_gets_a_token_with_a_budget_of_its_own_that_grows_with_what_it_reaches(apps: Simulator) -> None:
    client = Client(apps, token=minted(apps))
    first = client.get(LANTERN)
    limit = int(first.headers["x-ratelimit-limit"])
    assert 5_000 + 10 * 50 <= limit <= 12_500
    assert "x-accepted-github-permissions" in first.headers
    # Another token of the same installation draws on the same budget, with ETags of its own.
    other = Client(apps, token=minted(apps)).get(LANTERN, headers={"If-None-Match": first.headers["etag"]})
    assert (other.status_code, other.headers["x-ratelimit-used"]) == (200, "2")
    assert Client(apps).get(LANTERN).headers["x-ratelimit-used"] == "1"


def test_an_installation_sees_private_things_of_its_own_organisation_only(apps: Simulator) -> None:
    client = Client(apps, token=minted(apps, "umbrella"))
    private = [
        repo["full_name"]
        for org in ("acme", "umbrella")
        for repo in Client(apps).get(f"/orgs/{org}/repos?per_page=100").json()
        if repo["private"]
    ]
    statuses = {name: client.get(f"/repos/{name}").status_code for name in private}
    assert {status for name, status in statuses.items() if name.startswith("acme/")} == {404}
    assert {status for name, status in statuses.items() if name.startswith("umbrella/")} == {200}
    told = client.get("/installation/repositories?per_page=100").json()
    assert {repo["owner"]["login"] for repo in told["repositories"]} == {"umbrella"}
    assert told["total_count"] == len(told["repositories"])
    assert client.get("/orgs/acme/hooks").status_code == 404
    assert client.get("/orgs/umbrella/hooks").status_code == 200


def test_a_token_of_an_installation_ends_after_an_hour(apps: Simulator) -> None:
    client = Client(apps, token=minted(apps))
    apps.set_now(NOW + timedelta(minutes=59))
    assert client.get(LANTERN).status_code == 200
    apps.set_now(NOW + timedelta(minutes=61))
    refused = client.get(LANTERN)
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")


def test_an_app_speaks_for_itself_about_itself_only(apps: Simulator) -> None:
    app = Client(apps, token=signature())
    assert {entry["account"]["login"] for entry in app.get("/app/installations").json()} == {"acme", "umbrella"}
    assert app.get("/app").json()["id"] == 100_001
    assert app.get(LANTERN).status_code == 401
    assert app.query("{viewer{login}}")["message"].startswith("This endpoint requires")
    assert Client(apps).get("/app").status_code == 401
    assert app.get("/orgs/none/installation").status_code == 404


def test_a_signature_is_of_the_right_key_and_of_this_hour() -> None:
    key, other = generate_private_key(65_537, 2_048), generate_private_key(65_537, 2_048)
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with Simulator(now=NOW, app_public_key=pem, app_id=100_001) as sim:

        def status(token: str) -> int:
            return Client(sim, token=token).get("/app").status_code

        assert status(signature(key=key)) == 200
        assert status(signature(key=other)) == 401
        assert status(signature()) == 401
        assert status(signature(NOW - timedelta(hours=1), key)) == 401
        assert status(signature(NOW + timedelta(hours=1), key)) == 401
        assert status(signature(key=key, exp=seconds(NOW) + 3_600)) == 401
        assert status(signature(key=key, iss="7")) == 404
        assert status("ey.no.signature") == 401


def test_an_app_is_let_in_widened_suspended_and_removed(sim: Simulator, client: Client) -> None:
    seen: dict[str, set[str]] = {}
    for back in range(700, -1, -20):
        sim.set_now(NOW - timedelta(days=back))
        answer = client.get("/orgs/acme/installations").json()
        assert answer["total_count"] == len(answer["installations"])
        for entry in answer["installations"]:
            state = f"{sorted(entry['permissions'])} {bool(entry['suspended_at'])}"
            seen.setdefault(entry["app_slug"], set()).add(state)
    assert len(seen) == 4
    assert len(seen["collector"]) == 1
    assert max(len(states) for states in seen.values()) >= 2
    sim.set_now(NOW)
