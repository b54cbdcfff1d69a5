"""GraphQL (v4): named documents, points, partial answers.

How GitHub's GraphQL works belongs here. The documents are found by `documents.py`; attempts and limits are `caller.py`.

gql raises on any `errors` and then drops status and body (a 502 loses the first, a 403 the second); so its transport
runs on the session of `wire.py`, whose hook keeps every reply, and the reply is judged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from gql import GraphQLRequest, gql
from gql.transport.requests import RequestsHTTPTransport

from oss_datastore.github import errors
from oss_datastore.github.auth import Token
from oss_datastore.github.caller import Caller, Spent, Verdict
from oss_datastore.github.classification import (
    classify,
    is_html,
    limit_scope,
    query_error_kind,
    query_is_too_heavy,
    query_limit,
    short_message,
)
from oss_datastore.github.documents import (
    Documents,
    document_text,
    is_cut,
    packaged_document,
    part_name,
    splittable_fields,
)
from oss_datastore.github.messages import Answer, GraphQLAnswer, Request
from oss_datastore.github.wire import Bearer, Reply, Silence, Wire

POOL = "graphql"
_HEAVY_STATUS = frozenset({502, 504})
UNKNOWN_COST = 5
"""Points set aside for a document that was not asked yet: several at once must not overdraw what little is left."""


class GraphQL:
    """Queries by the name of their document."""

    def __init__(self, caller: Caller, wire: Wire, graphql_url: str, documents: Documents = packaged_document) -> None:
        self._caller = caller
        self._wire = wire
        self._url = graphql_url
        self._documents = documents
        self._parsed = cache(lambda name: gql(document_text(name, documents)))
        self._dearest: dict[str, int] = {}
        self._transport = RequestsHTTPTransport(
            url=graphql_url,
            headers={"Accept": "application/vnd.github+json"},
            verify=wire.verify,
            allow_redirects=False,
        )
        self._transport.session = wire.session

    def query(self, document: str, variables: Mapping[str, Any], *, org: str | None = None) -> GraphQLAnswer:
        """Data, with the errors that came beside it. Raises a GitHubError where there is no data."""
        request = Request("v4", "POST", self._url, document, dict(variables))
        parsed = self._parsed(document)
        # A part may not use every variable of the whole, and a variable that is not declared is an error.
        sent = {name: variables[name] for name in variables if not is_cut(document) or name in _declared(parsed)}
        asked = GraphQLRequest(parsed, variable_values=sent)
        spent = Spent()

        def ask(token: Token) -> GraphQLAnswer:
            reply = self._caller.ask(
                request,
                token,
                POOL,
                spent,
                send=lambda: self._send(asked, token),
                judge=judge_reply,
                cost=_cost,
                expected=self._dearest.get(document, UNKNOWN_COST),
            )
            self._dearest[document] = max(self._dearest.get(document, 1), _cost(reply) or 1)
            payload = reply.json
            plain = self._caller.answer(request, reply, token, spent)
            return GraphQLAnswer(
                **{field.name: getattr(plain, field.name) for field in fields(Answer)},
                data=payload["data"],
                errors=tuple(_tidy(error) for error in _errors(payload)),
            )

        return self._caller.with_token(request, org, ask)

    def splittable(self, document: str, connection: str) -> tuple[str, ...]:
        """What the items of a connection can be split into, heaviest first."""
        return splittable_fields(document_text(document, self._documents), connection)

    def split(self, document: str, connection: str, fields: Iterable[str]) -> str:
        """The name of the part of a document that asks for these fields alone."""
        name = part_name(document, connection, fields)
        self._parsed(name)
        return name

    def _send(self, asked: GraphQLRequest, token: Token) -> Reply | Silence:
        extra = {"auth": Bearer(token), "timeout": self._wire.timeout}
        return self._wire.exchange(token, lambda: self._transport.execute(asked, extra_args=extra))


def judge_reply(reply: Reply | Silence) -> Verdict:
    """What a GraphQL reply is."""
    if isinstance(reply, Silence):
        if reply.timed_out:
            return Verdict(errors.QueryTooHeavy, reply.reason)
        return Verdict(errors.Unreachable, reply.reason, final=reply.hopeless)
    payload = reply.json
    found = [_tidy(error) for error in _errors(payload)]
    said = f"{reply.status} {short_message(reply.body)}"
    limit = limit_scope(reply.status, reply.headers, reply.body)
    if limit is None and reply.status < 500:
        limit = query_limit(found, reply.headers)
    if limit is not None:
        return Verdict(errors.RateLimited, said, limit=limit)
    if reply.status in _HEAVY_STATUS or query_is_too_heavy(found):
        return Verdict(errors.QueryTooHeavy, said)
    problem = classify(reply.status, reply.headers, reply.body)
    if problem is None and reply.status != 200:
        problem = errors.StrayAddress if 300 <= reply.status < 400 else errors.BadRequest
    if problem is not None:
        return Verdict(problem, said)
    if not reply.whole or not isinstance(payload, dict) or not ("data" in payload or found):
        what = "cut off" if not reply.whole else "an HTML page" if is_html(reply.body) else "no GraphQL answer"
        return Verdict(errors.MalformedBody, f"200 with {len(reply.body)} bytes: {what}")
    if not isinstance(payload.get("data"), dict):
        kinds = {query_error_kind(error) for error in found}
        details: dict[str, Any] = {"errors": tuple(found)}
        if len(kinds) == 1:
            details["kind"] = kinds.pop()
        return Verdict(errors.QueryFailed, said, details=details)
    return Verdict()


def _declared(parsed: GraphQLRequest) -> set[str]:
    return {
        variable.variable.name.value
        for node in parsed.document.definitions
        for variable in getattr(node, "variable_definitions", None) or ()
    }


def _cost(reply: Reply) -> int | None:
    """Points GitHub says the query cost; None where the document did not ask."""
    payload = reply.json
    data = payload.get("data") if isinstance(payload, dict) else None
    limits = data.get("rateLimit") if isinstance(data, dict) else None
    cost = limits.get("cost") if isinstance(limits, dict) else None
    return cost if isinstance(cost, int) else None


def _errors(payload: Any) -> list[dict[str, Any]]:
    found = payload.get("errors") if isinstance(payload, dict) else None
    return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []


def _tidy(error: Mapping[str, Any]) -> dict[str, Any]:
    extensions = error.get("extensions")
    code = extensions.get("code") if isinstance(extensions, Mapping) else None
    return {
        **error,
        "message": str(error.get("message", "")),
        "type": error.get("type") or code,
        "path": list(error.get("path") or []),
    }
