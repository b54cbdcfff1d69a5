"""A query too heavy for GitHub is cut by fields: each part is valid, and nothing is lost between them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
    print_ast,
    validate,
)

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import GraphRequest
from oss_datastore.github.documents import (
    IDENTITY,
    document_text,
    packaged_document,
    part_name,
    pruned,
    splittable_fields,
)
from oss_datastore_tests.github.conftest import Make
from oss_datastore_tests.github.scripted import Scripted, Server

LISTS = """
query Lists($owner: String!, $size: Int!, $after: String, $states: [State!], $bodies: Boolean!) {
  rateLimit { cost }
  repository(owner: $owner) {
    databaseId
    issues(first: $size, after: $after) {
      pageInfo { endCursor }
      totalCount
      nodes {
        id
        title
        state
        author { ...Who }
        label: firstLabel { name }
        body @include(if: $bodies)
        few: comments(first: 5) { nodes { text } }
        many: comments(first: 50, states: $states) { nodes { text author { ...Who } } }
        open: comments(states: $states) { totalCount }
        updatedAt
      }
    }
    last: issues(first: 1) { nodes { author { ...Who } } }
  }
}
fragment Who on Actor { login ...Number }
fragment Number on Actor { databaseId }
"""

EDGES = """
query Edges($org: String!) {
  organization(login: $org) {
    members(first: 100) { edges { role hasTwoFactorEnabled node { __typename login ...Person } } }
    steward { ...Person }
  }
}
fragment Person on User { databaseId name status { emoji } }
"""

BATCH = """
query Batch($ids: [ID!]!, $first: Int!, $assets: Int!) {
  nodes(ids: $ids) {
    __typename
    ... on Repository {
      id
      databaseId
      labels(first: $first) { nodes { name } }
      releases(first: $first) { nodes { tagName assets(first: $assets) { nodes { name } } } }
    }
  }
}
"""


def paths(text: str) -> set[str]:
    """Everything a document asks for: the way to each plain field, with the fragments it lies in."""
    document = parse(text)
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}

    def below(selections: SelectionSetNode, way: str) -> Iterator[str]:
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                yield from below(fragments[node.name.value].selection_set, way)
            elif isinstance(node, InlineFragmentNode):
                yield from below(node.selection_set, way)
            elif isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                if node.selection_set is None:
                    yield f"{way}.{name}"
                else:
                    yield from below(node.selection_set, f"{way}.{name}")

    return {
        way
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
        for way in below(node.selection_set, "")
    }


def tidy(text: str) -> str:
    return print_ast(parse(text)) + "\n"


def test_the_heaviest_come_first_and_the_short_ones_together() -> None:
    assert splittable_fields(LISTS, "repository.issues") == (
        "many",
        "few",
        "open",
        "author",
        "label",
        "body",
        "*",
    )
    assert splittable_fields(BATCH, "nodes") == ("releases", "labels")
    assert splittable_fields(EDGES, "organization.members") == ("status", "*")


def test_a_part_holds_only_its_fields_and_what_says_which_item_it_is() -> None:
    assert pruned(LISTS, "repository.issues", ["label", "few"]) == tidy(
        """
        query Lists($owner: String!, $size: Int!, $after: String) {
          rateLimit { cost }
          repository(owner: $owner) {
            databaseId
            issues(first: $size, after: $after) {
              pageInfo { endCursor }
              totalCount
              nodes {
                id
                label: firstLabel { name }
                few: comments(first: 5) { nodes { text } }
                updatedAt
              }
            }
            last: issues(first: 1) { nodes { author { ...Who } } }
          }
        }
        fragment Who on Actor { login ...Number }
        fragment Number on Actor { databaseId }
        """
    )


def test_what_is_said_of_the_edge_is_cut_as_well_and_a_fragment_is_opened_where_it_is_cut() -> None:
    assert pruned(EDGES, "organization.members", ["status"]) == tidy(
        """
        query Edges($org: String!) {
          organization(login: $org) {
            members(first: 100) { edges { node { __typename ... on User { databaseId status { emoji } } } } }
            steward { ...Person }
          }
        }
        fragment Person on User { databaseId name status { emoji } }
        """
    )
    members = ".organization.members."
    assert {way for way in paths(pruned(EDGES, "organization.members", ["role"])) if way.startswith(members)} == {
        f"{members}edges.{way}" for way in ("role", "node.__typename", "node.databaseId")
    }


def test_a_batch_is_cut_within_its_nodes() -> None:
    part = pruned(BATCH, "nodes", ["labels"])
    assert paths(part) == {".nodes.__typename", ".nodes.id", ".nodes.databaseId", ".nodes.labels.nodes.name"}
    assert "$assets" not in part


def test_an_item_that_says_nothing_of_itself_keeps_its_type() -> None:
    part = pruned("{ a(first: 9) { nodes { x { y } ... on B { z } } edges { node { z } } } }", "a", ["x"])
    assert paths(part) == {".a.nodes.x.y", ".a.edges.node.__typename"}


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="the items of nodes have no stars"):
        pruned(BATCH, "nodes", ["labels", "stars"])
    with pytest.raises(ValueError, match="the query Batch has no list repository"):
        splittable_fields(BATCH, "repository")


@cache
def schema() -> GraphQLSchema:
    return build_schema(
        resources.files("oss_datastore.simulator.v4").joinpath("schema.graphql").read_text(encoding="utf-8")
    )


def lists() -> list[tuple[str, str]]:
    """Every document of the catalogue with its list."""
    requests = [r for found in ANSWER_SETS.values() for r in found.requests if isinstance(r, GraphRequest)]
    own = {(request.document, request.connection) for request in requests}
    return sorted(own | {(p.overflow, f"node.{p.inner}") for r in requests for p in r.parts if p.overflow})


@pytest.mark.parametrize(("document", "connection"), lists())
def test_the_parts_of_every_query_are_valid_and_together_the_whole(document: str, connection: str) -> None:
    whole = packaged_document(document)
    waiting = [splittable_fields(whole, connection)]
    seen = 0
    while waiting:
        fields = waiting.pop()
        if len(fields) < 2:
            continue
        halves = fields[: len(fields) // 2], fields[len(fields) // 2 :]
        texts = [document_text(part_name(document, connection, half)) for half in halves]
        for half, text in zip(halves, texts, strict=True):
            assert validate(schema(), parse(text)) == []
            assert splittable_fields(text, connection) == half
        one, other = map(paths, texts)
        everything = paths(document_text(part_name(document, connection, fields)))
        assert one | other == everything
        base = "." + connection
        for way in one & other:
            steps = [step for step in way.removeprefix(base + ".").split(".") if step not in ("nodes", "edges", "node")]
            assert not way.startswith(base + ".") or steps[0] in IDENTITY | {"pageInfo", "totalCount"}
        waiting += halves
        seen += 1
    assert paths(document_text(part_name(document, connection, splittable_fields(whole, connection)))) == paths(whole)
    assert seen == max(0, len(splittable_fields(whole, connection)) - 1)


def test_a_part_of_a_part_is_a_part_of_the_whole() -> None:
    name = part_name(part_name("pull_requests", "a.b", ["x", "y"]), "a.b", ["y"])
    assert name == "pull_requests#a.b:y"


def test_a_part_is_asked_for_by_its_name_with_the_variables_it_still_has(server: Server, make: Make) -> None:
    github = make(documents={"batch": BATCH}.__getitem__)
    server.script(Scripted({"data": {"nodes": []}}))
    assert github.splittable("batch", "nodes") == ("releases", "labels")
    part = github.split("batch", "nodes", ["labels"])
    assert github.splittable(part, "nodes") == ("labels",)
    answer = github.query(part, {"ids": ["R_1"], "first": 10, "assets": 5})
    assert answer.request.query == part == "batch#nodes:labels"
    assert server.received[0].json["variables"] == {"ids": ["R_1"], "first": 10}
    assert "releases" not in server.received[0].json["query"]
    with pytest.raises(ValueError, match="have no stars"):
        github.split("batch", "nodes", ["stars"])
