"""Every answer is either fine or has one name."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.github import classify, errors, query_error_kind
from oss_datastore.github.classification import limit_scope, query_is_too_heavy, query_limit, short_message

RECORDED = Path(__file__).resolve().parents[2] / "../shared/recorded"
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."


def said(message: str, **more: Any) -> bytes:
    return json.dumps({"message": message, **more}).encode()


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (400, "Invalid version in X-GitHub-Api-Version", errors.BadRequest),
        (401, "Bad credentials", errors.Unauthorized),
        (401, "A JSON web token could not be decoded", errors.Unauthorized),
        (403, "Maximum number of login attempts exceeded. Please try again later.", errors.Unauthorized),
        (403, "Must have push access to repository", errors.Forbidden),
        (403, "Must have push access to view collaborator permission.", errors.Forbidden),
        (403, "Must have admin rights to Repository.", errors.Forbidden),
        (403, "Resource not accessible by integration", errors.Forbidden),
        (403, "Resource not accessible by personal access token", errors.Forbidden),
        (403, "You must be an organization owner or security manager", errors.Forbidden),
        (
            403,
            "Although you appear to have the correct authorization credentials, the `acme` organization has an IP "
            "allow list enabled, and your IP address is not permitted to access this resource.",
            errors.Forbidden,
        ),
        (403, "Resource protected by organization SAML enforcement.", errors.Forbidden),
        (403, "`acme` forbids access via a personal access token (classic).", errors.Forbidden),
        (403, "Something nobody has heard of", errors.Forbidden),
        (403, "Repository access blocked", errors.Blocked),
        (451, "Repository access blocked", errors.Blocked),
        (451, "anything", errors.Blocked),
        (403, "Dependabot alerts are disabled for this repository.", errors.Disabled),
        (403, "Dependabot alerts are not available for archived repositories.", errors.Disabled),
        (403, "Advanced Security must be enabled for this repository to use code scanning.", errors.Disabled),
        (403, "Code Security must be enabled for this repository to use code scanning.", errors.Disabled),
        (403, "Code scanning is not enabled for this repository.", errors.Disabled),
        (404, "Secret scanning is disabled on this repository.", errors.Disabled),
        (404, "no analysis found", errors.Disabled),
        (410, "Issues are disabled for this repo", errors.Disabled),
        (410, "This issue was deleted", errors.Gone),
        (404, "Not Found", errors.NotFound),
        (404, "Branch not protected", errors.NotFound),
        (404, "Must have admin rights to Repository.", errors.Forbidden),
        (409, "Git Repository is empty.", errors.EmptyRepository),
        (409, "Conflict", errors.Conflict),
        (
            422,
            "In order to keep the API fast for everyone, pagination is limited for this resource.",
            errors.Unprocessable,
        ),
        (418, "I am a teapot", errors.BadRequest),
        (408, "Request timeout", errors.ServerFault),
        (500, "Server Error", errors.ServerFault),
        (503, "Service unavailable", errors.ServerFault),
        (403, SECONDARY, errors.RateLimited),
        (429, SECONDARY, errors.RateLimited),
        (403, "You have triggered an abuse detection mechanism. Please wait a few minutes.", errors.RateLimited),
        (403, "API rate limit exceeded for user ID 1.", errors.RateLimited),
        (403, "API rate limit exceeded for 127.0.0.1. (But here's the good news: ...)", errors.RateLimited),
        (429, "anything", errors.RateLimited),
    ],
)
def test_the_text_of_a_refusal_decides_what_it_is(status: int, message: str, expected: type) -> None:
    assert classify(status, {}, said(message)) is expected


@pytest.mark.parametrize("status", [200, 201, 202, 204, 304])
def test_an_answer_is_no_error(status: int) -> None:
    assert classify(status, {}, b"{}") is None


def test_a_redirect_is_no_error_where_it_leads_somewhere() -> None:
    assert classify(301, {"location": "/repositories/1"}, b"") is None
    assert classify(301, {}, b"") is errors.StrayAddress
    assert classify(303, {"location": "/x"}, b"") is errors.StrayAddress


def test_kinds_of_errors_are_distinct_words() -> None:
    found = [errors.GitHubError]
    for known in found:
        found += known.__subclasses__()
    kinds = [known.kind for known in found]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (403, {"retry-after": "60"}, said(SECONDARY), "secondary"),
        (403, {}, said(SECONDARY), "secondary"),
        (403, {"x-ratelimit-remaining": "4990"}, said(SECONDARY), "secondary"),
        (403, {"x-ratelimit-remaining": "0", "retry-after": "7"}, said(SECONDARY), "secondary"),
        (429, {}, b"", "secondary"),
        (403, {"gh-limited-by": "cpu"}, said("no"), "secondary"),
        (403, {"retry-after": "5"}, b"<html>forbidden</html>", "secondary"),
        (403, {}, said("no", documentation_url="https://developer.github.com/v3/#abuse-rate-limits"), "secondary"),
        (403, {"x-ratelimit-remaining": "0"}, said("API rate limit exceeded for user ID 1."), "primary"),
        (403, {"x-ratelimit-remaining": "0"}, b"", "primary"),
        (429, {"x-ratelimit-remaining": "0"}, b"", "primary"),
        (403, {}, said("API rate limit exceeded for installation ID 1."), "primary"),
        (403, {"x-ratelimit-remaining": "0"}, said("Must have push access to repository"), None),
        (403, {"retry-after": "30"}, said("Must have push access to repository"), None),
        (403, {}, said("Forbidden"), None),
        (502, {"x-ratelimit-remaining": "0", "retry-after": "60"}, b"", None),
        (200, {"x-ratelimit-remaining": "0"}, b"[]", None),
    ],
)
def test_a_limit_is_told_from_a_missing_right(
    status: int, headers: dict[str, str], body: bytes, expected: str | None
) -> None:
    assert limit_scope(status, headers, body) == expected


def test_a_page_for_people_is_never_taken_for_a_refusal_of_github() -> None:
    page = b"<!DOCTYPE html><html><body>404: page is disabled</body></html>"
    assert classify(404, {}, page) is errors.MalformedBody
    assert classify(403, {}, page) is errors.MalformedBody
    assert classify(503, {}, page) is errors.ServerFault
    assert short_message(page) == "an HTML page"


def test_a_missing_user_agent_is_forbidden_though_it_comes_as_html() -> None:
    page = b"<p>Request forbidden by administrative rules. Please make sure your request has a User-Agent header.</p>"
    assert classify(403, {}, page) is errors.Forbidden


def test_single_sign_on_is_a_missing_right() -> None:
    headers = {"x-github-sso": "required; url=https://github.com/orgs/acme/sso?authorization_request=abc"}
    assert classify(403, headers, said("Resource protected by organization SAML enforcement.")) is errors.Forbidden


@pytest.mark.parametrize(
    ("error", "headers", "expected"),
    [
        ({"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}, {}, "primary"),
        (
            {"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": "API rate limit already exceeded"},
            {},
            "primary",
        ),
        (
            {"extensions": {"code": "graphql_rate_limit"}, "message": "slow down"},
            {"x-ratelimit-remaining": "0"},
            "primary",
        ),
        ({"type": "RATE_LIMITED", "message": "slow down"}, {"x-ratelimit-remaining": "10"}, "secondary"),
        ({"message": SECONDARY}, {"x-ratelimit-remaining": "10"}, "secondary"),
        ({"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}, {"x-ratelimit-remaining": "0"}, None),
    ],
)
def test_graphql_names_its_limits_in_several_ways(
    error: dict[str, Any], headers: dict[str, str], expected: str | None
) -> None:
    assert query_limit([error], headers) == expected


@pytest.mark.parametrize(
    "error",
    [
        {"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."},
        {"message": "Something went wrong while executing your query. Please include `AB12` when reporting."},
        {"message": "Something went wrong while executing your query. This may be the result of a timeout"},
    ],
)
def test_graphql_that_gave_up_is_too_heavy(error: dict[str, Any]) -> None:
    assert query_is_too_heavy([error])
    assert not query_is_too_heavy([{"type": "NOT_FOUND", "message": "Could not resolve"}])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "NOT_FOUND", "message": "Could not resolve to a Repository"}, "not_found"),
        ({"type": "FORBIDDEN", "message": "Resource not accessible by integration"}, "forbidden"),
        (
            {"type": "INSUFFICIENT_SCOPES", "message": "Your token has not been granted the required scopes"},
            "forbidden",
        ),
        ({"type": "FORBIDDEN", "message": "Dependabot alerts are disabled for this repository"}, "disabled"),
        ({"message": "Field 'x' doesn't exist"}, "query_failed"),
    ],
)
def test_a_graphql_error_has_the_kind_of_its_rest_sibling(error: dict[str, Any], expected: str) -> None:
    assert query_error_kind(error) == expected


def recorded_responses() -> list[tuple[str, int, dict[str, str], bytes]]:
    found = []
    for path in sorted([*RECORDED.glob("exchanges/*.json"), *RECORDED.glob("octokit-fixtures/*.json")]):
        for exchange in json.loads(path.read_text()):
            response = exchange["response"]
            body = response["body"]
            if isinstance(body, dict) and "__text__" in body:
                raw = body["__text__"].encode()
            else:
                raw = b"" if body is None else json.dumps(body).encode()
            headers = {name.lower(): value for name, value in response["headers"].items()}
            found.append((path.stem, int(response["status"]), headers, raw))
    return found


def test_every_recorded_answer_is_fine_or_has_a_name() -> None:
    if not RECORDED.is_dir():
        pytest.skip("no ../shared/recorded beside the project")
    named: Counter[str] = Counter()
    for _name, status, headers, body in recorded_responses():
        problem = classify(status, headers, body)
        assert (problem is None) == (status < 400), (status, body[:200])
        named[problem.kind if problem else "fine"] += 1
    assert named.pop("fine") > 100
    # None of the recordings is of a kind that only says "some other status".
    assert set(named) == {"unauthorized", "forbidden", "not_found", "rate_limited"}


def test_recorded_refusals_are_told_apart() -> None:
    if not RECORDED.is_dir():
        pytest.skip("no ../shared/recorded beside the project")
    found = {
        (status, short_message(body)): problem.kind
        for _name, status, headers, body in recorded_responses()
        if status in (403, 429) and (problem := classify(status, headers, body))
    }
    assert found == {
        (403, "Must have push access to repository"): "forbidden",
        (403, "Must have push access to view collaborator permission."): "forbidden",
        (403, "no body"): "rate_limited",
        (
            429,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again",
        ): "rate_limited",
    }
