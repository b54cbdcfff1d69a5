"""What can go wrong between GitHub and us: one class per kind of failure, each with one clear line.

Which class an answer gets is decided in `classification.py`. Every error keeps the question, the answer where one came
(status, headers, body) and the number of requests it cost; no error holds a token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from oss_datastore.github.messages import Answer, Request

INSTALLATION = "installation-"
"""How the key of a token begins that a GitHub App was given for an installation."""


class GitHubError(Exception):
    """A question to GitHub that has no usable answer."""

    kind: str = "github_error"
    """Short name of the failure: the error class of a letter."""
    transient: ClassVar[bool] = False
    """Whether asking the same again a little later can help."""
    advice: ClassVar[str] = ""

    def __init__(
        self,
        request: Request,
        came: str,
        *,
        answer: Answer | None = None,
        requests: int = 0,
        points: int = 0,
    ) -> None:
        self.request = request
        self.answer = answer
        self.requests = requests
        """HTTP requests spent in vain."""
        self.points = points
        advice = self.what_to_do()
        super().__init__(f"{request.label}: {came}" + (f"; {advice}" if advice else ""))

    def what_to_do(self) -> str:
        return self.advice


class Unauthorized(GitHubError):
    """401: the token was refused; without an answer, there is no token to ask with."""

    kind = "unauthorized"

    def what_to_do(self) -> str:
        if self.answer is None:
            return ""
        if self.answer.token_key.startswith(INSTALLATION):
            return "GitHub refused the App's token: check that the App is still installed there and not suspended"
        return "GitHub refused the token: check GITHUB_TOKEN (or GITHUB_TOKENS) for a wrong, expired or revoked value"


class Forbidden(GitHubError):
    """The token may not see this: 403, or a 404 whose text says so."""

    kind = "forbidden"

    @property
    def accepted_permissions(self) -> str | None:
        """What GitHub says would be enough: fine-grained permissions, or scopes of a classic token."""
        headers = self.answer.headers if self.answer else {}
        return headers.get("x-accepted-github-permissions") or headers.get("x-accepted-oauth-scopes") or None

    def what_to_do(self) -> str:
        if self.answer and "x-github-sso" in self.answer.headers:
            return "authorise the token for the organisation's single sign-on"
        if self.accepted_permissions:
            return f"grant the token one of: {self.accepted_permissions}"
        return "grant the token access, or leave this out with OSS_DATASTORE_DATASETS or OSS_DATASTORE_REPOSITORIES"


class Disabled(GitHubError):
    """The feature is switched off for the repository, or its kind of repository has none. No right would help."""

    kind = "disabled"


class NotFound(GitHubError):
    """404: it is not there, or the token may not even know that it is."""

    kind = "not_found"
    advice = "it does not exist, or the token cannot see it"


class Gone(GitHubError):
    """410: it was there and was deleted."""

    kind = "gone"


class Blocked(GitHubError):
    """451, or another status whose body says that GitHub blocked the repository."""

    kind = "blocked"


class Conflict(GitHubError):
    """409."""

    kind = "conflict"


class EmptyRepository(Conflict):
    """409: a repository without a single commit."""

    kind = "empty_repository"


class Unprocessable(GitHubError):
    """422: GitHub understood the question and will not answer it in this form."""

    kind = "unprocessable"


class BadRequest(GitHubError):
    """400 and the other statuses that say the question is wrong."""

    kind = "bad_request"
    advice = "the request itself is wrong for this server: check GITHUB_API_URL and the server's version"


class StrayAddress(GitHubError):
    """A redirect or a next page that we do not follow: to another host, to nowhere, or in a circle."""

    kind = "stray_address"
    advice = "addresses are only followed on the host of GITHUB_API_URL: check it, and any proxy before it"


class RateLimited(GitHubError):
    """A limit that lasts longer than a run waits."""

    kind = "rate_limited"
    resume_at: datetime
    """When calls may leave again."""
    scope: str
    """`primary` (the hourly budget is spent) or `secondary` (too much at once)."""

    def __init__(
        self,
        request: Request,
        *,
        resume_at: datetime,
        scope: str,
        answer: Answer | None = None,
        requests: int = 0,
        points: int = 0,
    ) -> None:
        self.resume_at = resume_at
        self.scope = scope
        super().__init__(
            request,
            f"GitHub's {scope} rate limit stands until {resume_at:%Y-%m-%d %H:%M:%S} UTC",
            answer=answer,
            requests=requests,
            points=points,
        )

    def what_to_do(self) -> str:
        return "what is left is fetched by the next run after that time"


class Unreachable(GitHubError):
    """No answer at all: refused, reset, timed out, unknown host."""

    kind = "unreachable"
    transient = True

    def what_to_do(self) -> str:
        setting = "GITHUB_GRAPHQL_URL (or GITHUB_API_URL)" if self.request.api == "v4" else "GITHUB_API_URL"
        return f"check {setting} and the network"


class ServerFault(GitHubError):
    """5xx."""

    kind = "server_fault"
    transient = True
    advice = "GitHub's own fault: ask again later"


class MalformedBody(GitHubError):
    """A body that is cut off, or is not the JSON that was asked for."""

    kind = "malformed_body"
    transient = True
    advice = "ask again later; if it stays, check GITHUB_API_URL and any proxy before it"


class QueryFailed(GitHubError):
    """GraphQL errors without any data.

    `kind` is `not_found` or `forbidden` where every error says so.
    """

    kind = "query_failed"
    errors: Sequence[Mapping[str, Any]] = ()


class QueryTooHeavy(GitHubError):
    """GitHub gave up on a GraphQL query. The same query would fail again: ask for a smaller page."""

    kind = "query_too_heavy"
    advice = "ask for a smaller page"
