"""How the GraphQL API behaves: costs, limits of paging, partial answers, ids, and who may see what."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
import requests
from graphql import (
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_required_argument,
)

from oss_datastore.simulator import Simulator
from oss_datastore.simulator.node_ids import former_id, node_id, read_node_id
from oss_datastore_tests.simulator.conftest import NOW, WIDE, Client


def lantern(inside: str) -> str:
    """A query of one repository."""
    return f'{{repository(owner: "acme", name: "lantern"){{{inside}}}}}'


@pytest.fixture(scope="module")
def guarded() -> Iterator[Simulator]:
    tokens = {
        "owner": "owner",
        "member": "member",
        "outsider": "outsider",
        "app": "app",
        "fine": "fine-grained -issues -members",
    }
    with Simulator(now=NOW, tokens=tokens, limits=WIDE) as simulator:
        yield simulator


def error_types(answer: dict[str, Any]) -> list[str]:
    return [error["type"] for error in answer["errors"]]


# 25: requests and paging


def test_only_post_with_a_token_is_answered(sim: Simulator, client: Client) -> None:
    assert client.get("/graphql").status_code == 404
    body = {"query": "{viewer{login}}"}
    assert requests.post(sim.graphql_url, json=body, headers={"User-Agent": "x"}, timeout=9).status_code == 401
    headers = {"User-Agent": "x", "Authorization": "Bearer x"}
    assert requests.post(sim.graphql_url, data=b"{", headers=headers, timeout=9).status_code == 400


@pytest.mark.parametrize(
    "text", ["{viewer{", "{viewer{shoeSize}}", "{repository(owner: 1){id}}", "query A{viewer{id}} query B{viewer{id}}"]
)
def test_what_cannot_be_read_has_errors_and_no_data(client: Client, text: str) -> None:
    answer = client.query(text)
    assert "data" not in answer
    assert answer["errors"][0]["message"]


def test_a_connection_needs_a_boundary_unless_it_is_only_counted(client: Client) -> None:
    answer = client.query(lantern("issues{nodes{id}}"))
    assert error_types(answer) == ["MISSING_PAGINATION_BOUNDARIES"]
    assert answer["errors"][0]["path"] == ["repository", "issues"]
    assert answer["data"] is None
    counted = client.query(lantern("issues{totalCount}"))
    assert counted["data"]["repository"]["issues"]["totalCount"] > 50


def test_more_than_a_hundred_at_once_is_too_much(client: Client) -> None:
    answer = client.query("query($n: Int)" + lantern("issues(first: $n){nodes{id}}"), n=101)
    assert error_types(answer) == ["EXCESSIVE_PAGINATION"]
    assert "101" in answer["errors"][0]["message"]


def test_more_than_half_a_million_nodes_are_too_many(client: Client) -> None:
    text = """{organization(login: "acme"){repositories(first: 100){nodes{
      pullRequests(first: 100){nodes{reviews(first: 60){nodes{id}}}}}}}}"""
    answer = client.query(text)
    assert error_types(answer) == ["MAX_NODE_LIMIT_EXCEEDED"]
    assert "610,100" in answer["errors"][0]["message"]


def test_cursors_lead_through_the_whole_list_once(client: Client) -> None:
    text = "query($after: String)" + lantern("""
      pullRequests(first: 25, after: $after, orderBy: {field: UPDATED_AT, direction: DESC}){
        totalCount pageInfo{hasNextPage hasPreviousPage endCursor} nodes{number updatedAt}}""")
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = client.query(text, after=after)["data"]["repository"]["pullRequests"]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert len({node["number"] for node in found}) == len(found) == page["totalCount"]
    updated = [node["updatedAt"] for node in found]
    assert updated == sorted(updated, reverse=True)


def test_the_last_page_may_be_asked_for_from_the_end(client: Client) -> None:
    text = lantern("a: issues(last: 2){nodes{number}} b: issues(first: 100){nodes{number}} issues{totalCount}")
    data = client.query(text)["data"]["repository"]
    assert len(data["a"]["nodes"]) == 2
    if data["issues"]["totalCount"] <= 100:
        assert data["b"]["nodes"][-2:] == data["a"]["nodes"]


def test_a_wrong_cursor_is_an_error_at_its_path(client: Client) -> None:
    answer = client.query(lantern('name issues(first: 1, after: "x"){nodes{id}}'))
    assert error_types(answer) == ["INVALID_CURSOR_ARGUMENTS"]
    assert answer["errors"][0]["path"] == ["repository", "issues"]


# 26: costs


@pytest.mark.parametrize(
    ("text", "points", "nodes"),
    [
        ("{rateLimit{cost nodeCount} viewer{login}}", 1, 0),
        # GitHub's own example: repositories, issues and labels make 5,101 requests and 51 points.
        (
            """{rateLimit{cost nodeCount} organization(login: "acme"){repositories(first: 100){nodes{
              issues(first: 50){nodes{labels(first: 60){nodes{name}}}}}}}}""",
            51,
            100 + 5_000 + 300_000,
        ),
        (
            """{rateLimit{cost nodeCount} organization(login: "acme"){repositories(first: 100){nodes{
              issues{totalCount} pullRequests{totalCount} watchers{totalCount} releases{totalCount}}}}}""",
            4,
            100,
        ),
    ],
)
def test_costs_follow_the_documented_formula(client: Client, text: str, points: int, nodes: int) -> None:
    assert client.query(text)["data"]["rateLimit"] == {"cost": points, "nodeCount": nodes}


def test_the_budget_is_told_in_data_and_headers(sim: Simulator) -> None:
    client = Client(sim, token="budget")
    text = "{rateLimit{limit cost remaining used resetAt nodeCount}}"
    answer = client.session.post(sim.graphql_url, json={"query": text}, timeout=9)
    told = answer.json()["data"]["rateLimit"]
    assert answer.headers["x-ratelimit-resource"] == "graphql"
    assert int(answer.headers["x-ratelimit-remaining"]) == told["remaining"] == told["limit"] - 1
    assert client.get("/rate_limit").json()["resources"]["graphql"]["used"] == told["used"] == 1
    assert client.get("/rate_limit").json()["resources"]["core"]["used"] == 0


# 27: partial answers


def test_what_is_not_there_is_null_with_an_error_at_its_path(client: Client) -> None:
    answer = client.query(
        '{a: repository(owner: "acme", name: "none"){id} b: repository(owner: "acme", name: "lantern"){name}}'
    )
    assert answer["data"] == {"a": None, "b": {"name": "lantern"}}
    assert answer["errors"] == [
        {
            "type": "NOT_FOUND",
            "path": ["a"],
            "locations": [{"line": 1, "column": 2}],
            "message": "Could not resolve to a Repository with the name 'acme/none'.",
        }
    ]


def test_nodes_that_cannot_be_found_are_null_in_their_place(client: Client) -> None:
    known = node_id("R", 310_000_000)
    answer = client.query("query($ids: [ID!]!){nodes(ids: $ids){id}}", ids=[known, node_id("R", 1), "x"])
    assert answer["data"]["nodes"] == [{"id": known}, None, None]
    assert [(error["type"], error["path"]) for error in answer["errors"]] == [
        ("NOT_FOUND", ["nodes", 1]),
        ("NOT_FOUND", ["nodes", 2]),
    ]


def test_collaborators_are_null_and_forbidden_without_push_access(guarded: Simulator) -> None:
    text = lantern("name collaborators(first: 5){edges{permission}} vulnerabilityAlerts(first: 1){nodes{id}}")
    answer = Client(guarded, token="member").query(text)
    assert answer["data"]["repository"] == {"name": "lantern", "collaborators": None, "vulnerabilityAlerts": None}
    assert error_types(answer) == ["FORBIDDEN", "FORBIDDEN"]
    assert answer["errors"][0]["extensions"] == {"saml_failure": False}
    assert "errors" not in Client(guarded, token="owner").query(text)


def test_roles_and_second_factors_are_for_those_who_may_know(guarded: Simulator) -> None:
    text = """{organization(login: "acme"){viewerCanAdminister viewerIsAMember
      membersWithRole(first: 100){totalCount edges{role hasTwoFactorEnabled node{login}}}}}"""
    seen = {}
    for token in ("owner", "member", "outsider"):
        seen[token] = Client(guarded, token=token).query(text)["data"]["organization"]
    owner, member, outsider = (seen[token]["membersWithRole"] for token in ("owner", "member", "outsider"))
    assert {edge["hasTwoFactorEnabled"] for edge in owner["edges"]} == {True, False}
    assert {edge["hasTwoFactorEnabled"] for edge in member["edges"]} == {None}
    assert outsider["totalCount"] < member["totalCount"] == owner["totalCount"]
    assert [seen[token]["viewerCanAdminister"] for token in seen] == [True, False, False]
    assert [seen[token]["viewerIsAMember"] for token in seen] == [True, True, False]


def test_secret_and_private_things_are_hidden(guarded: Simulator) -> None:
    text = """{repository(owner: "acme", name: "ledger-ui"){id}
      organization(login: "acme"){repositories(first: 100){nodes{name}}}}"""
    answer = Client(guarded, token="outsider").query(text)
    assert answer["data"]["repository"] is None
    assert error_types(answer) == ["NOT_FOUND"]
    assert {"name": "ledger-ui"} not in answer["data"]["organization"]["repositories"]["nodes"]
    teams = Client(guarded, token="outsider").query('{organization(login: "acme"){name teams(first: 5){nodes{slug}}}}')
    assert error_types(teams) == ["FORBIDDEN"]


def test_a_missing_permission_leaves_null_at_its_path(guarded: Simulator) -> None:
    client = Client(guarded, token="fine")
    answer = client.query(lantern("name pullRequests(first: 1){totalCount} issues(first: 1){totalCount}"))
    assert answer["errors"][0]["message"] == "Resource not accessible by personal access token"
    assert answer["errors"][0]["path"] == ["repository", "issues"]
    assert error_types(client.query('{organization(login: "acme"){teams(first: 1){totalCount}}}')) == ["FORBIDDEN"]


# 14: renames


def test_renames_are_followed_unless_asked_not_to(client: Client) -> None:
    text = """{a: repository(owner: "acme", name: "compass-operator"){name}
      b: repository(owner: "acme", name: "compass-operator", followRenames: false){name}}"""
    answer = client.query(text)
    assert answer["data"]["a"]["name"] not in (None, "compass-operator")
    assert answer["data"]["b"] is None
    assert error_types(answer) == ["NOT_FOUND"]


# 16: the empty repository


def test_an_empty_repository_has_no_default_branch(client: Client) -> None:
    text = '{repository(owner: "acme", name: "anvil"){isEmpty defaultBranchRef{name} issues{totalCount}}}'
    assert client.query(text)["data"]["repository"] == {
        "isEmpty": True,
        "defaultBranchRef": None,
        "issues": {"totalCount": 0},
    }


# 29: ids


def test_node_ids_are_githubs_form() -> None:
    # The id of github.com/octocat/Hello-World, as published in GitHub's documentation of the new form.
    assert node_id("R", 1_296_269) == "R_kgDOABPHjQ"
    assert read_node_id("R_kgDOABPHjQ") == ("R", [1_296_269])
    # The same in the former form, which is understood for good.
    assert former_id("R_kgDOABPHjQ") == "MDEwOlJlcG9zaXRvcnkxMjk2MjY5"
    assert read_node_id("MDEwOlJlcG9zaXRvcnkxMjk2MjY5") == ("R", [1_296_269])
    assert read_node_id(node_id("PR", 310_000_000, 2**40)) == ("PR", [310_000_000, 2**40])
    cut = "R_" + base64.b64encode(b"\x93\x00\xce").decode()
    for wrong in ("", "R", "R_", "R_x", "MDQ6VXNlcjE", "MDU6VXNlcjE=", cut):
        assert read_node_id(wrong) is None


def test_large_ids_are_strings_and_the_old_field_is_null(client: Client) -> None:
    text = lantern("databaseId pullRequests(first: 3){nodes{id databaseId fullDatabaseId number}}")
    data = client.query(text)["data"]["repository"]
    assert data["databaseId"] == 310_000_000
    listed = {pull["number"]: pull for pull in client.pages("/repos/acme/lantern/pulls?state=all&per_page=100")}
    for node in data["pullRequests"]["nodes"]:
        assert node["databaseId"] is None
        assert node["fullDatabaseId"] == str(listed[node["number"]]["id"])
        assert node["id"] == listed[node["number"]]["node_id"]


def test_everything_with_an_id_is_found_by_it(client: Client) -> None:
    text = """{organization(login: "acme"){id teams(first: 2){nodes{id}} membersWithRole(first: 2){nodes{id}}}
      repository(owner: "acme", name: "lantern"){
        id issues(first: 2){nodes{id}} pullRequests(first: 2){nodes{id}}}}"""
    data = client.query(text)["data"]
    ids = [data["organization"]["id"], data["repository"]["id"]]
    for holder, names in (("organization", ("teams", "membersWithRole")), ("repository", ("issues", "pullRequests"))):
        ids += [node["id"] for name in names for node in data[holder][name]["nodes"]]
    answer = client.query("query($ids: [ID!]!){nodes(ids: $ids){__typename id}}", ids=ids)
    assert [node["id"] for node in answer["data"]["nodes"]] == ids
    assert {node["__typename"] for node in answer["data"]["nodes"]} == {
        "Organization",
        "Repository",
        "Team",
        "User",
        "Issue",
        "PullRequest",
    }


# both APIs tell the same story


def test_graphql_and_rest_agree(client: Client) -> None:
    text = """{organization(login: "acme"){repositories(first: 100){nodes{
      databaseId nameWithOwner stargazerCount forkCount isArchived isPrivate diskUsage createdAt pushedAt updatedAt
      issues(states: OPEN){totalCount} pullRequests(states: OPEN){totalCount}}}}}"""
    nodes = {n["databaseId"]: n for n in client.query(text)["data"]["organization"]["repositories"]["nodes"]}
    listed = {repo["id"]: repo for repo in client.get("/orgs/acme/repos?per_page=100").json()}
    assert nodes.keys() == listed.keys()
    for identity, node in nodes.items():
        repo = listed[identity]
        assert node == {
            "databaseId": repo["id"],
            "nameWithOwner": repo["full_name"],
            "stargazerCount": repo["stargazers_count"],
            "forkCount": repo["forks_count"],
            "isArchived": repo["archived"],
            "isPrivate": repo["private"],
            "diskUsage": repo["size"],
            "createdAt": repo["created_at"],
            "pushedAt": repo["pushed_at"],
            "updatedAt": repo["updated_at"],
            "issues": node["issues"],
            "pullRequests": node["pullRequests"],
        }
        assert node["issues"]["totalCount"] + node["pullRequests"]["totalCount"] == repo["open_issues_count"]


def test_both_apis_tell_the_same_of_a_person(client: Client) -> None:
    text = """{organization(login: "acme"){membersWithRole(first: 20){nodes{
      id databaseId login createdAt name email company location bio websiteUrl twitterUsername
      followers{totalCount} following{totalCount} publicGists: gists(privacy: PUBLIC){totalCount}
      publicRepositories: repositories(privacy: PUBLIC, ownerAffiliations: OWNER){totalCount}}}}}"""
    people = client.query(text)["data"]["organization"]["membersWithRole"]["nodes"]
    assert len(people) == 20
    for person in people:
        rest = client.get(f"/users/{person['login']}").json()
        told = {
            "login": rest["login"],
            "databaseId": rest["id"],
            "id": rest["node_id"],
            "name": rest["name"],
            "company": rest["company"],
            "location": rest["location"],
            "email": rest["email"] or "",
            "bio": rest["bio"],
            "websiteUrl": rest["blog"] or None,
            "twitterUsername": rest["twitter_username"],
            "createdAt": rest["created_at"],
            "followers": {"totalCount": rest["followers"]},
            "following": {"totalCount": rest["following"]},
            "publicRepositories": {"totalCount": rest["public_repos"]},
            "publicGists": {"totalCount": rest["public_gists"]},
        }
        assert {name: person[name] for name in told} == told


def test_pull_requests_tell_what_a_client_needs(client: Client) -> None:
    text = lantern("""pullRequests(first: 100, orderBy: {field: CREATED_AT, direction: DESC}){nodes{
      number state isDraft merged mergedBy{login} mergeCommit{oid} mergeable reviewDecision additions deletions
      author{__typename login ... on User{databaseId}} milestone{title dueOn} labels(first: 5){nodes{name}}
      reviewRequests(first: 5){nodes{requestedReviewer{__typename ... on User{login} ... on Team{slug}}}}
      latestReviews(first: 5){nodes{state submittedAt author{login}}}
      reviewThreads(first: 5){nodes{isResolved comments(last: 1){nodes{createdAt author{login}}}}}
      commits(last: 1){nodes{commit{oid committedDate}}} comments(last: 2){nodes{createdAt author{login}}}
      closingIssuesReferences(first: 2){nodes{number}}
      timelineItems(first: 20, itemTypes: [READY_FOR_REVIEW_EVENT, CONVERT_TO_DRAFT_EVENT, REVIEW_REQUESTED_EVENT]){
        nodes{__typename ... on ReadyForReviewEvent{createdAt} ... on ReviewRequestedEvent{
          createdAt requestedReviewer{... on User{login} ... on Team{slug}}}}}}}""")
    answer = client.query(text)
    assert "errors" not in answer
    pulls = answer["data"]["repository"]["pullRequests"]["nodes"]
    assert {pull["state"] for pull in pulls} == {"OPEN", "CLOSED", "MERGED"}
    assert all((pull["mergeCommit"] is not None) == pull["merged"] for pull in pulls)
    assert {None, "APPROVED"} <= {pull["reviewDecision"] for pull in pulls}
    assert {"User", "Bot"} <= {(pull["author"] or {}).get("__typename") for pull in pulls}
    asked = [node["requestedReviewer"] for pull in pulls for node in pull["reviewRequests"]["nodes"]]
    assert {reviewer["__typename"] for reviewer in asked} == {"User", "Team"}
    happened = {node["__typename"] for pull in pulls for node in pull["timelineItems"]["nodes"]}
    assert {"ReadyForReviewEvent", "ReviewRequestedEvent"} <= happened
    threads = [thread["isResolved"] for pull in pulls for thread in pull["reviewThreads"]["nodes"]]
    assert True in threads
    assert any(pull["closingIssuesReferences"]["nodes"] for pull in pulls)


def test_permissions_tell_where_they_come_from(client: Client) -> None:
    text = """{organization(login: "acme"){repositories(first: 100){nodes{collaborators(first: 100){edges{
      permission node{login} permissionSources{permission source{
        __typename ... on Organization{login} ... on Team{slug} ... on Repository{name}}}}}}}}}"""
    answer = client.query(text)
    assert "errors" not in answer
    edges = [
        edge
        for node in answer["data"]["organization"]["repositories"]["nodes"]
        for edge in node["collaborators"]["edges"]
    ]
    kinds = {source["source"]["__typename"] for edge in edges for source in edge["permissionSources"]}
    assert kinds == {"Organization", "Team", "Repository"}
    assert {edge["permission"] for edge in edges} >= {"READ", "WRITE", "ADMIN"}
    assert {source["permission"] for edge in edges for source in edge["permissionSources"]} <= {
        "READ",
        "WRITE",
        "ADMIN",
    }


UNREACHED = {"Enterprise", "EnterpriseUserAccount", "Mannequin", "ReopenedEvent"}
"""Who does not exist here, or is not reached by the shortest way."""


def answered(value: Any) -> set[str]:
    """The aliases that occur anywhere in an answer."""
    if isinstance(value, list):
        return set().union(*map(answered, value))
    if not isinstance(value, dict):
        return set()
    return set(value).union(*map(answered, value.values()))


def test_every_field_of_every_type_answers(client: Client) -> None:
    """Goes from the organisation and some repositories to every type there is, and asks each for all of its fields."""
    text = resources.files("oss_datastore.simulator.v4").joinpath("schema.graphql").read_text(encoding="utf-8")
    schema = build_schema(text)
    ways = {
        "Organization": '{organization(login: "acme"){%s}}',
        "Repository": lantern("%s"),
        "PullRequest": lantern("pullRequests(first: 100){nodes{%s}}"),
        "Issue": lantern("issues(first: 100){nodes{%s}}"),
        "RepositoryRuleset": lantern("rulesets(first: 20){nodes{%s}}"),
        "User": '{organization(login: "acme"){membersWithRole(first: 20){nodes{%s}}}}',
    }
    queue = list(ways)
    declared: set[str] = set()
    found: set[str] = set()
    while queue:
        kind = schema.get_type(queue.pop(0))
        assert isinstance(kind, GraphQLObjectType)
        parts = []
        for name, field in kind.fields.items():
            if any(is_required_argument(argument) for argument in field.args.values()):
                continue
            inner = get_named_type(field.type)
            alias = f"{kind.name}_{name}"
            declared.add(alias)
            call = f"{alias}: {name}" + ("(first: 20)" if inner.name.endswith("Connection") else "")
            parts.append(call if is_leaf_type(inner) else f"{call}{{__typename}}")
            if is_leaf_type(inner):
                continue
            for each in schema.get_possible_types(inner) if is_abstract_type(inner) else [inner]:
                if each.name not in ways:
                    ways[each.name] = ways[kind.name] % f"{call}{{... on {each.name}{{%s}}}}"
                    queue.append(each.name)
        own = {alias for alias in declared if alias.startswith(f"{kind.name}_")}
        for name in ("lantern", "tidepool", "mosaic-docs", "compass-operator"):
            if own <= found:
                break
            answer = client.query((ways[kind.name] % " ".join(parts)).replace('"lantern"', f'"{name}"'))
            assert "errors" not in answer, (kind.name, answer["errors"][:2])
            found |= answered(answer["data"]) & declared
    silent = {alias.partition("_")[0] for alias in declared - found}
    assert len(found) > 750
    assert silent <= UNREACHED
