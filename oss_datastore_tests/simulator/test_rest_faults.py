"""Every fault of REST, numbered as GitHub's behaviours are: what it looks like to a client."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from oss_datastore.simulator import Simulator
from oss_datastore.simulator.faults import BEHAVIOURS, KINDS
from oss_datastore_tests.simulator.conftest import NOW, WIDE, Client

LANTERN = "/repos/acme/lantern"
VIEWS = f"{LANTERN}/traffic/views"
ISSUES = f"{LANTERN}/issues?state=all&per_page=100"


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(now=NOW, limits=WIDE, statistics_after=0) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Iterator[Client]:
    yield Client(sim)
    sim.set_faults(None)


def test_every_behaviour_has_a_fault_of_its_own() -> None:
    assert set(BEHAVIOURS) == set(range(1, 33))
    assert {kind.behaviour for kind in KINDS.values()} == set(BEHAVIOURS)


def test_1_headers_may_be_missing(sim: Simulator, client: Client) -> None:
    sim.set_faults("headers_missing")
    answer = client.get(LANTERN)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("x-")]


def test_2_a_version_may_be_unknown_or_an_older_one_answer(sim: Simulator) -> None:
    newer = Client(sim, version="2026-03-10")
    sim.set_faults("unknown_version")
    refused = newer.get(LANTERN)
    assert (refused.status_code, "2026-03-10" in refused.json()["message"]) == (400, True)
    sim.set_faults("older_version")
    answer = newer.get(LANTERN)
    assert answer.headers["x-github-api-version-selected"] == "2022-11-28"
    assert "has_downloads" in answer.json()
    sim.set_faults(None)


def test_3_agents_and_tokens_may_be_refused(sim: Simulator, client: Client) -> None:
    sim.set_faults("user_agent_refused")
    refused = client.get(LANTERN)
    assert (refused.status_code, "User-Agent" in refused.text) == (403, True)
    sim.set_faults("bad_credentials")
    refused = client.get(LANTERN)
    assert (refused.status_code, refused.json()["message"]) == (401, "Bad credentials")


def test_4_short_pages_lose_nothing_and_shifted_ones_repeat_something(sim: Simulator, client: Client) -> None:
    for path in (ISSUES, "/orgs/acme/dependabot/alerts?per_page=20"):
        whole = [entry["url"] for entry in client.pages(path)]
        sim.set_faults("short_pages")
        size = int(path.rpartition("=")[2])
        assert len(client.get(path).json()) == size // 2
        assert [entry["url"] for entry in client.pages(path)] == whole
        sim.set_faults("pages_shift")
        shifted = [entry["url"] for entry in client.pages(path)]
        assert len(shifted) > len(whole)
        assert list(dict.fromkeys(shifted)) == whole
        sim.set_faults(None)


def test_5_a_link_may_lead_to_an_empty_page_and_later_pages_be_refused(sim: Simulator, client: Client) -> None:
    for path in (ISSUES, "/orgs/acme/repos?per_page=100", "/orgs/acme/dependabot/alerts?per_page=100"):
        whole = client.pages(path)
        last = client.get(path)
        sim.set_faults("page_beyond_end")
        last = client.get(path)
        while last.json():
            last = client.get(last.links["next"]["url"])
        assert "next" not in last.links
        assert client.pages(path) == whole
        sim.set_faults(None)
    sim.set_faults("pagination_limited")
    first = client.get(ISSUES)
    refused = client.get(first.links["next"]["url"])
    assert (first.status_code, refused.status_code) == (200, 422)
    assert "pagination is limited for this resource" in refused.json()["message"]


def test_6_an_etag_may_be_ignored(sim: Simulator, client: Client) -> None:
    etag = client.get(LANTERN).headers["etag"]
    assert client.get(LANTERN, headers={"If-None-Match": etag}).status_code == 304
    sim.set_faults("etag_ignored")
    again = client.get(LANTERN, headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["etag"]) == (200, etag)


def test_7_the_limits_may_not_be_told(sim: Simulator, client: Client) -> None:
    sim.set_faults("rate_limit_hidden")
    assert client.get("/rate_limit").status_code == 404


def test_8_the_budget_may_be_gone_with_either_status(sim: Simulator) -> None:
    for fault, status in (("primary_limit", 403), ("primary_limit_429", 429)):
        sim.set_faults(fault)
        refused = Client(sim, token=fault).get(VIEWS)
        assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (status, "0")
    sim.set_faults(None)


@pytest.mark.parametrize(
    ("fault", "status", "told", "empty"),
    [
        ("secondary_limit_429", 429, True, False),
        ("secondary_limit_bare", 403, False, False),
        ("secondary_limit_remaining", 403, False, True),
    ],
)
def test_9_the_secondary_limit_has_three_wordings(
    sim: Simulator, fault: str, status: int, told: bool, empty: bool
) -> None:
    sim.set_faults(fault)
    refused = Client(sim, token=fault).get(VIEWS)
    sim.set_faults(None)
    assert refused.status_code == status
    assert "secondary rate limit" in refused.json()["message"]
    assert ("retry-after" in refused.headers) == told
    assert (refused.headers["x-ratelimit-remaining"] == "0") == empty


def test_10_a_block_may_last_longer_than_it_says() -> None:
    with Simulator(now=NOW, limits=WIDE, faults="secondary_limit_longer@*/views") as sim:
        client = Client(sim)
        wait = int(client.get(VIEWS).headers["retry-after"])
        sim.set_faults(None)
        sim.set_now(NOW + timedelta(seconds=wait + 1))
        assert client.get(VIEWS).status_code == 403
        sim.set_now(NOW + timedelta(seconds=3 * wait))
        assert client.get(VIEWS).status_code == 200
        assert sim.requests_during_block == 1


def test_11_statistics_are_computed_for_ever_or_too_large(sim: Simulator, client: Client) -> None:
    sim.set_faults("statistics_computing@*/stats/contributors")
    answers = [client.get(f"{LANTERN}/stats/contributors") for _ in range(3)]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, "{}")}
    assert client.get(f"{LANTERN}/stats/punch_card").status_code == 200
    sim.set_faults("statistics_too_large@/repos/acme/lantern")
    assert client.get(f"{LANTERN}/stats/code_frequency").status_code == 422
    rows = client.get(f"{LANTERN}/stats/contributors").json()
    assert {(week["a"], week["d"]) for row in rows for week in row["weeks"]} == {(0, 0)}
    assert sum(row["total"] for row in rows) > 0
    assert client.get("/repos/acme/quarry/stats/code_frequency").status_code == 200


def test_12_traffic_may_be_forbidden(sim: Simulator, client: Client) -> None:
    sim.set_faults("traffic_forbidden@/repos/acme/lantern")
    refused = client.get(f"{LANTERN}/traffic/popular/paths")
    assert (refused.status_code, refused.json()["message"]) == (403, "Must have push access to repository")
    assert client.get("/repos/acme/quarry/traffic/views").status_code == 200


def test_13_star_lists_may_be_hidden_while_the_count_is_not(sim: Simulator, client: Client) -> None:
    for fault, status in (("star_list_hidden", 404), ("star_list_forbidden", 403)):
        sim.set_faults(fault)
        assert client.get(f"{LANTERN}/stargazers").status_code == status
        assert client.get(f"{LANTERN}/subscribers").status_code == status
        assert client.get(f"{LANTERN}/stargazers/count").json()["count"] > 0
        assert client.get(f"{LANTERN}/stargazers/history").status_code == 200


def test_14_a_repository_may_have_moved(sim: Simulator, client: Client) -> None:
    sim.set_faults("moved@/repos/acme/lantern")
    moved = client.get(f"{VIEWS}?per=week")
    assert moved.status_code == 301
    assert moved.headers["location"].endswith("/repositories/310000000/traffic/views?per=week")
    assert client.get(moved.headers["location"]).status_code == 200


def test_15_a_repository_may_be_deleted_or_blocked(sim: Simulator, client: Client) -> None:
    sim.set_faults("deleted@/repos/acme/lantern")
    assert client.get(VIEWS).status_code == 404
    assert client.get("/repositories/310000000").status_code == 404
    assert "lantern" in [repo["name"] for repo in client.get("/orgs/acme/repos?per_page=100").json()]
    for fault, status in (("blocked", 451), ("blocked_403", 403)):
        sim.set_faults(fault)
        refused = client.get(VIEWS)
        assert (refused.status_code, refused.json()["message"]) == (status, "Repository access blocked")
        assert set(refused.json()["block"]) == {"reason", "created_at", "html_url"}


def emptiness(client: Client, path: str) -> list[int]:
    parts = ("commits", "contributors", "stats/contributors", "stats/code_frequency", "dependency-graph/sbom")
    return [client.get(f"{path}/{part}").status_code for part in parts]


def test_16_a_repository_may_be_empty(sim: Simulator, client: Client) -> None:
    assert emptiness(client, "/repos/acme/anvil") == [409, 204, 204, 204, 404]
    assert emptiness(client, LANTERN) == [200] * 5
    sim.set_faults("empty_repository@/repos/acme/lantern")
    assert emptiness(client, LANTERN) == [409, 204, 204, 204, 404]
    assert client.get(f"{LANTERN}/commits").json()["message"] == "Git Repository is empty."
    assert client.get(f"{LANTERN}/languages").json() == {}


def test_17_features_may_be_off_and_issues_gone(sim: Simulator, client: Client) -> None:
    sim.set_faults("issues_disabled@/repos/acme/lantern")
    for path in ("issues", "issues/comments", "issues/events", "issues/1"):
        assert client.get(f"{LANTERN}/{path}").status_code == 410
    assert client.get(LANTERN).json()["has_issues"] is False
    sim.set_faults("pull_requests_disabled@/repos/acme/lantern")
    assert client.get(f"{LANTERN}/pulls").status_code == 404
    sim.set_faults(None)
    listed = client.pages(ISSUES)
    number = next(entry["number"] for entry in listed if "pull_request" not in entry)
    for fault, status in (("issue_deleted", 410), ("issue_transferred", 301)):
        sim.set_faults(f"{fault}@{LANTERN}/issues/{number}")
        answer = client.get(f"{LANTERN}/issues/{number}")
        assert answer.status_code == status
        assert {entry["number"] for entry in listed} - {entry["number"] for entry in client.pages(ISSUES)} == {number}
    assert "/repositories/" in answer.headers["location"]


def test_18_since_may_be_ignored(sim: Simulator, client: Client) -> None:
    path = f"{ISSUES}&since=2026-11-19T00:00:00Z"
    assert len(client.pages(path)) < len(client.pages(ISSUES))
    sim.set_faults("since_ignored")
    assert len(client.pages(path)) == len(client.pages(ISSUES))


def test_19_authors_may_be_nobody(sim: Simulator, client: Client) -> None:
    sim.set_faults("ghost_authors=0.5")
    authors = {entry["number"]: entry["user"] for entry in client.pages(ISSUES)}
    nobody = {number for number, author in authors.items() if author is None}
    assert 0 < len(nobody) < len(authors)
    pulls = client.pages(f"{LANTERN}/pulls?state=all&per_page=100")
    assert {pull["number"] for pull in pulls if pull["user"] is None} == nobody & {pull["number"] for pull in pulls}
    commits = client.get(f"{LANTERN}/commits?per_page=100").json()
    assert 0 < sum(commit["author"] is None for commit in commits) < len(commits)


def owners(answer: requests.Response) -> set[str]:
    return {alert["repository"]["name"] for alert in answer.json()}


def test_20_alerts_may_be_disabled_archived_or_out_of_reach(sim: Simulator, client: Client) -> None:
    for fault, path, status in (
        ("dependabot_disabled", "dependabot/alerts", 403),
        ("code_scanning_disabled", "code-scanning/alerts", 404),
    ):
        everybody = f"/orgs/acme/{path}?per_page=100"
        assert "lantern" in owners(client.get(everybody))
        sim.set_faults(f"{fault}@/repos/acme/lantern")
        assert client.get(f"{LANTERN}/{path}").status_code == status
        assert "lantern" not in owners(client.get(everybody))
        sim.set_faults(None)
    sim.set_faults("alerts_archived")
    assert {alert["state"] for alert in client.pages("/orgs/acme/dependabot/alerts?per_page=100")} == {"open"}
    sim.set_faults("security_unavailable")
    for path in ("code-scanning/alerts", "secret-scanning/alerts"):
        assert client.get(f"/orgs/acme/{path}").status_code == 503


def test_21_a_secret_may_stand_in_the_answer_though_it_was_not_to(sim: Simulator, client: Client) -> None:
    path = "/orgs/acme/secret-scanning/alerts?per_page=100"
    assert all("secret" not in alert for alert in client.get(f"{path}&hide_secret=true").json())
    sim.set_faults("secret_in_clear")
    clear = client.get(f"{path}&hide_secret=true").json()
    assert all(len(alert["secret"]) >= 20 for alert in clear)
    sim.set_faults("secret_scanning_disabled@/repos/acme/lantern")
    refused = client.get(f"{LANTERN}/secret-scanning/alerts")
    assert (refused.status_code, "disabled" in refused.json()["message"]) == (404, True)
    assert "lantern" not in owners(client.get(path))


def test_22_members_may_be_hidden_even_from_an_owner(sim: Simulator, client: Client) -> None:
    path = "/orgs/acme/members?per_page=100"
    whole = client.get(path).json()
    sim.set_faults("members_hidden@/orgs/acme")
    few = client.get(path)
    assert few.status_code == 200
    assert 0 < len(few.json()) < len(whole)


def test_23_events_may_come_late(sim: Simulator, client: Client) -> None:
    fresh = client.get("/orgs/acme/events").json()[0]["created_at"]
    sim.set_faults("events_delayed")
    late = client.get("/orgs/acme/events").json()[0]["created_at"]
    assert late <= (NOW - timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert late <= fresh


def test_29_node_ids_may_be_in_their_former_form(sim: Simulator, client: Client) -> None:
    sim.set_faults("former_node_ids")
    assert client.get(LANTERN).json()["node_id"].startswith("MD")


def test_30_permissions_may_be_missing(sim: Simulator, client: Client) -> None:
    for fault, status in (("forbidden", 403), ("not_found", 404)):
        sim.set_faults(fault)
        assert client.get(VIEWS).status_code == status


def counts(client: Client) -> list[int]:
    return [client.get(LANTERN).json()[name] for name in ("stargazers_count", "open_issues_count")]


def test_31_downloads_may_begin_anew_and_counts_be_of_yesterday(sim: Simulator, client: Client) -> None:
    def downloads() -> int:
        releases = client.get(f"{LANTERN}/releases?per_page=100").json()
        return sum(asset["download_count"] for release in releases for asset in release["assets"])

    many = downloads()
    sim.set_faults("download_reset@/repos/acme/lantern")
    assert downloads() < many
    sim.set_faults("counts_stale")
    stale = counts(client)
    sim.set_faults(None)
    sim.set_now(NOW - timedelta(days=1))
    yesterday = counts(client)
    sim.set_now(NOW)
    assert stale == yesterday != counts(client)


def test_32_a_search_may_be_incomplete_or_refused(sim: Simulator, client: Client) -> None:
    path = "/search/issues?q=repo:acme/lantern+is:issue&per_page=100"
    whole = client.get(path).json()
    sim.set_faults("search_incomplete")
    part = client.get(path).json()
    assert (whole["incomplete_results"], part["incomplete_results"]) == (False, True)
    assert part["total_count"] == whole["total_count"]
    assert 0 < len(part["items"]) < len(whole["items"])
    sim.set_faults("search_limit")
    refused = client.get(path)
    assert (refused.status_code, refused.headers["x-ratelimit-resource"]) == (403, "search")
    sim.set_faults(None)
    assert client.get(LANTERN).status_code == 200


def test_a_lasting_fault_is_the_same_for_every_request_of_every_day(sim: Simulator, client: Client) -> None:
    names = [repo["name"] for repo in client.get("/orgs/acme/repos?per_page=100").json()]

    def gone() -> set[str]:
        return {name for name in names if client.get(f"/repos/acme/{name}").status_code == 404}

    sim.set_faults("deleted=0.4")
    first = gone()
    sim.set_now(NOW + timedelta(days=30))
    assert gone() == first
    sim.set_now(NOW)
    assert 0 < len(first) < len(names)


def test_a_lasting_fault_may_be_of_one_day(sim: Simulator, client: Client) -> None:
    sim.set_faults("deleted@/repos/acme/lantern;day=2026-11-20")
    found: list[Any] = []
    for days in (-1, 0, 1):
        sim.set_now(NOW + timedelta(days=days))
        found.append(client.get(LANTERN).status_code)
    sim.set_now(NOW)
    assert found == [200, 404, 200]
