"""A page of one item that is still too heavy: asked for field by field, put together again, the rest named as lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from oss_datastore.catalogue.parse import get
from oss_datastore.github import GitHub, GraphQLAnswer, QueryTooHeavy, Request

Lost = dict[str, QueryTooHeavy]
"""Fields of an item that could not be had even alone, each with its last failure."""


def ask_in_parts(
    github: GitHub, document: str, connection: str, variables: Mapping[str, Any], org: str | None, heavy: QueryTooHeavy
) -> tuple[GraphQLAnswer, Lost]:
    """The answer to a query that was too heavy as a whole, from queries for halves of the item's fields.

    Raises the failure that led here where no part could be had, and any other GitHubError of a part.
    """
    lost: Lost = {}
    fields = github.splittable(document, connection)
    answer = _halves(github, document, connection, variables, org, fields, heavy, lost)
    if answer is None:
        spent = sum(error.requests for error in lost.values())
        heavy.requests += spent
        raise heavy
    asked = Request(answer.request.api, answer.request.method, answer.request.url, document, dict(variables))
    return replace(answer, request=asked, requests=answer.requests + heavy.requests), lost


def _halves(
    github: GitHub,
    document: str,
    connection: str,
    variables: Mapping[str, Any],
    org: str | None,
    fields: Sequence[str],
    heavy: QueryTooHeavy,
    lost: Lost,
) -> GraphQLAnswer | None:
    if len(fields) < 2:
        lost.update(dict.fromkeys(fields, heavy))
        return None
    middle = len(fields) // 2
    whole: GraphQLAnswer | None = None
    for half in (fields[:middle], fields[middle:]):
        try:
            part: GraphQLAnswer | None = github.query(github.split(document, connection, half), variables, org=org)
        except QueryTooHeavy as again:
            part = _halves(github, document, connection, variables, org, half, again, lost)
        if part is None:
            continue
        if whole is None:
            whole = part
        elif _items(whole, connection) == _items(part, connection):
            whole = _joined(whole, part)
        else:
            # The order of the list moved between two queries: these fields are another item's.
            lost.update(dict.fromkeys(half, heavy))
    return whole


def _items(answer: GraphQLAnswer, connection: str) -> list[Any]:
    found = get(answer.data, connection)
    if isinstance(found, dict):
        found = found.get("nodes", found.get("edges"))
    listed = found if isinstance(found, list) else []
    return [get(item, "id") or get(item, "node.id") or get(item, "node.databaseId") for item in listed]


def _joined(one: GraphQLAnswer, other: GraphQLAnswer) -> GraphQLAnswer:
    data = _union(one.data, other.data)
    payload = {"data": data}
    return replace(
        one,
        data=data,
        parsed=payload,
        body=orjson.dumps(payload),
        errors=(*one.errors, *other.errors),
        requests=one.requests + other.requests,
        points=one.points + other.points,
    )


def _union(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _union(one.get(key), other.get(key)) for key in {**one, **other}}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_union(a, b) for a, b in zip(one, other, strict=True)]
    return other if one is None else one
