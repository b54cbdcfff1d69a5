"""How answers look when something goes wrong at GitHub's end. When it goes wrong belongs to `faults`."""

from __future__ import annotations

import json
from typing import Any

from oss_datastore.simulator.http import Reply
from oss_datastore.simulator.limits import SECONDARY_TEXT
from oss_datastore.simulator.v3.call import Refused
from oss_datastore.simulator.v4.execution import Outcome

PAGE = b"<!DOCTYPE html>\n<html><head><title>Unicorn!</title></head><body>No server is available.</body></html>\n"
TIMEOUT_TEXT = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub "
    "bug. Please include `{request_id}` when reporting this issue."
)
TIMEOUT_POINTS = 10
"""What a query that runs into the timeout costs on top: the amount is ours, that it costs is GitHub's."""
GRAPHQL_REFUSALS: dict[str, dict[str, Any]] = {
    "graphql_invalid": {
        "errors": [
            {
                "path": ["query"],
                "extensions": {"code": "undefinedField", "typeName": "Query", "fieldName": "rateLimit"},
                "locations": [{"line": 1, "column": 1}],
                "message": "Field 'rateLimit' doesn't exist on type 'Query'",
            }
        ]
    },
    "graphql_node_limit": {
        "data": None,
        "errors": [
            {
                "type": "MAX_NODE_LIMIT_EXCEEDED",
                "message": "This query requests up to 1,000,000 possible nodes which exceeds the limit of 500,000.",
            }
        ],
    },
    "graphql_secondary_limit": {"errors": [{"message": SECONDARY_TEXT}]},
}
"""Answers to queries that are refused as a whole, with status 200."""
FAILURES = {"server_error": 500, "bad_gateway": 502, "timeout": 502}


def failure(fault: str, v4: bool, request_id: str) -> Reply:
    """A failing answer of either API."""
    if fault == "reset":
        return Reply(502, breakage="reset")
    if fault == "unavailable":
        return Reply(503, PAGE, {"content-type": "text/html; charset=utf-8"})
    payload: dict[str, Any] = {"message": "Server Error"}
    if v4:
        payload = {"data": None, "errors": [{"message": TIMEOUT_TEXT.format(request_id=request_id)}]}
    body = json.dumps(payload).encode()
    return Reply(FAILURES[fault], body, {"content-type": "application/json; charset=utf-8"})


def refusal(fault: str, noun: str) -> Refused:
    """An answer that says no, where the truth would say yes. `noun` is how GitHub calls the token."""
    if fault == "forbidden":
        return Refused(403, f"Resource not accessible by {noun}")
    if fault in ("blocked", "blocked_403"):
        reason = "dmca" if fault == "blocked" else "tos"
        url = f"https://github.com/github/{'dmca' if fault == 'blocked' else 'site-policy'}"
        block = {"reason": reason, "created_at": "2025-01-01T00:00:00Z", "html_url": url}
        return Refused(451 if fault == "blocked" else 403, "Repository access blocked", block=block)
    if fault == "bad_credentials":
        return Refused(401, "Bad credentials")
    return Refused(404, "Not Found")


def spoil(reply: Reply, fault: str) -> Reply:
    """A good answer, cut in the middle or replaced by something that is no JSON."""
    if fault == "truncated":
        reply.breakage = "cut"
    else:
        reply.body = b"<html><body>One moment, please</body></html>"
    return reply


def cut_short(outcome: Outcome) -> Outcome:
    """A GraphQL result that ran into the execution limits: its last part is missing, with an error."""
    payload = dict(outcome.payload)
    data = dict(payload.get("data") or {})
    path: list[str | int] = []
    cut = next((name for name in reversed(data) if name != "rateLimit" and data[name] is not None), None)
    if cut is not None:
        path.append(cut)
        if isinstance(data[cut], list):
            # What was asked for by ids is a list that holds nulls, but is never null itself.
            half = len(data[cut]) // 2
            data[cut] = [*data[cut][:half], *[None] * (len(data[cut]) - half)]
            path.append(half)
        else:
            data[cut] = None
    message = "Resource limits for this query exceeded."
    error = {"type": "RESOURCE_LIMITS_EXCEEDED", "path": path, "message": message}
    return Outcome({"data": data, "errors": [*payload.get("errors", []), error]}, outcome.cost)
