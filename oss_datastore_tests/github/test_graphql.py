"""GraphQL as GitHub serves it, on a real server: partial answers, points, limits, heavy queries."""

from __future__ import annotations

from typing import Any

import pytest

from oss_datastore.github import (
    Forbidden,
    GitHub,
    MalformedBody,
    QueryFailed,
    QueryTooHeavy,
    RateLimited,
    ServerFault,
    StrayAddress,
    Unauthorized,
    Unreachable,
)
from oss_datastore.github.documents import packaged_document
from oss_datastore_tests.github.conftest import Make
from oss_datastore_tests.github.scripted import NOON, TOKEN, Scripted, Server, VirtualTime

WRONG = "Something went wrong while executing your query. Please include `AB12:34CD` when reporting this issue."


def data(cost: int | None = None, **values: Any) -> dict[str, Any]:
    return {"data": {**values, **({"rateLimit": {"cost": cost}} if cost is not None else {})}}


def test_a_query_is_sent_by_its_name_and_kept_with_its_variables(server: Server, github: GitHub) -> None:
    server.script(Scripted(data(cost=4, organization={"login": "acme"})))
    answer = github.query("inventory", {"owner": "acme"})
    sent = server.received[0]
    assert (sent.method, sent.path, sent.headers["authorization"]) == ("POST", "/graphql", f"Bearer {TOKEN}")
    assert sent.json["variables"] == {"owner": "acme"}
    assert "organization(login: $owner)" in sent.json["query"]
    assert answer.request.as_dict() == {
        "api": "v4",
        "method": "POST",
        "url": f"{server.url}/graphql",
        "query": "inventory",
        "variables": {"owner": "acme"},
    }
    assert answer.data["organization"] == {"login": "acme"}
    assert (answer.errors, answer.points, answer.requests, answer.status) == ((), 4, 1, 200)
    assert (answer.api_version, answer.fetched_at, answer.payload) == (None, NOON, {"data": dict(answer.data)})


def test_a_document_that_is_not_there_is_the_callers_mistake() -> None:
    with pytest.raises(FileNotFoundError):
        packaged_document("no_such_document")


def test_partial_data_comes_with_the_errors_and_their_paths(server: Server, github: GitHub) -> None:
    missing = {"type": "NOT_FOUND", "path": ["b"], "message": "Could not resolve to a Repository"}
    hidden = {"type": "FORBIDDEN", "path": ["a", "collaborators"], "message": "Resource not accessible"}
    pathless = {"message": "odd", "extensions": {"code": "strange"}}
    server.script(Scripted({**data(a={"collaborators": None}, b=None), "errors": [missing, hidden, pathless]}))
    answer = github.query("q", {})
    assert answer.data == {"a": {"collaborators": None}, "b": None}
    assert [(error["type"], error["path"]) for error in answer.errors] == [
        ("NOT_FOUND", ["b"]),
        ("FORBIDDEN", ["a", "collaborators"]),
        ("strange", []),
    ]
    assert [error["message"] for error in answer.errors_under("a")] == ["Resource not accessible", "odd"]
    assert [error["message"] for error in answer.errors_under("a", "issues")] == ["odd"]


@pytest.mark.parametrize("payload", [{"data": None}, {}])
def test_errors_without_data_are_raised_with_all_they_say(
    server: Server, github: GitHub, payload: dict[str, Any]
) -> None:
    server.script(Scripted({**payload, "errors": [{"message": "Field 'x' doesn't exist", "path": ["query"]}]}))
    with pytest.raises(QueryFailed, match=r"query q \{\"n\": 1\}: 200 Field 'x' doesn't exist") as caught:
        github.query("q", {"n": 1})
    assert caught.value.errors[0]["path"] == ["query"]
    assert (caught.value.kind, caught.value.requests) == ("query_failed", 1)
    assert caught.value.answer is not None
    assert caught.value.answer.status == 200


def test_a_query_that_failed_for_one_reason_has_its_kind(server: Server, github: GitHub) -> None:
    error = {"type": "NOT_FOUND", "path": ["organization"], "message": "Could not resolve to an Organization"}
    server.script(Scripted({"data": None, "errors": [error]}))
    with pytest.raises(QueryFailed) as caught:
        github.query("q", {})
    assert caught.value.kind == "not_found"


@pytest.mark.parametrize(
    "heavy",
    [
        Scripted({"data": None, "errors": [{"message": WRONG}]}, 502),
        Scripted({"data": None, "errors": [{"message": WRONG}]}, 200),
        Scripted({"message": "Bad gateway"}, 502),
        Scripted(b"<html>timeout</html>", 504, {"Content-Type": "text/html"}),
        Scripted(
            {**data(a=None), "errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Too much", "path": ["a"]}]}
        ),
        Scripted(data(), delay=0.5),
    ],
    ids=["502", "200", "502-json", "504-page", "resources", "silence"],
)
def test_a_query_that_is_too_heavy_is_not_asked_again(server: Server, make: Make, heavy: Scripted) -> None:
    server.script(heavy)
    with pytest.raises(QueryTooHeavy, match="ask for a smaller page") as caught:
        make(timeout=0.2).query("q", {})
    assert len(server.received) == caught.value.requests == 1
    if not heavy.delay:
        assert caught.value.answer is not None
        assert (caught.value.answer.status, caught.value.answer.body) == (heavy.status, heavy.raw())


@pytest.mark.parametrize(
    "fault",
    [
        Scripted({"message": "Server Error"}, 500),
        Scripted(b"<html>Unicorn!</html>", 503, {"Content-Type": "text/html"}),
        Scripted(reset=True),
        Scripted(data(a=1), cut=5),
        Scripted(b"<html>Log in</html>"),
        Scripted({"hello": "world"}),
        Scripted([]),
    ],
)
def test_a_passing_fault_is_survived(server: Server, github: GitHub, fault: Scripted) -> None:
    server.script(fault, Scripted(data(a=1)))
    answer = github.query("q", {})
    assert (answer.data, answer.requests) == ({"a": 1}, 2)


def test_a_lasting_fault_is_named(server: Server, make: Make) -> None:
    server.script(Scripted(b"<html>Unicorn!</html>", 503))
    with pytest.raises(ServerFault, match="503 an HTML page") as caught:
        make().query("q", {})
    assert (caught.value.requests, caught.value.answer and caught.value.answer.status) == (5, 503)
    server.script(Scripted(data(a=1), cut=5))
    with pytest.raises(MalformedBody, match="cut off"):
        make(attempts=1).query("q", {})
    with pytest.raises(Unreachable, match="check GITHUB_GRAPHQL_URL"):
        make(attempts=1, graphql_url="http://127.0.0.1:1/graphql").query("q", {})


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Scripted({"message": "Bad credentials"}, 401), Unauthorized),
        (Scripted({"message": "Resource protected by organization SAML enforcement."}, 403), Forbidden),
    ],
)
def test_a_refusal_keeps_status_and_body(
    server: Server, github: GitHub, refusal: Scripted, expected: type[Exception]
) -> None:
    server.script(refusal)
    with pytest.raises(expected) as caught:
        github.query("q", {})
    answer = caught.value.answer  # type: ignore[attr-defined]
    assert (answer.status, answer.payload) == (refusal.status, refusal.body)


def test_a_redirect_is_not_followed_with_the_token(server: Server, other_server: Server, github: GitHub) -> None:
    server.script(Scripted(None, 302, {"Location": f"{other_server.url}/graphql"}))
    with pytest.raises(StrayAddress):
        github.query("q", {})
    assert other_server.received == []


@pytest.mark.parametrize(
    "limited",
    [
        Scripted({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]}),
        Scripted(
            {"errors": [{"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": "API rate limit exceeded"}]}
        ),
        Scripted({"data": None, "errors": [{"extensions": {"code": "graphql_rate_limit"}, "message": "no more"}]}),
        Scripted({"message": "API rate limit exceeded for user ID 1."}, 403),
    ],
)
def test_a_spent_hour_is_waited_for(server: Server, github: GitHub, passing: VirtualTime, limited: Scripted) -> None:
    named = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 70)}
    server.script(Scripted(limited.body, limited.status, named), Scripted(data(a=1)))
    answer = github.query("q", {})
    assert (answer.data, answer.requests) == ({"a": 1}, 2)
    assert 70 <= passing.total <= 72


@pytest.mark.parametrize("status", [200, 403])
def test_a_secondary_limit_is_waited_for(server: Server, github: GitHub, passing: VirtualTime, status: int) -> None:
    message = "You have exceeded a secondary rate limit."
    server.script(Scripted({"message": message, "errors": [{"message": message}]}, status), Scripted(data(a=1)))
    assert github.query("q", {}).data == {"a": 1}
    assert 60 <= passing.total <= 62


def test_a_limit_longer_than_a_run_waits_is_raised(server: Server, github: GitHub, passing: VirtualTime) -> None:
    named = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 1800)}
    server.script(Scripted({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}, 200, named))
    with pytest.raises(RateLimited) as caught:
        github.query("q", {})
    assert caught.value.scope == "primary"
    with pytest.raises(RateLimited):
        github.query("q", {})
    assert len(server.received) == 1
    assert passing.total < 1


def test_points_come_from_the_counters_where_the_document_does_not_ask(server: Server, github: GitHub) -> None:
    def left(remaining: int) -> Scripted:
        reset = str(int(NOON.timestamp()) + 1800)
        counters = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(remaining), "X-RateLimit-Reset": reset}
        return Scripted(data(a=1), headers={**counters, "X-RateLimit-Resource": "graphql"})

    server.script(left(4990), left(4979))
    assert github.query("q", {}).points == 1
    assert github.query("q", {}).points == 11
    assert github.points_spent == 12
