"""Reading, checking and executing queries, and putting errors into GitHub's form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    Visitor,
    build_schema,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
    visit,
)

from oss_datastore.simulator.limits import Pool
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v4.base import Problem, Rate
from oss_datastore.simulator.v4.cost import Cost, Reading, measure
from oss_datastore.simulator.v4.query import Query
from oss_datastore.simulator.world.dice import iso


@dataclass(frozen=True)
class Asked:
    """A query as it came: its document if it could be read, else the errors."""

    name: str
    variables: Mapping[str, Any]
    document: DocumentNode | None
    operation: OperationDefinitionNode | None
    errors: tuple[GraphQLError, ...]
    fields: tuple[str, ...]
    """The names of all fields that it asks for, fragments included; an alias is not a name."""


@dataclass(frozen=True)
class Outcome:
    """What to answer, what it cost, and a word for the log."""

    payload: dict[str, Any]
    cost: int
    problem: str = ""


class _Fields(Visitor):
    """Gathers the names of the fields of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.found.add(node.name.value)


def _fields(document: DocumentNode) -> tuple[str, ...]:
    gathering = _Fields()
    visit(document, gathering)
    return tuple(sorted(gathering.found))


@lru_cache(maxsize=512)
def snake(name: str) -> str:
    """GitHub's field names as Python's: `diskUsage` is `disk_usage`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _value(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    found = getattr(source, snake(info.field_name))
    return found(**{snake(name): value for name, value in arguments.items()}) if callable(found) else found


def _type(value: Any, *_: Any) -> str:
    return str(value.graphql_type)


def _formatted(error: GraphQLError) -> dict[str, Any]:
    found: dict[str, Any] = {}
    original = error.original_error
    problem = error if isinstance(error, Problem) else original if isinstance(original, Problem) else None
    if problem is not None:
        found["type"] = problem.kind
    if error.path:
        found["path"] = error.path
    if problem is not None and problem.saml is not None:
        found["extensions"] = {"saml_failure": problem.saml}
    if error.locations:
        found["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return {**found, "message": error.message}


class GraphQL:
    """The schema and the documents read so far."""

    def __init__(self) -> None:
        text = resources.files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8")
        self.schema = build_schema(text, assume_valid=True)
        self._known: dict[str, tuple[DocumentNode | None, tuple[GraphQLError, ...], tuple[str, ...]]] = {}

    def _document(self, text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...], tuple[str, ...]]:
        known = self._known.get(text)
        if known is None:
            try:
                document = parse(text)
                known = document, tuple(validate(self.schema, document)), _fields(document)
            except GraphQLError as wrong:
                known = None, (wrong,), ()
            if len(self._known) > 200:
                self._known.clear()
            self._known[text] = known
        return known

    def read(self, text: str, variables: Mapping[str, Any], wanted: str | None) -> Asked:
        """A query, read and checked against the schema."""
        document, errors, fields = self._document(text)
        operations = [
            node for node in (document.definitions if document else ()) if isinstance(node, OperationDefinitionNode)
        ]
        named = [node for node in operations if wanted is None or (node.name and node.name.value == wanted)]
        operation = named[0] if len(named) == 1 else None
        if document is not None and operation is None and not errors:
            errors = (GraphQLError(f"No operation named {wanted!r}" if wanted else "An operation name is required"),)
        name = operation.name.value if operation is not None and operation.name else (wanted or "")
        return Asked(name, variables, document, operation, errors, fields)

    def run(self, asked: Asked, call: Call, pool: Pool, reset: int) -> Outcome:
        """Executes a query for a token whose budget is `pool`."""
        if asked.errors or asked.document is None or asked.operation is None:
            return Outcome({"errors": [_formatted(error) for error in asked.errors]}, 1, "invalid query")
        fragments = {
            node.name.value: node for node in asked.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        cost: Cost = measure(Reading(self.schema, fragments, _defaults(asked)), asked.operation)
        if cost.problems:
            return Outcome({"data": None, "errors": cost.problems}, 1, str(cost.problems[0]["type"]))
        rate = Rate(
            limit=pool.limit,
            cost=cost.points,
            remaining=max(0, pool.remaining - cost.points),
            used=min(pool.limit, pool.used + cost.points),
            reset_at=iso(reset),
            node_count=cost.nodes,
        )
        result = execute_sync(
            self.schema,
            asked.document,
            root_value=Query(call, rate),
            variable_values=dict(asked.variables),
            operation_name=asked.operation.name.value if asked.operation.name else None,
            field_resolver=_value,
            type_resolver=_type,
        )
        payload: dict[str, Any] = {}
        if result.data is not None:
            payload["data"] = result.data
        if result.errors:
            payload["errors"] = [_formatted(error) for error in result.errors]
        return Outcome(payload, cost.points, "partial" if result.errors else "")


def _defaults(asked: Asked) -> dict[str, Any]:
    found = dict(asked.variables)
    for declared in asked.operation.variable_definitions if asked.operation else ():
        if declared.default_value is not None:
            found.setdefault(declared.variable.name.value, value_from_ast_untyped(declared.default_value))
    return found
