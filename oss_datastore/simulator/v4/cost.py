"""What a query costs by GitHub's documented formula, and which limits of paging it breaks: read from its text alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    value_from_ast_untyped,
)

MOST_NODES = 500_000
MOST_PER_PAGE = 100


@dataclass
class Cost:
    """Requests that would fill the connections, nodes they may hold, and what is wrong with the paging."""

    requests: int = 0
    nodes: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)

    @property
    def points(self) -> int:
        """The points charged: a hundredth of the requests, at least one."""
        return max(1, round(self.requests / 100))


@dataclass(frozen=True)
class Reading:
    """All that is needed to read one operation."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]


def measure(reading: Reading, operation: OperationDefinitionNode) -> Cost:
    """The cost of an operation."""
    cost = Cost()
    root = reading.schema.query_type
    if root is not None:
        _walk(reading, operation.selection_set, root, 1, (), cost)
    if cost.nodes > MOST_NODES:
        message = (
            f"This query requests up to {cost.nodes:,} possible nodes which exceeds the maximum limit of "
            f"{MOST_NODES:,}."
        )
        cost.problems.append({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": message})
    return cost


def _fields(
    reading: Reading, selection: SelectionSetNode, parent: GraphQLNamedType
) -> Iterator[tuple[FieldNode, GraphQLNamedType]]:
    for node in selection.selections:
        if isinstance(node, FieldNode):
            yield node, parent
        elif isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inside = reading.schema.get_type(condition.name.value) if condition else parent
            yield from _fields(reading, node.selection_set, inside or parent)
        elif isinstance(node, FragmentSpreadNode):
            fragment = reading.fragments[node.name.value]
            inside = reading.schema.get_type(fragment.type_condition.name.value)
            yield from _fields(reading, fragment.selection_set, inside or parent)


def _walk(
    reading: Reading,
    selection: SelectionSetNode,
    parent: GraphQLNamedType,
    times: int,
    path: tuple[str, ...],
    cost: Cost,
) -> None:
    for node, owner in _fields(reading, selection, parent):
        if node.selection_set is None or not isinstance(owner, GraphQLObjectType | GraphQLInterfaceType):
            continue
        declared = owner.fields.get(node.name.value)
        if declared is None:
            continue
        kind = get_named_type(declared.type)
        given = {
            argument.name.value: value_from_ast_untyped(argument.value, dict(reading.variables))
            for argument in node.arguments
        }
        here = (*path, (node.alias or node.name).value)
        inner = times
        if kind.name.endswith("Connection"):
            cost.requests += times
            size = _page(node, given, reading, kind, here, cost)
            cost.nodes += times * size
            inner = times * max(size, 1)
        elif node.name.value == "nodes" and isinstance(given.get("ids"), list):
            inner = times * max(1, len(given["ids"]))
        _walk(reading, node.selection_set, kind, inner, here, cost)


def _page(
    node: FieldNode,
    given: Mapping[str, Any],
    reading: Reading,
    kind: GraphQLNamedType,
    path: tuple[str, ...],
    cost: Cost,
) -> int:
    """How many nodes a page may hold; a connection that is only counted holds none and needs no boundary."""
    assert node.selection_set is not None  # noqa: S101 - narrows the type
    asked = {inner.name.value for inner, _ in _fields(reading, node.selection_set, kind)}
    name = node.name.value
    size = given.get("first") if given.get("first") is not None else given.get("last")
    problem: tuple[str, str] | None = None
    if size is None:
        if asked & {"nodes", "edges"}:
            message = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            problem = "MISSING_PAGINATION_BOUNDARIES", message
    elif not isinstance(size, int) or size > MOST_PER_PAGE:
        word = "first" if given.get("first") is not None else "last"
        message = (
            f"Requesting {size} records on the `{name}` connection exceeds the `{word}` limit of "
            f"{MOST_PER_PAGE} records."
        )
        problem = "EXCESSIVE_PAGINATION", message
    elif size < 0:
        problem = "INVALID_CURSOR_ARGUMENTS", f"`first` on the `{name}` connection cannot be less than zero."
    if problem:
        location = node.loc.start_token if node.loc else None
        where = [{"line": location.line, "column": location.column}] if location else []
        cost.problems.append({"type": problem[0], "path": list(path), "locations": where, "message": problem[1]})
        return 0
    return min(size or 0, MOST_PER_PAGE) if asked - {"totalCount"} else 0
