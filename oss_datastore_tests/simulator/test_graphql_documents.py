"""Every query of the product is answered by the simulator: whole for an owner, with data in it, at a price known."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from oss_datastore.simulator import Simulator
from oss_datastore_tests.simulator.conftest import NOW, WIDE, Client

DOCUMENTS = {
    path.name.removesuffix(".graphql"): path.read_text(encoding="utf-8")
    for path in sorted(
        resources.files("oss_datastore.catalogue").joinpath("queries").iterdir(), key=lambda path: path.name
    )
    if path.name.endswith(".graphql")
}
OF_PULLS = ("pull_request_commits", "pull_request_reviews", "review_requests")


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(now=NOW, limits=WIDE, tokens={"owner": "owner", "member": "member"}) as simulator:
        yield simulator


@cache
def known(client: Client) -> dict[str, Any]:
    """Names and ids of the world to ask for."""
    text = """{organization(login: "acme"){
      repositories(first: 100){nodes{id name releases(first: 1){nodes{id}}}}
      membersWithRole(first: 20){nodes{id}} teams(first: 20){nodes{id}}}
      repository(owner: "acme", name: "lantern"){pullRequests(first: 100){nodes{
        id commits{totalCount} reviews{totalCount} reviewRequests{totalCount}}}}}"""
    answer = client.query(text)
    assert "errors" not in answer
    found: dict[str, Any] = answer["data"]
    return found


def variables(name: str, client: Client) -> dict[str, Any]:
    """Values for the variables of a document, such that there is something to be found."""
    world = known(client)
    repositories = world["organization"]["repositories"]["nodes"]
    pulls = world["repository"]["pullRequests"]["nodes"]
    lists = {"pull_request_commits": "commits", "pull_request_reviews": "reviews", "review_requests": "reviewRequests"}
    wanted = "lantern" if name == "branch_rules_of_one" else "mosaic-docs"
    one = next(each["id"] for each in repositories if each["name"] == wanted)
    if name.startswith("team_"):
        one = world["organization"]["teams"]["nodes"][0]["id"]
    elif name in OF_PULLS:
        one = next(each["id"] for each in pulls if each[lists[name]]["totalCount"])
    elif name == "release_assets_of_one":
        one = next(each["releases"]["nodes"][0]["id"] for each in repositories if each["name"] == "lantern")
    people = [each["id"] for each in world["organization"]["membersWithRole"]["nodes"]]
    return {
        "org": "acme",
        "owner": "acme",
        "name": "lantern",
        "id": one,
        "ids": people if name == "users" else [each["id"] for each in repositories],
        "first": 10,
        "after": None,
        "since": None,
        "affiliation": "ALL",
    }


def asked(name: str, client: Client, **other: Any) -> dict[str, Any]:
    """The answer to a document."""
    text = DOCUMENTS[name]
    operation = next(node for node in parse(text).definitions if isinstance(node, OperationDefinitionNode))
    wanted = {definition.variable.name.value for definition in operation.variable_definitions or ()}
    given = {**variables(name, client), **other}
    assert wanted <= given.keys()
    return client.query(text, **{each: given[each] for each in wanted})


def filled(value: Any) -> int:
    """How many lists in an answer have something in them."""
    if isinstance(value, dict):
        own = sum(bool(value[name]) for name in ("nodes", "edges") if isinstance(value.get(name), list))
        return own + sum(map(filled, value.values()))
    return sum(map(filled, value)) if isinstance(value, list) else 0


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_answered_whole_and_with_something_in_it(client: Client, name: str) -> None:
    answer = asked(name, client)
    assert "errors" not in answer
    data = answer["data"]
    assert data["rateLimit"]["cost"] >= 1
    root = next((value for each, value in data.items() if each != "rateLimit"), None)
    if name in ("rate_limit", "users"):
        assert root is None or all(each["login"] for each in root)
    else:
        assert filled(data)
        assert None not in (root if isinstance(root, list) else [root])


def columns(value: Any, path: str = "") -> dict[str, set[Any]]:
    """Every leaf of an answer by its path, with the values it took."""
    found: dict[str, set[Any]] = {}
    parts = value.items() if isinstance(value, dict) else (("", each) for each in value)
    for name, inner in parts:
        here = f"{path}.{name}" if name else path
        if isinstance(inner, dict | list):
            for deeper, values in columns(inner, here).items():
                found.setdefault(deeper, set()).update(values)
        else:
            found.setdefault(here, set()).add(inner)
    return found


def seen(answer: dict[str, Any], path: str) -> set[Any]:
    """The values of all leaves whose path ends like this."""
    told = columns(answer["data"])
    return set().union(*(values for each, values in told.items() if each.endswith(f".{path}")))


@pytest.mark.parametrize(
    ("name", "path", "values"),
    [
        ("repository_shelf", "labels.nodes.isDefault", {True, False}),
        ("repository_shelf", "milestones.nodes.state", {"OPEN", "CLOSED"}),
        ("repository_shelf", "languages.edges.node.name", {"Python", "Shell"}),
        ("repository_releases", "releases.nodes.isDraft", {True, False}),
        ("repository_releases", "releases.nodes.isPrerelease", {True, False}),
        ("repository_commits", "history.nodes.author.user", {None}),
        ("repository_commits", "history.nodes.signature.isValid", {True}),
        ("repository_commits", "defaultBranchRef", {None}),
        ("repository_discussions", "discussions.nodes.isAnswered", {True, False, None}),
        ("repository_discussions", "discussions.nodes.closed", {True, False}),
        ("repository_rules", "branchProtectionRules.nodes.isAdminEnforced", {True}),
        ("repository_rules", "rulesets.nodes.source.__typename", {"Repository", "Organization"}),
        ("repository_rules", "rulesets.nodes.enforcement", {"ACTIVE"}),
        ("repository_deploy_keys", "deployKeys.nodes.readOnly", {True, False}),
        ("projects", "projectsV2.nodes.public", {True, False}),
        ("users", "company", {"@acme"}),
    ],
)
def test_what_a_client_must_tell_apart_occurs(client: Client, name: str, path: str, values: set[Any]) -> None:
    assert seen(asked(name, client, first=50), path) >= values


def test_a_batch_costs_its_ids_times_what_is_asked_of_each(client: Client) -> None:
    # Labels, milestones and languages of each of 12 repositories: 36 requests; of 100 they would be 300.
    ids = variables("repository_shelf", client)["ids"]
    assert len(ids) == 12
    assert asked("repository_shelf", client)["data"]["rateLimit"]["cost"] == 1
    many = asked("repository_shelf", client, ids=(ids * 9)[:100])
    assert many["data"]["rateLimit"]["cost"] == 3
    assert len(many["data"]["nodes"]) == 100


def test_overflow_goes_on_where_the_batch_ended(client: Client) -> None:
    batch = asked("repository_stargazers", client, first=30)["data"]["nodes"]
    lantern = next(node for node in batch if node["stargazers"]["totalCount"] > 1_000)
    found, page = [], lantern["stargazers"]
    for _ in range(3):
        found += page["edges"]
        after = page["pageInfo"]["endCursor"]
        answer = asked("stargazers_of_one", client, id=lantern["id"], first=30, after=after)
        page = answer["data"]["node"]["stargazers"]
    assert len({edge["node"]["databaseId"] for edge in found}) == 90
    moments = [edge["starredAt"] for edge in found]
    assert moments == sorted(moments, reverse=True)


def test_a_member_without_rights_gets_errors_where_owners_get_rules_and_keys(sim: Simulator) -> None:
    member = Client(sim, token="member")
    for name in ("repository_rules", "repository_deploy_keys"):
        answer = asked(name, member)
        assert set(answer["data"]["nodes"]) == {None}
        assert {error["type"] for error in answer["errors"]} == {"FORBIDDEN"}
    stars = asked("repository_stargazers", member)["data"]["nodes"]
    assert {len(node["stargazers"]["edges"]) for node in stars} == {0}
    assert sum(node["stargazers"]["totalCount"] for node in stars) > 5_000
    assert seen(asked("repository_releases", member, first=50), "releases.nodes.isDraft") == {False}


def test_commits_since_a_moment_are_those_committed_later(client: Client) -> None:
    def dates(since: str | None) -> list[str]:
        nodes = asked("repository_commits", client, first=100, since=since)["data"]["nodes"]
        branches = [node["defaultBranchRef"] for node in nodes if node["defaultBranchRef"]]
        return [each["committedDate"] for branch in branches for each in branch["target"]["history"]["nodes"]]

    since = "2026-11-10T00:00:00Z"
    later = dates(since)
    assert later
    assert min(later) >= since > min(dates(None))
