"""The awkward sides of the GraphQL API, each switched on by a fault, and the same for whoever asks again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from oss_datastore.simulator import Simulator
from oss_datastore.simulator.faults import KINDS
from oss_datastore.simulator.node_ids import node_id, read_node_id
from oss_datastore_tests.simulator.conftest import NOW, Client

LANTERN, TIDEPOOL = node_id("R", 310_000_000), node_id("R", 310_000_977)
TWO = "query Two($ids: [ID!]!){rateLimit{cost} nodes(ids: $ids){... on Repository{%s}}}"

Asking = Callable[..., dict[str, Any]]


@pytest.fixture
def asking(sim: Simulator) -> Iterator[Asking]:
    """Asks for lantern and tidepool by id while a fault is declared."""

    def ask(fault: str, inside: str = "name", **more: Any) -> dict[str, Any]:
        sim.set_faults(fault)
        return Client(sim, token=fault).query(TWO % inside, ids=[LANTERN, TIDEPOOL], **more)

    yield ask
    sim.set_faults(None)


def post(sim: Simulator, fault: str, text: str = "query Small{viewer{login}}") -> requests.Response:
    sim.set_faults(fault)
    try:
        return Client(sim, token=fault).session.post(sim.graphql_url, json={"query": text}, timeout=20)
    finally:
        sim.set_faults(None)


def types(answer: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    return [(error["type"], error["path"]) for error in answer["errors"]]


# 13: who has starred and who watches


@pytest.mark.parametrize("fault", ["star_list_hidden", "star_list_forbidden"])
def test_hidden_star_lists_are_empty_and_counted_right(asking: Asking, fault: str) -> None:
    inside = "stargazerCount stargazers(first: 9){totalCount edges{starredAt}} watchers(first: 9){totalCount nodes{id}}"
    shown, hidden = asking(f"{fault}@/repos/acme/tidepool", inside)["data"]["nodes"]
    assert len(shown["stargazers"]["edges"]) == 9
    assert hidden["stargazers"] == {"totalCount": hidden["stargazerCount"], "edges": []}
    assert hidden["watchers"]["nodes"] == []
    assert hidden["watchers"]["totalCount"] > 0


# 14 and 15: moved, deleted


def test_a_deleted_repository_is_named_by_lists_and_not_found_by_id(asking: Asking, sim: Simulator) -> None:
    answer = asking("deleted@/repos/acme/tidepool")
    assert answer["data"]["nodes"] == [{"name": "lantern"}, None]
    assert types(answer) == [("NOT_FOUND", ["nodes", 1])]
    text = '{organization(login: "acme"){repositories(first: 3){totalCount nodes{name}}}}'
    listed = Client(sim).query(text)["data"]["organization"]["repositories"]
    assert listed["totalCount"] == 12
    assert listed["nodes"][1] is None


def test_ids_stay_through_renames(sim: Simulator) -> None:
    text = '{repository(owner: "acme", name: "compass-operator"){id databaseId name}}'
    found = []
    for moment in (NOW, NOW - timedelta(days=300)):
        sim.set_now(moment)
        found.append(Client(sim).query(text)["data"]["repository"])
    sim.set_now(NOW)
    later, earlier = found
    assert later["name"] != earlier["name"]
    assert (later["id"], later["databaseId"]) == (earlier["id"], earlier["databaseId"])


def test_what_has_moved_is_found_unless_moves_are_not_to_be_followed(sim: Simulator) -> None:
    sim.set_faults("moved@/repos/acme/tidepool")
    text = """{a: repository(owner: "acme", name: "tidepool"){name}
      b: repository(owner: "acme", name: "tidepool", followRenames: false){name}}"""
    answer = Client(sim).query(text)
    sim.set_faults(None)
    assert answer["data"] == {"a": {"name": "tidepool"}, "b": None}
    assert types(answer) == [("NOT_FOUND", ["b"])]


# 16: no commits


def test_a_repository_emptied_by_a_fault_has_no_default_branch(asking: Asking) -> None:
    inside = "isEmpty defaultBranchRef{name} languages(first: 1){totalCount} issues{totalCount}"
    shown, empty = asking("empty_repository@/repos/acme/tidepool", inside)["data"]["nodes"]
    assert shown["defaultBranchRef"] == {"name": "main"}
    assert (empty["isEmpty"], empty["defaultBranchRef"], empty["languages"]) == (True, None, {"totalCount": 0})
    assert empty["issues"]["totalCount"] > 0


# 17 and 18: switched off, gone, without an id


def test_lists_that_are_switched_off_are_empty(asking: Asking) -> None:
    inside = "hasIssuesEnabled issues{totalCount} pullRequests{totalCount}"
    shown, off = asking("issues_disabled@*/tidepool", inside)["data"]["nodes"]
    assert shown["hasIssuesEnabled"]
    assert off == {"hasIssuesEnabled": False, "issues": {"totalCount": 0}, "pullRequests": off["pullRequests"]}
    assert off["pullRequests"]["totalCount"] > 0
    assert asking("pull_requests_disabled@*/tidepool", inside)["data"]["nodes"][1]["pullRequests"]["totalCount"] == 0


def test_an_old_since_is_ignored_by_a_server_that_does_not_care(asking: Asking) -> None:
    history = "defaultBranchRef{target{... on Commit{history(first: 1, since: %s){totalCount}}}}"
    inside = history % '"2026-11-19T00:00:00Z"'
    few, many = (
        asking(fault, inside)["data"]["nodes"][0]["defaultBranchRef"]["target"]["history"]["totalCount"]
        for fault in ("", "since_ignored@/graphql/Two")
    )
    assert few < 20
    assert many > 1_000


# 19: authors that are nobody


def test_ghosts_leave_null_where_an_author_was(asking: Asking) -> None:
    inside = """issues(first: 5){nodes{author{login}}} pullRequests(first: 5){nodes{author{login} reviews(first: 3){
      nodes{author{login}}}}} defaultBranchRef{target{... on Commit{history(first: 5){nodes{
      author{name user{login}} committer{user{login}}}}}}}"""
    for repository in asking("ghost_authors", inside)["data"]["nodes"]:
        assert {str(node["author"]) for node in repository["issues"]["nodes"]} == {"None"}
        assert {str(node["author"]) for node in repository["pullRequests"]["nodes"]} == {"None"}
        commits = repository["defaultBranchRef"]["target"]["history"]["nodes"]
        assert all(commit["author"]["name"] and commit["author"]["user"] is None for commit in commits)
    inside = "issues(first: 100){nodes{number author{login}}}"
    whole = asking("", inside)["data"]["nodes"][0]["issues"]["nodes"]
    one = next(node["number"] for node in whole if node["author"])
    gone = asking(f"ghost_authors@/repos/acme/lantern/issues/{one}", inside)["data"]["nodes"][0]["issues"]["nodes"]
    assert [a["number"] for a, b in zip(whole, gone, strict=True) if a != b] == [one]


# 22: members who conceal themselves


def test_members_who_conceal_themselves_are_left_out_without_an_error(sim: Simulator) -> None:
    text = '{organization(login: "acme"){membersWithRole(first: 100){totalCount edges{role}}}}'
    whole = Client(sim).query(text)
    sim.set_faults("members_hidden@/orgs/acme")
    short = Client(sim).query(text)
    sim.set_faults(None)
    assert "errors" not in short
    counts = [answer["data"]["organization"]["membersWithRole"]["totalCount"] for answer in (whole, short)]
    assert 0 < counts[1] < counts[0]


# 25 and 26: refused, and out of budget


@pytest.mark.parametrize(
    ("fault", "kind", "has_data"),
    [("graphql_invalid", None, False), ("graphql_node_limit", "MAX_NODE_LIMIT_EXCEEDED", True)],
)
def test_a_refused_query_has_status_200_and_errors(
    sim: Simulator, fault: str, kind: str | None, has_data: bool
) -> None:
    answer = post(sim, fault)
    assert answer.status_code == 200
    assert answer.json()["errors"][0].get("type") == kind
    assert ("data" in answer.json()) is has_data
    assert answer.json().get("data") is None


def test_the_two_spellings_of_an_empty_budget_take_turns(sim: Simulator) -> None:
    seen = [post(sim, f"graphql_rate_limit@*{turn}*") for turn in ("Small", "Sma")]
    assert {answer.status_code for answer in seen} == {200}
    assert {answer.json()["errors"][0]["type"] for answer in seen} == {"RATE_LIMITED", "RATE_LIMIT"}
    assert {answer.headers["x-ratelimit-remaining"] for answer in seen} == {"0"}


def test_the_secondary_limit_may_come_with_status_200_and_punishes_who_goes_on(sim: Simulator) -> None:
    answer = post(sim, "graphql_secondary_limit")
    assert answer.status_code == 200
    assert "secondary rate limit" in answer.json()["errors"][0]["message"]
    assert int(answer.headers["retry-after"]) > 0
    again = Client(sim, token="graphql_secondary_limit").query("{viewer{login}}")
    assert "secondary rate limit" in again["message"]


# 27: partial answers


def test_nulls_without_errors_and_errors_beside_nulls(asking: Asking) -> None:
    answer = asking("graphql_null_nodes@/repos/acme/tidepool")
    assert "errors" not in answer
    assert answer["data"]["nodes"] == [{"name": "lantern"}, None]
    answer = asking("graphql_forbidden@/repos/acme/tidepool")
    assert answer["data"]["nodes"] == [{"name": "lantern"}, None]
    assert types(answer) == [("FORBIDDEN", ["nodes", 1])]
    assert answer["errors"][0]["extensions"] == {"saml_failure": True}
    answer = asking("graphql_node_error@/repos/acme/lantern")
    assert answer["data"]["nodes"] == [None, {"name": "tidepool"}]
    assert types(answer) == [("SERVICE_UNAVAILABLE", ["nodes", 0])]


def test_resource_limits_cut_a_batch_in_the_middle(asking: Asking) -> None:
    answer = asking("graphql_resource_limits@/graphql/Two*")
    assert answer["data"] == {"rateLimit": {"cost": 1}, "nodes": [{"name": "lantern"}, None]}
    assert types(answer) == [("RESOURCE_LIMITS_EXCEEDED", ["nodes", 1])]


# 28: timeouts


@pytest.mark.parametrize(("fault", "status"), [("graphql_timeout", 502), ("graphql_timeout_200", 200)])
def test_a_timeout_has_githubs_words_and_costs_points(sim: Simulator, fault: str, status: int) -> None:
    answer = post(sim, fault)
    assert answer.status_code == status
    assert answer.json()["data"] is None
    assert "Something went wrong while executing your query" in answer.json()["errors"][0]["message"]
    assert int(answer.headers["x-ratelimit-used"]) >= 10


# 29: ids


def test_former_ids_are_given_and_both_forms_are_understood(asking: Asking, sim: Simulator) -> None:
    inside = "id databaseId owner{id} pullRequests(first: 1){nodes{id number}}"
    new, old = (asking(fault, inside)["data"]["nodes"][0] for fault in ("", "former_node_ids"))
    assert old["id"] != new["id"]
    assert old["databaseId"] == new["databaseId"]
    assert read_node_id(old["id"]) == read_node_id(new["id"]) == ("R", [310_000_000])
    pulls = [each["pullRequests"]["nodes"][0]["id"] for each in (new, old)]
    sim.set_faults(None)
    answer = Client(sim).query("query($ids: [ID!]!){nodes(ids: $ids){... on PullRequest{number}}}", ids=pulls)
    number = new["pullRequests"]["nodes"][0]["number"]
    assert answer["data"]["nodes"] == [{"number": number}] * 2


# 31: counters


def test_counts_may_lag_a_day_behind_and_downloads_begin_anew(asking: Asking) -> None:
    inside = """stargazerCount stargazers(first: 1){totalCount}
      releases(first: 50){nodes{releaseAssets(first: 9){nodes{downloadCount}}}}"""
    now, stale = (asking(fault, inside)["data"]["nodes"][0] for fault in ("", "counts_stale"))
    assert 0 < now["stargazerCount"] - stale["stargazerCount"] < 60
    assert stale["stargazers"]["totalCount"] == stale["stargazerCount"]

    def downloads(answer: dict[str, Any]) -> int:
        assets = [asset for each in answer["releases"]["nodes"] for asset in each["releaseAssets"]["nodes"]]
        return sum(asset["downloadCount"] for asset in assets)

    anew = asking("download_reset", inside)["data"]["nodes"][0]
    assert downloads(anew) < downloads(now) / 5


def test_what_fails_for_good_fails_alike_on_every_attempt(asking: Asking) -> None:
    inside = "stargazers(first: 3){edges{starredAt}}"
    first = asking("star_list_hidden=0.5,ghost_authors=0.5", inside)["data"]
    assert all(asking("star_list_hidden=0.5,ghost_authors=0.5", inside)["data"] == first for _ in range(3))


def test_every_fault_of_the_graphql_kind_is_shown_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in KINDS if name.startswith("graphql_") and name not in source] == []
