"""REST (v3): single answers and pages.

How GitHub's REST works belongs here: headers, versions, redirects, links. Attempts and limits are `caller.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from oss_datastore.github import errors
from oss_datastore.github.auth import Token
from oss_datastore.github.caller import Caller, Spent, Verdict
from oss_datastore.github.classification import FOLLOWED, classify, is_html, limit_scope, short_message
from oss_datastore.github.counters import pool_of
from oss_datastore.github.messages import Answer, Request
from oss_datastore.github.wire import Reply, Silence, Wire, origin

ACCEPT = "application/vnd.github+json"
PER_PAGE = 100
MOST_REDIRECTS = 5
POINTS = {"GET": 1, "POST": 5}
"""What a call counts towards the limit per minute."""
_PERMANENT = frozenset({301, 308})


@dataclass(frozen=True)
class Rest:
    """Requests below one API address."""

    caller: Caller
    wire: Wire
    api_url: str
    api_version: str

    def get(
        self,
        path_or_url: str,
        params: Mapping[str, Any] | None = None,
        *,
        org: str | None = None,
        accept: str | None = None,
        etag: str | None = None,
    ) -> Answer:
        """One answer: 2xx or 304. Everything else raises a GitHubError."""
        request = Request("v3", "GET", self.address(path_or_url, params))
        if not self.is_ours(request.url):
            raise _stray(request, request.url, None, Spent())
        headers = {"Accept": accept or ACCEPT, "X-GitHub-Api-Version": self.api_version}
        if etag:
            headers["If-None-Match"] = etag
        spent = Spent()
        return self.caller.with_token(request, org, lambda token: self._follow(request, headers, token, spent))

    def post(self, path: str) -> Answer:
        """The answer to a POST without a body, for what may be done twice: it is sent again as a GET would be."""
        request = Request("v3", "POST", self.address(path))
        headers = {"Accept": ACCEPT, "X-GitHub-Api-Version": self.api_version}
        spent = Spent()

        def ask(token: Token) -> Answer:
            reply = self._one(request, request.url, headers, token, spent)
            return self.caller.answer(request, reply, token, spent)

        return self.caller.with_token(request, None, ask)

    def _follow(self, request: Request, headers: Mapping[str, str], token: Token, spent: Spent) -> Answer:
        url, moved_to, seen = request.url, None, {request.url}
        while True:
            reply = self._one(request, url, headers, token, spent)
            if reply.status not in FOLLOWED:
                answer = self.caller.answer(request, reply, token, spent, moved_to=moved_to)
                return replace(answer, api_version=answer.api_version or self.api_version)
            target = _target(url, reply.headers["location"])
            if not self.is_ours(target) or target in seen or len(seen) > MOST_REDIRECTS:
                raise _stray(request, target, self.caller.answer(request, reply, token, spent), spent)
            if reply.status in _PERMANENT:
                moved_to = target
            url = target
            seen.add(target)

    def pages(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        org: str | None = None,
        accept: str | None = None,
    ) -> Iterator[Answer]:
        """Every page of a list, along the links as GitHub gives them."""
        url: str | None = self.address(path, {"per_page": PER_PAGE, **(params or {})})
        seen: set[str] = set()
        while url is not None:
            answer = self.get(url, org=org, accept=accept)
            yield answer
            seen.add(url)
            url = answer.next_url
            if url is not None:
                url = urljoin(answer.request.url, url)
                if url in seen:
                    raise _stray(answer.request, url, answer, Spent())

    def address(self, path_or_url: str, params: Mapping[str, Any] | None = None) -> str:
        """The full address; parameters that are None are left out, those already in the address stay."""
        base = path_or_url
        if not path_or_url.startswith(("http://", "https://")):
            base = f"{self.api_url}/{path_or_url.lstrip('/')}"
        parts = urlsplit(base)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        added = {
            name: _text(value) for name, value in (params or {}).items() if value is not None and name not in query
        }
        if not added:
            return base
        text = "&".join(filter(None, [parts.query, urlencode(added, quote_via=quote, safe=":,")]))
        return urlunsplit(parts._replace(query=text))

    def is_ours(self, url: str) -> bool:
        """Whether the token may be sent there: same scheme, host and port as the API."""
        return origin(url) == origin(self.api_url)

    def _one(self, request: Request, url: str, headers: Mapping[str, str], token: Token, spent: Spent) -> Reply:
        wants_json = "json" in headers["Accept"]

        def judge(reply: Reply | Silence) -> Verdict:
            return judge_reply(reply, wants_json=wants_json)

        return self.caller.ask(
            request,
            token,
            pool_of(url),
            spent,
            send=lambda: self.wire.send(request.method, url, headers, token),
            judge=judge,
            cost=lambda _reply: 0,
            expected=POINTS.get(request.method, 1),
        )


def judge_reply(reply: Reply | Silence, *, wants_json: bool = True) -> Verdict:
    """What a REST reply is."""
    if isinstance(reply, Silence):
        return Verdict(errors.Unreachable, reply.reason, final=reply.hopeless)
    said = f"{reply.status} {short_message(reply.body)}"
    problem = classify(reply.status, reply.headers, reply.body)
    if problem is not None:
        return Verdict(problem, said, limit=limit_scope(reply.status, reply.headers, reply.body))
    if not reply.whole:
        length = reply.headers.get("content-length", "an unknown number of")
        return Verdict(errors.MalformedBody, f"{reply.status}, cut off after {len(reply.body)} of {length} bytes")
    if wants_json and 200 <= reply.status < 300 and not _is_json(reply):
        what = "an HTML page" if is_html(reply.body) else f"{len(reply.body)} bytes that are not JSON"
        return Verdict(errors.MalformedBody, f"{reply.status} with {what}")
    return Verdict()


def _is_json(reply: Reply) -> bool:
    if not reply.body:
        return reply.status in (202, 204, 205)
    return reply.json is not None or reply.body.strip() == b"null"


def _target(url: str, location: str) -> str:
    """Where a redirect leads. A target without a query keeps ours, or a list would come back in its default form."""
    target = urlsplit(urljoin(url, location))
    return urlunsplit(target._replace(query=target.query or urlsplit(url).query, fragment=""))


def _stray(request: Request, target: str, answer: Answer | None, spent: Spent) -> errors.StrayAddress:
    scheme, host, port = origin(target)
    return errors.StrayAddress(
        request,
        f"leads to {scheme}://{host}:{port}, which is another host or a circle",
        answer=answer,
        requests=spent.requests,
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
