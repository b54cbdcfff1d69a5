"""A token appears in no message, repr, log, traceback or kept body."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import pytest

from oss_datastore.github import GitHub, GitHubError, NoToken, StaticTokens, Token
from oss_datastore_tests.github.conftest import Make
from oss_datastore_tests.github.scripted import NOON, TOKEN, Scripted, Server

LIMITED = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOON.timestamp()) + 1800)}


def chain(error: BaseException) -> list[BaseException]:
    found = [error]
    for known in found:
        found += [inner for inner in (known.__cause__, known.__context__) if inner is not None and inner not in found]
    return found


@pytest.mark.parametrize(
    "answer",
    [
        Scripted({"message": f"Bad credentials: {TOKEN}"}, 401),
        Scripted({"message": f"Bearer {TOKEN} may not"}, 403),
        Scripted(f"<html>{TOKEN}</html>".encode(), 503),
        Scripted(f"[{TOKEN}".encode()),
        Scripted({"message": "API rate limit exceeded", "token": TOKEN}, 403, LIMITED),
        Scripted(None, 302, {"Location": f"http://elsewhere.invalid/?token={TOKEN}"}),
        Scripted(reset=True),
        Scripted([1, 2, 3], cut=2),
    ],
    ids=["401", "403", "503", "malformed", "limited", "redirect", "reset", "cut"],
)
@pytest.mark.parametrize("ask", [lambda g: g.get("/x"), lambda g: g.query("q", {})], ids=["rest", "graphql"])
def test_no_failure_tells_the_token(
    server: Server,
    github: GitHub,
    caplog: pytest.LogCaptureFixture,
    answer: Scripted,
    ask: Callable[[GitHub], object],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(answer)
    with pytest.raises(GitHubError) as caught:
        ask(github)
    error = caught.value
    assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    for link in chain(error):
        assert TOKEN not in f"{link!s} {link!r} {link.__dict__!r}"
    assert chain(error) == [error]
    assert TOKEN not in "".join(traceback.format_exception(error))
    assert TOKEN not in caplog.text
    if error.answer:
        assert TOKEN.encode() not in error.answer.body
        assert TOKEN not in repr(error.answer)


def test_no_unreachable_host_tells_the_token(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(GitHubError) as caught:
        make(api_url="http://127.0.0.1:1", attempts=1).get("/x")
    assert chain(caught.value) == [caught.value]
    assert TOKEN not in "".join(traceback.format_exception(caught.value)) + caplog.text


def test_a_server_that_echoes_the_token_brings_it_into_no_answer(server: Server, github: GitHub) -> None:
    server.script(Scripted({"you sent": f"Bearer {TOKEN}"}))
    answer = github.get("/echo")
    assert answer.payload == {"you sent": "Bearer [token]"}
    assert TOKEN not in repr(answer)


def test_a_token_shows_only_its_key() -> None:
    token = Token.of(TOKEN)
    assert TOKEN not in f"{token} {token!r} {StaticTokens(TOKEN, {'acme': TOKEN})!r} {token.key}"
    assert token.key == Token.of(TOKEN).key != Token.of("other").key


@pytest.mark.parametrize("value", [f"{TOKEN}\nX: y", f"{TOKEN} {TOKEN}", f"{TOKEN}é"])
def test_a_value_that_is_no_token_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(NoToken, match="GITHUB_TOKEN") as caught:
        StaticTokens(value)
    assert TOKEN not in str(caught.value)


def test_space_around_a_token_is_forgiven() -> None:
    assert StaticTokens(f" {TOKEN}\n").token(None) == Token.of(TOKEN)
