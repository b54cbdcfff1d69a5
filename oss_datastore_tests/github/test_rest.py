"""REST as GitHub serves it, on a real server: pages, redirects, faults, limits."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from oss_datastore.github import (
    Disabled,
    EmptyRepository,
    Forbidden,
    GitHub,
    MalformedBody,
    NotFound,
    RateLimited,
    ServerFault,
    StaticTokens,
    StrayAddress,
    Unauthorized,
    Unreachable,
)
from oss_datastore_tests.github.conftest import Make
from oss_datastore_tests.github.scripted import NOON, TOKEN, Received, Scripted, Server, VirtualTime

SECONDARY = Scripted({"message": "You have exceeded a secondary rate limit."}, 403)
PAGE_503 = Scripted(b"<html>Unicorn!</html>", 503, {"Content-Type": "text/html"})


def test_a_call_says_who_asks_for_what_in_which_version(server: Server, github: GitHub) -> None:
    server.script(Scripted({"id": 1}, headers={"ETag": 'W/"a"', "X-GitHub-Api-Version-Selected": "2022-11-28"}))
    answer = github.get("/repos/acme/rocket", {"since": "2026-01-01T00:00:00Z", "draft": True, "none": None})
    sent = server.received[0]
    assert sent.path == "/repos/acme/rocket?since=2026-01-01T00:00:00Z&draft=true"
    assert sent.headers["authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["accept"] == "application/vnd.github+json"
    assert sent.headers["x-github-api-version"] == "2022-11-28"
    assert sent.headers["user-agent"] == "oss-datastore"
    assert (answer.status, answer.payload, answer.etag) == (200, {"id": 1}, 'W/"a"')
    assert (answer.requests, answer.points, answer.api_version, answer.fetched_at) == (1, 0, "2022-11-28", NOON)
    assert answer.request.as_dict() == {"api": "v3", "method": "GET", "url": server.url + sent.path}


def test_an_anonymous_client_sends_no_authorization(server: Server, make: Make) -> None:
    server.script(Scripted([]))
    make(tokens=StaticTokens("")).get("/meta")
    assert "authorization" not in server.received[0].headers


def test_a_netrc_does_not_replace_the_token(
    server: Server, github: GitHub, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.script(Scripted([]))
    github.get("/meta")
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    server: Server, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.script(Scripted([]))
    assert make().get("/meta").payload == []


def test_an_organisation_has_its_own_token(server: Server, make: Make) -> None:
    server.script(Scripted([]))
    github = make(tokens=StaticTokens(TOKEN, {"Acme": "other"}))
    github.get("/orgs/acme", org="acme")
    github.get("/orgs/else", org="else")
    assert [sent.headers["authorization"] for sent in server.received] == ["Bearer other", f"Bearer {TOKEN}"]


def test_an_organisation_without_a_token_is_named(github: GitHub, make: Make) -> None:
    with pytest.raises(Unauthorized, match=r"no token for organisation acme: set GITHUB_TOKEN"):
        make(tokens=StaticTokens(None)).get("/orgs/acme", org="acme")


def test_the_api_below_a_path_keeps_its_path(server: Server, make: Make) -> None:
    server.script(Scripted([]))
    make(api_url=f"{server.url}/api/v3/").get("repos/acme/rocket")
    assert server.paths == ["/api/v3/repos/acme/rocket"]


@pytest.mark.parametrize("status", [202, 204, 304])
def test_an_answer_without_content_is_an_answer(server: Server, github: GitHub, status: int) -> None:
    server.script(Scripted(None, status))
    answer = github.get("/repos/acme/rocket/stats/contributors", etag='"a"')
    assert (answer.status, answer.payload) == (status, None)
    assert server.received[0].headers["if-none-match"] == '"a"'


def test_pages_follow_the_link_as_given(server: Server, github: GitHub) -> None:
    link = f'<{server.url}/repositories/7/issues?page=2>; rel="next", <{server.url}/x?page=9>; rel="last"'
    server.script(Scripted([1], headers={"Link": link}), Scripted([2]))
    answers = list(github.pages("/repos/acme/rocket/issues", {"state": "all"}))
    assert [answer.payload for answer in answers] == [[1], [2]]
    assert server.paths == ["/repos/acme/rocket/issues?per_page=100&state=all", "/repositories/7/issues?page=2"]
    assert answers[0].next_url == f"{server.url}/repositories/7/issues?page=2"
    assert answers[1].next_url is None


def test_a_page_size_of_the_caller_stays(server: Server, github: GitHub) -> None:
    server.script(Scripted([]))
    list(github.pages("/repos/acme/rocket/stargazers/history", {"per_page": 30}))
    list(github.pages("/repos/acme/rocket/forks?per_page=5"))
    assert server.paths == ["/repos/acme/rocket/stargazers/history?per_page=30", "/repos/acme/rocket/forks?per_page=5"]


def test_pages_in_a_circle_end(server: Server, github: GitHub) -> None:
    first = f"{server.url}/issues?per_page=100"
    server.script(Scripted([1], headers={"Link": f'<{first}>; rel="next"'}))
    pages = github.pages("/issues")
    assert next(pages).payload == [1]
    with pytest.raises(StrayAddress, match="circle"):
        next(pages)


def test_a_next_page_on_another_host_gets_no_call(server: Server, other_server: Server, github: GitHub) -> None:
    server.script(Scripted([1], headers={"Link": f'<{other_server.url}/issues?page=2>; rel="next"'}))
    pages = github.pages("/issues")
    assert next(pages).payload == [1]
    with pytest.raises(StrayAddress, match="GITHUB_API_URL"):
        next(pages)
    assert other_server.received == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_another_host_gets_no_call(
    server: Server, other_server: Server, github: GitHub, status: int
) -> None:
    server.script(Scripted(None, status, {"Location": f"{other_server.url}/repos/acme/rocket?token=signed"}))
    with pytest.raises(StrayAddress) as caught:
        github.get("/repos/acme/rocket")
    assert other_server.received == []
    assert "signed" not in str(caught.value)
    assert caught.value.requests == 1


def test_an_address_on_another_host_is_refused_without_a_call(
    server: Server, other_server: Server, github: GitHub
) -> None:
    with pytest.raises(StrayAddress):
        github.get(f"{other_server.url}/repos/acme/rocket")
    assert other_server.received == server.received == []


def test_a_renamed_repository_is_followed_counted_and_its_new_address_kept(server: Server, github: GitHub) -> None:
    moved = Scripted({"message": "Moved Permanently"}, 301, {"Location": f"{server.url}/repositories/7/issues"})
    server.script(moved, Scripted([1]))
    answer = github.get("/repos/acme/old/issues", {"state": "all"})
    assert server.paths == ["/repos/acme/old/issues?state=all", "/repositories/7/issues?state=all"]
    assert (answer.payload, answer.requests) == ([1], 2)
    assert answer.moved_to == f"{server.url}/repositories/7/issues?state=all"
    assert answer.request.url == f"{server.url}/repos/acme/old/issues?state=all"


def test_a_redirect_for_the_moment_is_followed_but_not_kept(server: Server, github: GitHub) -> None:
    server.script(Scripted(None, 302, {"Location": "/elsewhere?x=1"}), Scripted([1]))
    answer = github.get("/here")
    assert (answer.payload, answer.moved_to) == ([1], None)
    assert server.paths == ["/here", "/elsewhere?x=1"]


def test_redirects_in_a_circle_end(server: Server, github: GitHub) -> None:
    server.script(Scripted(None, 301, {"Location": "/b"}), Scripted(None, 301, {"Location": "/a"}))
    with pytest.raises(StrayAddress):
        github.get("/a")
    assert server.paths == ["/a", "/b"]


@pytest.mark.parametrize(
    "fault",
    [
        Scripted({"message": "Server Error"}, 500),
        Scripted({"message": "Server Error"}, 502),
        PAGE_503,
        Scripted(reset=True),
        Scripted([1, 2, 3], cut=4),
        Scripted([1] * 500, cut=20, zipped=True),
        Scripted([1, 2, 3], cut=4, chunked=True),
        Scripted(b'[1, 2, {"a": '),
        Scripted(b""),
        Scripted(b"<html>Please log in</html>", headers={"Content-Type": "text/html"}),
    ],
    ids=["500", "502", "503-page", "reset", "cut", "cut-gzip", "cut-chunked", "half-json", "empty", "portal"],
)
def test_a_passing_fault_is_survived(server: Server, github: GitHub, passing: VirtualTime, fault: Scripted) -> None:
    server.script(fault, fault, Scripted([1]))
    answer = github.get("/issues")
    assert (answer.payload, answer.requests) == ([1], 3)
    assert 0.5 <= passing.total <= 4


@pytest.mark.parametrize(
    ("fault", "expected", "line"),
    [
        (Scripted({"message": "Server Error"}, 500), ServerFault, r"GET /issues: 500 Server Error \(5 attempts\)"),
        (PAGE_503, ServerFault, r"GET /issues: 503 an HTML page \(5 attempts\)"),
        (Scripted(reset=True), Unreachable, r"GET /issues: .* \(5 attempts\); check GITHUB_API_URL"),
        (Scripted([1, 2, 3], cut=4), MalformedBody, r"GET /issues: 200, cut off after 4 of 9 bytes \(5 attempts\)"),
        (Scripted(b"[1, 2"), MalformedBody, r"GET /issues: 200 with 5 bytes that are not JSON"),
    ],
)
def test_a_lasting_fault_is_named_and_counted(
    server: Server, github: GitHub, fault: Scripted, expected: type[Exception], line: str
) -> None:
    server.script(fault)
    with pytest.raises(expected, match=line) as caught:
        github.get("/issues")
    assert caught.value.requests == len(server.received) == 5  # type: ignore[attr-defined]


def test_a_host_that_is_not_there_is_named_by_its_setting(make: Make) -> None:
    github = make(api_url="http://127.0.0.1:1", attempts=2)
    with pytest.raises(Unreachable, match=r"the connection was refused \(2 attempts\); check GITHUB_API_URL") as caught:
        github.get("/meta")
    assert (caught.value.answer, caught.value.requests) == (None, 2)


def test_an_address_that_is_none_is_not_tried_again(make: Make, passing: VirtualTime) -> None:
    with pytest.raises(Unreachable, match="no http or https address"):
        make(api_url="http://").get("/meta")
    assert passing.total == 0


def test_silence_ends(server: Server, make: Make) -> None:
    server.script(Scripted([], delay=0.5))
    with pytest.raises(Unreachable, match="no answer in time"):
        make(timeout=0.1, attempts=2).get("/meta")


def test_a_wait_a_server_fault_names_is_not_kept(server: Server, github: GitHub, passing: VirtualTime) -> None:
    named = {"Retry-After": "3600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}
    server.script(Scripted({"message": "Server Error"}, 502, named), Scripted([1]))
    assert github.get("/issues").payload == [1]
    assert passing.total < 2


@pytest.mark.parametrize(
    ("answer", "expected", "line"),
    [
        (Scripted({"message": "Bad credentials"}, 401), Unauthorized, "refused the token: check GITHUB_TOKEN"),
        (Scripted({"message": "Not Found"}, 404), NotFound, "404 Not Found"),
        (Scripted({"message": "Git Repository is empty."}, 409), EmptyRepository, "409 Git Repository is empty"),
        (
            Scripted({"message": "Dependabot alerts are disabled for this repository."}, 403),
            Disabled,
            "Dependabot alerts are disabled",
        ),
    ],
)
def test_a_refusal_is_not_asked_again(
    server: Server, github: GitHub, answer: Scripted, expected: type[Exception], line: str
) -> None:
    server.script(answer)
    with pytest.raises(expected, match=line) as caught:
        github.get("/x")
    assert len(server.received) == 1
    assert json.loads(caught.value.answer.body) == answer.body  # type: ignore[attr-defined]


def test_a_missing_right_says_which_one_to_grant(server: Server, github: GitHub) -> None:
    headers = {"X-Accepted-GitHub-Permissions": "administration=read", "Retry-After": "30"}
    server.script(Scripted({"message": "Resource not accessible by personal access token"}, 403, headers))
    with pytest.raises(Forbidden, match="grant the token one of: administration=read") as caught:
        github.get("/repos/acme/rocket/traffic/views")
    assert caught.value.accepted_permissions == "administration=read"
    assert len(server.received) == 1


def test_single_sign_on_is_explained_without_its_secret_address(server: Server, github: GitHub) -> None:
    headers = {"X-GitHub-SSO": "required; url=https://github.com/orgs/acme/sso?authorization_request=abc"}
    server.script(Scripted({"message": "Resource protected by organization SAML enforcement."}, 403, headers))
    with pytest.raises(Forbidden, match="single sign-on") as caught:
        github.get("/orgs/acme/members")
    assert "abc" not in str(caught.value)


def test_a_list_shortened_by_single_sign_on_says_so(server: Server, github: GitHub) -> None:
    server.script(Scripted([], headers={"X-GitHub-SSO": "partial-results; organizations=1,2"}))
    assert github.get("/user/orgs").partial_by_sso


@pytest.mark.parametrize(
    ("limited", "least", "most"),
    [
        (SECONDARY, 60, 62),
        (Scripted(SECONDARY.body, 429), 60, 62),
        (Scripted(SECONDARY.body, 403, {"Retry-After": "9"}), 9, 11),
        (Scripted(SECONDARY.body, 403, {"X-RateLimit-Remaining": "4000"}), 60, 62),
        (Scripted(None, 429, {"Retry-After": "9"}), 9, 11),
        (Scripted({"message": "You have triggered an abuse detection mechanism."}, 403), 60, 62),
        (
            Scripted(
                {"message": "API rate limit exceeded for user ID 1."},
                403,
                {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 45)},
            ),
            45,
            47,
        ),
        (
            Scripted(None, 429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 45)}),
            45,
            47,
        ),
    ],
)
def test_a_limit_is_waited_for_and_the_call_repeated(
    server: Server, github: GitHub, passing: VirtualTime, limited: Scripted, least: float, most: float
) -> None:
    server.script(limited, Scripted([1]))
    answer = github.get("/issues")
    assert (answer.payload, answer.requests) == ([1], 2)
    assert least <= passing.total <= most


def test_a_limit_longer_than_a_run_waits_ends_every_call_at_once(
    server: Server, github: GitHub, passing: VirtualTime
) -> None:
    named = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 1800)}
    server.script(Scripted({"message": "API rate limit exceeded for user ID 1."}, 403, named))
    with pytest.raises(RateLimited, match=r"primary rate limit stands until 2026-03-10 12:30") as caught:
        github.get("/a")
    assert caught.value.answer is not None
    assert caught.value.resume_at - NOON >= timedelta(minutes=30)
    with pytest.raises(RateLimited) as following:
        github.get("/b")
    assert (following.value.answer, following.value.requests) == (None, 0)
    assert server.paths == ["/a"]
    assert passing.total < 1


def test_no_call_of_any_thread_leaves_during_a_block(server: Server, make: Make) -> None:
    """The server limits its twentieth call for two seconds and writes down when each call came."""
    blocked_at: list[float] = []
    lock = threading.Lock()

    def rule(received: Received) -> Scripted:
        with lock:
            if len(server.received) >= 20 and not blocked_at:
                blocked_at.append(received.at)
                return Scripted(SECONDARY.body, 429, {"Retry-After": "2"})
            return Scripted([1])

    server.rule = rule
    github = make(timer=None, pace=False)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: github.get(f"/{n}").payload, range(80)))
    assert answers == [[1]] * 80
    # Calls that were on their way when the limit came still arrive; after that nothing does.
    during = [sent for sent in server.received if blocked_at[0] + 0.7 < sent.at < blocked_at[0] + 2.0]
    assert during == []
    assert len(server.received) == 81


def test_an_answer_that_names_no_limit_for_its_last_call_stops_the_next(
    server: Server, github: GitHub, passing: VirtualTime
) -> None:
    spent = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0"}
    server.script(
        Scripted([1], headers={**spent, "X-RateLimit-Reset": str(int(NOON.timestamp()) + 100)}), Scripted([2])
    )
    github.get("/a")
    github.get("/b")
    assert 100 <= passing.total <= 102


def test_the_budget_says_what_was_spent_and_is_left(server: Server, github: GitHub) -> None:
    left = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4998", "X-RateLimit-Resource": "core"}
    server.script(Scripted([1], headers={**left, "X-RateLimit-Reset": str(int(NOON.timestamp()) + 100)}))
    key = github.get("/a").token_key
    state = github.budget[key, "core"]
    assert (state.limit, state.remaining, state.requests, github.requests_spent, github.points_spent) == (
        5000,
        4998,
        1,
        1,
        0,
    )
