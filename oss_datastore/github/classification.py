"""Which failure an answer is, from its status, headers and body.

Pure functions, no waiting: how long a limit stands is `budget.py`. The body decides wherever GitHub uses one status for
several things: a 403 is a limit, a missing right, a feature switched off or a blocked repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from oss_datastore.github import errors

Limit = Literal["primary", "secondary"]

# Both texts are in use: the second is what older servers say.
_SECONDARY = re.compile(
    r"secondary rate limit|abuse detection|temporarily blocked from|secondary-rate-limits|abuse-rate-"
)
_PRIMARY = re.compile(
    r"rate limit (was |has been )?(already )?exceeded|exceeded (your|the|its) (hourly |primary )?rate limit"
)
_BLOCKED = re.compile(
    r"repository access blocked|dmca|unavailable due to|access to this (repository|site) has been (disabled|blocked)"
)
_DISABLED = re.compile(
    r"\b(is|are|been|was|were) (currently )?disabled\b|disabled (for|on|in) this|not enabled|must be enabled"
    r"|not available for archived|no analysis found|upgrade to github|has no (wiki|discussions|issues)"
)
_PERMISSION = re.compile(
    r"must have|must be an?|resource not accessible|not accessible by|resource protected|saml|single sign-on"
    r"|ip allow list|need to be|needs? (admin|push|write|the)|require[sd]? (admin|push|write|the|authentication)"
    r"|not authorized|not permitted|do(es)? not have|don't have|forbids|insufficient|forbidden"
)
_EMPTY_REPOSITORY = re.compile(r"repository is empty")
_LOGIN_LOCKED = re.compile(r"maximum number of login attempts")
_HEAVY_TYPES = frozenset({"RESOURCE_LIMITS_EXCEEDED", "TIMEOUT"})
_HEAVY = re.compile(
    r"something went wrong while executing your query|resource limits? (was |were )?exceeded|timed?.?out"
)
_LIMIT_TYPES = frozenset({"RATE_LIMITED", "RATE_LIMIT"})

FOLLOWED = frozenset({301, 302, 307, 308})


def classify(status: int, headers: Mapping[str, str], body: bytes) -> type[errors.GitHubError] | None:
    """The failure this answer is, or None where it is none: 2xx, 304, and redirects that can be followed."""
    if limit_scope(status, headers, body):
        return errors.RateLimited
    if 200 <= status < 300 or status == 304 or (status in FOLLOWED and headers.get("location")):
        return None
    if 300 <= status < 400:
        return errors.StrayAddress
    if status >= 500 or status == 408:
        return errors.ServerFault
    text = message_text(body)
    if status == 401 or (status == 403 and _LOGIN_LOCKED.search(text)):
        return errors.Unauthorized
    if status == 451 or _is_blocked(body, text):
        return errors.Blocked
    if status in (403, 404, 410):
        return _refusal(status, headers, body, text)
    if status == 409:
        return errors.EmptyRepository if _EMPTY_REPOSITORY.search(text) else errors.Conflict
    return errors.Unprocessable if status == 422 else errors.BadRequest


def limit_scope(status: int, headers: Mapping[str, str], body: bytes) -> Limit | None:
    """Which rate limit this answer reports, or None.

    A limit may come with neither `retry-after` nor `x-ratelimit-remaining: 0`; then only the text tells. A missing
    right may come with both; then the text tells as well.
    """
    if status not in (403, 429):
        return None
    text = message_text(body)
    if _SECONDARY.search(text) or "gh-limited-by" in headers:
        return "secondary"
    if _PRIMARY.search(text):
        return "primary"
    if status == 403 and not is_html(body) and _explains_refusal(body, text):
        return None
    if headers.get("x-ratelimit-remaining") == "0":
        return "primary"
    return "secondary" if status == 429 or "retry-after" in headers else None


def message_text(body: bytes) -> str:
    """What the body says, in lower case: GitHub's `message` and documentation address, else its plain text."""
    payload = _parsed(body)
    if isinstance(payload, dict):
        said = [payload.get("message"), payload.get("documentation_url")]
        said += [e.get("message") for e in _dicts(payload.get("errors"))]
        return " ".join(part for part in said if isinstance(part, str)).lower()
    return body[:20_000].decode("utf-8", "replace").lower() if payload is None else ""


def short_message(body: bytes) -> str:
    """One line for people: GitHub's message, or what kind of body came instead."""
    payload = _parsed(body)
    if isinstance(payload, dict):
        messages = [payload.get("message")] + [e.get("message") for e in _dicts(payload.get("errors"))]
        text = " / ".join(dict.fromkeys(part for part in messages if isinstance(part, str) and part))
        text = re.sub(r"\s+", " ", text).strip()
        return text if len(text) <= 300 else f"{text[:297]}..."
    if not body:
        return "no body"
    return "an HTML page" if is_html(body) else f"{len(body)} bytes that are no GitHub message"


def is_html(body: bytes) -> bool:
    """Whether a page for people came instead of an answer for programs."""
    return body.lstrip()[:1] == b"<"


def query_limit(graphql_errors: Sequence[Mapping[str, Any]], headers: Mapping[str, str]) -> Limit | None:
    """Which rate limit GraphQL errors report (with status 200), or None."""
    for error in graphql_errors:
        text = str(error.get("message", "")).lower()
        if _SECONDARY.search(text):
            return "secondary"
        extensions = error.get("extensions")
        code = extensions.get("code") if isinstance(extensions, Mapping) else None
        limited = error.get("type") in _LIMIT_TYPES or "graphql_rate_limit" in (code, error.get("code"))
        if limited or _PRIMARY.search(text):
            exhausted = headers.get("x-ratelimit-remaining", "0") == "0"
            return "primary" if exhausted or _PRIMARY.search(text) else "secondary"
    return None


def query_is_too_heavy(graphql_errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether GitHub gave up on the query: its time or its resources ran out."""
    return any(
        error.get("type") in _HEAVY_TYPES or _HEAVY.search(str(error.get("message", "")).lower())
        for error in graphql_errors
    )


def query_error_kind(error: Mapping[str, Any]) -> str:
    """The kind of one GraphQL error, in the words of the REST errors where they mean the same."""
    text = str(error.get("message", "")).lower()
    match error.get("type"):
        case "NOT_FOUND":
            return errors.NotFound.kind
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            return errors.Disabled.kind if _DISABLED.search(text) else errors.Forbidden.kind
    if _DISABLED.search(text):
        return errors.Disabled.kind
    return errors.Forbidden.kind if "not accessible by" in text or "saml" in text else errors.QueryFailed.kind


def _refusal(status: int, headers: Mapping[str, str], body: bytes, text: str) -> type[errors.GitHubError]:
    if "x-github-sso" in headers:
        return errors.Forbidden
    if is_html(body) and "user-agent" not in text:
        # Not GitHub's API: a proxy, or an address that is no API at all. Taken for a fact it would close things.
        return errors.MalformedBody
    if _DISABLED.search(text) and "ip allow list" not in text:
        return errors.Disabled
    if status == 410:
        return errors.Gone
    if status == 403 or _PERMISSION.search(text):
        return errors.Forbidden
    return errors.NotFound


def _explains_refusal(body: bytes, text: str) -> bool:
    return bool(_is_blocked(body, text) or _DISABLED.search(text) or _PERMISSION.search(text))


def _is_blocked(body: bytes, text: str) -> bool:
    payload = _parsed(body)
    return bool(_BLOCKED.search(text)) or (isinstance(payload, dict) and isinstance(payload.get("block"), dict))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
