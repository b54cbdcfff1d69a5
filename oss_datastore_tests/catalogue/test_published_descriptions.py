"""What the catalogue asks for exists: every query, path, parameter and column is found in what GitHub publishes.

GitHub's GraphQL schema and OpenAPI description lie beside the project; where they are absent the tests that need them
are skipped. Paths that the kept part of the description leaves out are looked up in githubkit's client, which is
generated from the whole of it.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

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
    validate,
)
from graphql import parse as parse_document

from oss_datastore.catalogue import ANSWER_SET_OF, ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import GraphPart, GraphRequest, RestRequest, Table

REFERENCE = Path(__file__).resolve().parents[2] / "../shared/reference"
SCHEMA = REFERENCE / "github-public-schema.graphql"
DESCRIPTIONS = {"2022-11-28": "openapi-subset.json", "2026-03-10": "openapi-subset-2026-03-10.json"}
QUERIES = Path(__file__).resolve().parents[2] / "oss_datastore/catalogue/queries"
DOCUMENTS = sorted(path.stem for path in QUERIES.glob("*.graphql"))
OF_THE_CLIENT = {"rate_limit"}
"""Documents that are asked for on no dataset's behalf."""


def graph_requests() -> list[GraphRequest]:
    return [r for s in ANSWER_SETS.values() for r in s.requests if isinstance(r, GraphRequest)]


def rest_requests() -> list[RestRequest]:
    outer = [r for s in ANSWER_SETS.values() for r in s.requests if isinstance(r, RestRequest)]
    return [*outer, *(inner for request in outer for inner in request.per_item)]


def documents_of(request: GraphRequest) -> set[str]:
    inner = {name for part in request.parts for name in (part.overflow, part.nested_overflow) if name}
    return {request.document} | inner


# GraphQL: reading a document


@cache
def schema() -> GraphQLSchema:
    if not SCHEMA.is_file():
        pytest.skip("GitHub's published GraphQL schema is not beside the project")
    # GitHub publishes one field twice, so the schema as such is not valid.
    return build_schema(SCHEMA.read_text(encoding="utf-8"), assume_valid_sdl=True, assume_valid=True)


class Document:
    """A document by the names its fields have in the answer."""

    def __init__(self, name: str) -> None:
        self.tree = parse_document((QUERIES / f"{name}.graphql").read_text(encoding="utf-8"))
        definitions = self.tree.definitions
        self.fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        (self.operation,) = (d for d in definitions if isinstance(d, OperationDefinitionNode))

    @property
    def variables(self) -> set[str]:
        return {v.variable.name.value for v in self.operation.variable_definitions or ()}

    def at(self, path: str) -> list[FieldNode]:
        """Every field at a dotted path of the answer; positions in lists are passed over."""
        level = [self.operation.selection_set]
        found: list[FieldNode] = []
        for step in (s for s in path.split(".") if s and not s.isdigit()):
            found = [f for s in level for f in self.fields(s) if (f.alias or f.name).value == step]
            level = [f.selection_set for f in found if f.selection_set]
        return found

    def has(self, *paths: str) -> bool:
        return bool(self.at(".".join(p for p in paths if p)))

    def has_pages(self, connection: str) -> bool:
        return self.has(connection, "pageInfo.hasNextPage") and self.has(connection, "pageInfo.endCursor")

    def listed(self, connection: str) -> str:
        """The path of a connection's items."""
        lists = [name for name in ("nodes", "edges") if self.has(connection, name)]
        assert len(lists) == 1, f"{connection} must ask for nodes or edges, and not for both"
        return f"{connection}.{lists[0]}"

    def fields(self, selections: SelectionSetNode) -> Iterator[FieldNode]:
        """The fields of a selection, those of its fragments among them."""
        for selection in selections.selections:
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self.fields(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode):
                yield from self.fields(self.fragments[selection.name.value].selection_set)


@cache
def document(name: str) -> Document:
    return Document(name)


def items_of(request: GraphRequest) -> str:
    """The path of what a part speaks of: the nodes of a batch, else the items of the connection."""
    return request.connection if request.batch else document(request.document).listed(request.connection)


def records_of(request: GraphRequest, part: GraphPart) -> str:
    """The path of the items that the parser is given."""
    return f"{items_of(request)}.{part.path}" if part.path else items_of(request)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_githubs_published_schema_allows_every_query(name: str) -> None:
    assert [error.message for error in validate(schema(), document(name).tree)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_query_asks_what_it_costs_first(name: str) -> None:
    first = document(name).operation.selection_set.selections[0]
    assert isinstance(first, FieldNode)
    assert first.name.value == "rateLimit"
    assert all(document(name).has("rateLimit", f) for f in ("limit", "cost", "remaining", "used", "resetAt"))


def test_every_document_is_asked_for_by_some_request_and_every_asked_document_is_there() -> None:
    asked = {name for request in graph_requests() for name in documents_of(request)}
    assert asked | OF_THE_CLIENT == set(DOCUMENTS)


@pytest.mark.parametrize("request_", graph_requests(), ids=lambda r: r.document)
def test_a_request_and_its_document_speak_of_the_same_lists(request_: GraphRequest) -> None:
    asked = document(request_.document)
    assert asked.has(request_.connection)
    since = {request_.since} if request_.since else set()
    if request_.batch:
        lists = {"first"} if any(part.inner for part in request_.parts) else set()
        assert asked.variables == {"ids"} | lists | since
        assert asked.has(request_.connection, "id")
        assert asked.has(request_.connection, "databaseId")
    else:
        assert asked.has_pages(request_.connection)
        assert asked.variables >= {"first", "after"}
    for part in request_.parts:
        paths = (part.path, part.inner, part.nullable, part.total)
        for path in filter(None, paths):
            assert asked.has(items_of(request_), path), f"{path} is not in {request_.document}"
        if part.scope_each:
            assert asked.has(items_of(request_), "databaseId")
        if part.inner:
            assert asked.has_pages(f"{items_of(request_)}.{part.inner}")
            assert asked.has(items_of(request_), "id"), "paging on needs the item's node id"
            assert part.overflow, f"{part.inner} could be longer than its first page"
        if part.nested:
            assert asked.has_pages(f"{records_of(request_, part)}.{part.nested}")
            assert asked.has(records_of(request_, part), "id")
        if request_.newest_first:
            items = records_of(request_, part) if request_.batch else items_of(request_)
            assert asked.has(items, request_.newest_first)


@pytest.mark.parametrize("request_", graph_requests(), ids=lambda r: r.document)
def test_a_document_that_pages_on_asks_for_the_same_as_the_first_page(request_: GraphRequest) -> None:
    first = document(request_.document)
    since = {request_.since} if request_.since else set()
    for part in request_.parts:
        where = records_of(request_, part) if request_.batch else items_of(request_)
        pairs = [(part.overflow, f"{items_of(request_)}.{part.inner}", part.inner)] if part.overflow else []
        pairs += [(part.nested_overflow, f"{where}.{part.nested}", part.nested)] if part.nested else []
        for name, here, there in pairs:
            more = document(name)
            assert more.variables == {"id", "first", "after"} | (since if name == part.overflow else set())
            assert more.has_pages(f"node.{there}"), f"{name} has no list {there}"
            assert leaves(more, more.listed(f"node.{there}")) == leaves(first, first.listed(here))


def leaves(asked: Document, path: str) -> set[str]:
    """Every plain field below a path."""
    found: set[str] = set()
    for field in asked.at(path):
        for inner in asked.fields(field.selection_set) if field.selection_set else ():
            name = (inner.alias or inner.name).value
            below = leaves(asked, f"{path}.{name}")
            found |= {f"{name}.{leaf}" for leaf in below} if inner.selection_set else {name}
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_query_of_many_stays_below_githubs_limit_of_nodes(name: str) -> None:
    """GitHub refuses more than 500,000 nodes a query: the product of the pages on the way to each list."""
    request = next((r for r in graph_requests() if r.document == name), None)
    size = request.page_size if request else 1
    inner = request.list_size if request and request.batch else size
    asked = document(name)

    def count(selections: SelectionSetNode | None, outer: int) -> int:
        total = 0
        for field in asked.fields(selections) if selections else ():
            pages = [a.value for a in field.arguments or () if a.name.value in ("first", "last")]
            many = outer * int(getattr(pages[0], "value", inner)) if pages else outer
            total += (many if pages else 0) + count(field.selection_set, many)
        return total

    assert count(asked.operation.selection_set, size if request and request.batch else 1) <= 500_000


# REST


@cache
def description(version: str) -> dict[str, Any]:
    path = REFERENCE / DESCRIPTIONS[version]
    if not path.is_file():
        pytest.skip("GitHub's published OpenAPI description is not beside the project")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def template(path: str) -> str:
    """A path without the names of what is filled in."""
    return re.sub(r"\{\w+\}", "{}", path.replace("{repo}", "{owner}/{repo}").replace("{owner}/{owner}", "{owner}"))


@cache
def described(version: str) -> dict[str, dict[str, Any]]:
    """Every described list or object: its operation by its path."""
    paths = description(version)["paths"]
    return {re.sub(r"\{\w+\}", "{}", path): found["get"] for path, found in paths.items() if "get" in found}


@cache
def of_githubkit(version: str) -> dict[str, set[str]]:
    """Parameters by path of every GET of githubkit's client."""
    place = importlib.util.find_spec("githubkit_schemas")
    if place is None or not place.submodule_search_locations:
        pytest.skip("githubkit is not installed")
    folder = Path(next(iter(place.submodule_search_locations))) / f"v{version.replace('-', '_')}/rest"
    asked = re.compile(r' url = f?"([^"]+)"\n(?:\n +params = \{(.*?)\n +\}\n)?(.{0,400}?)"([A-Z]+)",', re.DOTALL)
    found: dict[str, set[str]] = {}
    for module in sorted(folder.glob("*.py")):
        for path, params, _, verb in asked.findall(module.read_text(encoding="utf-8")):
            if verb == "GET":
                found.setdefault(re.sub(r"\{\w+\}", "{}", path), set()).update(re.findall(r'"([\w-]+)":', params))
    return found


def resolved(version: str, value: Any) -> dict[str, Any]:
    while isinstance(value, dict) and "$ref" in value:
        step: Any = description(version)
        for key in value["$ref"].removeprefix("#/").split("/"):
            step = step[key]
        value = step
    return value if isinstance(value, dict) else {}


def asked_parameters(request: RestRequest) -> dict[str, set[str]]:
    """Every parameter a request may send, with the values that are fixed."""
    found = {name: {value} for name, value in request.params.items()}
    for variant in request.variants:
        for name, value in variant.items():
            found.setdefault(name, set()).add(value)
    for name in filter(None, (request.since, "per_page" if request.paged else None)):
        found.setdefault(name, set())
    return found


REST = [(request, version) for request in rest_requests() for version in DESCRIPTIONS]


@pytest.mark.parametrize(("request_", "version"), REST, ids=[f"{r.path} {v} {r.datasets[0]}" for r, v in REST])
def test_githubs_published_description_has_every_path_and_parameter(request_: RestRequest, version: str) -> None:
    path = template(request_.path)
    operation = described(version).get(path)
    if operation is None:
        known = of_githubkit(version)
        assert path in known
        assert set(asked_parameters(request_)) <= known[path]
        return
    parameters = {p["name"]: p for p in (resolved(version, p) for p in operation.get("parameters", []))}
    for name, values in asked_parameters(request_).items():
        assert name in parameters, f"{request_.path} has no parameter {name}"
        told = resolved(version, parameters[name].get("schema", {}))
        if "enum" in told:
            assert values <= set(map(str, told["enum"]))
        if "maximum" in told and name == "per_page":
            assert all(int(value) <= told["maximum"] for value in values)


def test_githubs_own_name_of_a_path_is_found_whatever_it_calls_its_parts() -> None:
    assert template("/repos/{repo}/pulls/{number}/reviews") == template("/repos/{owner}/{repo}/pulls/{pull}/reviews")
    assert template("/orgs/{org}/teams/{slug}/members") == "/orgs/{}/teams/{}/members"


# Columns


def has_property(version: str, told: Any, path: str) -> bool:
    """Whether a description of a value knows a dotted path; lists are passed through."""
    value = resolved(version, told)
    head, _, rest = path.partition(".")
    if not head:
        return True
    if any(has_property(version, way, path) for kind in ("allOf", "anyOf", "oneOf") for way in value.get(kind, ())):
        return True
    if "items" in value and has_property(version, value["items"], rest if head.isdigit() else path):
        return True
    inner = value.get("properties", {}).get(head)
    return inner is not None and has_property(version, inner, rest)


def answered(version: str, request: RestRequest) -> Any:
    """The described body of an answer; None where the description lacks the path."""
    operation = described(version).get(template(request.path))
    if operation is None:
        return None
    content = resolved(version, operation["responses"]["200"])["content"]
    return next(iter(content.values()))["schema"] if request.accept is None else variant_of(content, request.accept)


def variant_of(content: dict[str, Any], accept: str) -> Any:
    return content.get(accept, next(iter(content.values())))["schema"]


def prefixes(table: Table) -> list[str]:
    """Where the records of a table lie inside an item; an item is the record itself where it was asked for alone."""
    return [*(p for p in table.each.replace("+", "|").split("|") if p and not p.startswith("@")), ""]


MADE_BY_US = ("@id", "@rank", "@edge", "@context", "@payload", "config.url_")
"""Paths that no answer has: what surrounds a record, and what is left of a webhook's address."""

UNDESCRIBED = {"issue_events.state_reason"}
"""GitHub gives them, and its description leaves them out."""


WITH_API = [
    d.name
    for s in ANSWER_SETS.values()
    for d in s.datasets
    if any(isinstance(r, GraphRequest | RestRequest) for r in s.requests)
]


@pytest.mark.parametrize("name", sorted(WITH_API))
def test_some_answer_that_is_asked_for_has_every_column(name: str) -> None:
    """A column has other paths besides for answers of older servers; one of GraphQL's must be in a document."""
    answer_set = ANSWER_SET_OF[name]
    sisters = {dataset.name for dataset in answer_set.datasets}
    graphs = [(r, p) for r in graph_requests() for p in r.parts if p.dataset in sisters]
    rests = [r for r in rest_requests() if sisters & set(r.datasets)]
    bodies = {(v, r.path): (r, b) for v in DESCRIPTIONS for r in rests if (b := answered(v, r)) is not None}
    if any(name in r.datasets for r in rests) and not any(name in r.datasets for r, _ in bodies.values()):
        pytest.skip("the kept part of GitHub's description has none of these answers")

    def is_in_a_record(path: str, before: list[str]) -> bool:
        inside = [f"{prefix}.{path}".strip(".") for prefix in before]
        return any(
            document(r.document).has(records_of(r, p), way) for r, p in graphs if p.dataset == name for way in inside
        ) or any(has_property(v, b, way) for (v, _), (r, b) in bodies.items() if name in r.datasets for way in inside)

    def is_around_a_record(path: str) -> bool:
        return any(
            document(r.document).has(where, path) for r, p in graphs for where in (items_of(r), records_of(r, p))
        ) or any(has_property(v, b, path) for (v, _), (_, b) in bodies.items())

    missing, misspelt = [], []
    for table in DATASETS[name].tables:
        if table.each == "@entries":
            continue
        for column in table.columns if not table.scalars else ():
            if column.of is not None or any(path.startswith(MADE_BY_US) for path in column.paths):
                continue
            told = {
                path: is_around_a_record(path.partition(".")[2])
                if path.startswith("@parent.")
                else is_in_a_record(path, prefixes(table))
                for path in column.paths
            }
            if not any(told.values()) and f"{table.name}.{column.name}" not in UNDESCRIBED:
                missing.append(f"{table.name}.{column.name}")
            misspelt += [
                f"{table.name}.{column.name}: {path}"
                for path, known in told.items()
                if not known and path != path.lower() and not path.endswith("atabaseId")
            ]
    assert missing == []
    assert misspelt == []
