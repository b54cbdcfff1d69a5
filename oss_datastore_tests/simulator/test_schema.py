"""The simulator's GraphQL schema is a part of GitHub's, and every query of the product fits it.

Judges that we did not write: GitHub's published schema beside the project, and, from the package index, sgqlc-schemas,
which holds it as it was in 2020; each is skipped where it is absent.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    parse,
    validate,
    validate_schema,
)

PUBLIC = Path(__file__).resolve().parents[2] / "../shared/reference/github-public-schema.graphql"
QUERIES = sorted(
    path.name
    for path in resources.files("oss_datastore.catalogue").joinpath("queries").iterdir()
    if path.name.endswith(".graphql")
)


@cache
def ours() -> GraphQLSchema:
    text = resources.files("oss_datastore.simulator.v4").joinpath("schema.graphql").read_text(encoding="utf-8")
    return build_schema(text)


@cache
def githubs() -> GraphQLSchema:
    # As published, one field is declared twice.
    return build_schema(PUBLIC.read_text(encoding="utf-8"), assume_valid=True, assume_valid_sdl=True)


def test_the_schema_is_valid() -> None:
    assert validate_schema(ours()) == []


@pytest.mark.skipif(not PUBLIC.is_file(), reason="GitHub's published schema is not beside the project")
def test_every_type_field_and_argument_is_declared_as_github_declares_it() -> None:
    wrong: list[str] = []
    compared = 0
    for name, kind in ours().type_map.items():
        if name.startswith("__"):
            continue
        theirs: Any = githubs().type_map.get(name)
        if theirs is None or type(theirs) is not type(kind):
            wrong.append(f"{name} is no {type(kind).__name__} at GitHub's")
            continue
        if isinstance(kind, GraphQLEnumType):
            if set(kind.values) != set(theirs.values):
                wrong.append(f"{name} has other values")
        elif isinstance(kind, GraphQLUnionType):
            extra = {member.name for member in kind.types} - {member.name for member in theirs.types}
            wrong += [f"{name} has no member {member}" for member in extra]
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            if not isinstance(kind, GraphQLInputObjectType):
                extra = {each.name for each in kind.interfaces} - {each.name for each in theirs.interfaces}
                wrong += [f"{name} does not implement {each}" for each in extra]
            for field_name, field in kind.fields.items():
                compared += 1
                their_field = theirs.fields.get(field_name)
                if their_field is None or str(field.type) != str(their_field.type):
                    wrong.append(f"{name}.{field_name}: {field.type}")
                    continue
                for argument_name, argument in getattr(field, "args", {}).items():
                    their_argument = their_field.args.get(argument_name)
                    if their_argument is None or (str(argument.type), argument.default_value) != (
                        str(their_argument.type),
                        their_argument.default_value,
                    ):
                        wrong.append(f"{name}.{field_name}({argument_name}: {argument.type})")
    assert wrong == []
    assert compared > 600


def test_what_was_there_in_2020_is_still_declared_alike() -> None:
    pytest.importorskip("sgqlc")
    schema = pytest.importorskip("sgqlc_schemas.github.schema").schema
    wrong, compared = [], 0
    for name, kind in ours().type_map.items():
        if not isinstance(kind, GraphQLObjectType) or name not in schema:
            continue
        theirs = {field.graphql_name: field for field in getattr(schema, name)}
        for field_name, field in kind.fields.items():
            if field_name in theirs:
                compared += 1
                if str(field.type).strip("!") != str(theirs[field_name].type).strip("!"):
                    wrong.append(f"{name}.{field_name}: {field.type}, was {theirs[field_name].type}")
    assert wrong == []
    assert compared > 300


@pytest.mark.parametrize("name", QUERIES)
def test_the_products_queries_fit_the_simulators_schema(name: str) -> None:
    text = resources.files("oss_datastore.catalogue").joinpath("queries", name).read_text(encoding="utf-8")
    assert validate(ours(), parse(text)) == []
