"""What is asked of GitHub and what comes back, as the rest of the project sees it.

Only values belong here: no connection, no waiting, no judgement. Nothing here ever holds a token.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from requests.utils import parse_header_links


@dataclass(frozen=True)
class Request:
    """One question to GitHub: enough to ask it again, nothing secret."""

    api: str
    """`v3` (REST) or `v4` (GraphQL)."""
    method: str
    url: str
    query: str | None = None
    """v4: name of the `.graphql` document; its text lies in the package."""
    variables: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The question as JSON-able values; `query` and `variables` only where there are any."""
        asked: dict[str, Any] = {"api": self.api, "method": self.method, "url": self.url}
        if self.query is not None:
            asked |= {"query": self.query, "variables": dict(self.variables)}
        return asked

    @property
    def label(self) -> str:
        """How messages name it: `GET /repos/acme/rocket?page=2` or `query issues {"owner": "acme"}`."""
        if self.query is not None:
            text = f"query {self.query} {json.dumps(dict(self.variables), default=str, sort_keys=True)}"
        else:
            parts = urlsplit(self.url)
            text = f"{self.method} {parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
        return text if len(text) <= 300 else f"{text[:297]}..."


@dataclass(frozen=True)
class Answer:
    """What GitHub answered, whole, and what it cost."""

    request: Request
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    fetched_at: datetime
    api_version: str | None
    """The REST version GitHub says it used, else the one asked for; None for GraphQL."""
    requests: int
    """HTTP requests spent on it, retries and redirects included."""
    points: int
    """GraphQL points spent on it; 0 for REST."""
    token_key: str = ""
    """Which token asked. An ETag is good only for the same token."""
    moved_to: str | None = None
    """The new address where a permanent redirect (301, 308) led to it: the repository was renamed or moved."""

    parsed: Any = field(default=None, repr=False, compare=False)
    """The body as JSON where it was read already: large lists take longer to parse than to fetch."""

    @property
    def payload(self) -> Any:
        """The body as JSON; None where there is no body (204, 304)."""
        return self.parsed if self.parsed is not None or not self.body else json.loads(self.body)

    @property
    def etag(self) -> str | None:
        return self.headers.get("etag")

    @property
    def next_url(self) -> str | None:
        """The next page's address exactly as GitHub gave it."""
        return next(
            (link["url"] for link in parse_header_links(self.headers.get("link", "")) if link.get("rel") == "next"),
            None,
        )

    @property
    def oauth_scopes(self) -> tuple[str, ...]:
        """Scopes of a classic token; empty for other kinds of token, which have none."""
        return tuple(s.strip() for s in self.headers.get("x-oauth-scopes", "").split(",") if s.strip())

    @property
    def partial_by_sso(self) -> bool:
        """A list with status 200 from which GitHub left out organisations the token is not authorised for."""
        return self.headers.get("x-github-sso", "").startswith("partial-results")


@dataclass(frozen=True)
class GraphQLAnswer(Answer):
    """An answer that has data, and the errors that came beside it.

    A node under an error's path is a failure, never an absence.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] = ()
    """Each with `message`, `type` and `path` (list of names and indexes; empty where GitHub named none)."""

    def errors_under(self, *path: str | int) -> Iterator[Mapping[str, Any]]:
        """Errors that touch the node at `path`: at it, above it, or inside it."""
        for error in self.errors:
            shared = min(len(path), len(error["path"]))
            if list(error["path"])[:shared] == list(path)[:shared]:
                yield error
