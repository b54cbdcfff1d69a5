"""One HTTP exchange: send a request with a token, read the whole answer, tell whether it is whole.

No retry, no waiting, no judgement belongs here. Nothing that fails here is raised: an exception of the HTTP library
holds the request and with it the token, so a failure comes back as a value.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError as WireError
from urllib3.exceptions import NameResolutionError, NewConnectionError, ReadTimeoutError

from oss_datastore.github.auth import Token

CONNECT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Reply:
    """An answer as it came off the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    """False where the connection ended before the body did; `body` is what came until then."""

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None where it is none (a body that says `null` is no answer either)."""
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class Silence:
    """No answer at all."""

    reason: str
    timed_out: bool = False
    hopeless: bool = False
    """The same call cannot succeed: a wrong address or certificate."""


class Bearer(AuthBase):
    """Sets our Authorization header, or none for an anonymous call.

    Given with every call, because requests otherwise lets a `.netrc` replace the header.
    """

    def __init__(self, token: Token) -> None:
        self._token = token

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token.value:
            r.headers["Authorization"] = f"Bearer {self._token.value}"
        return r


class Wire:
    """Pooled connections to the host of `api_url` and to that of `graphql_url`; safe to share between threads."""

    def __init__(self, *urls: str, user_agent: str, workers: int, timeout: float) -> None:
        self.timeout = (CONNECT_TIMEOUT, timeout)
        self._kept = threading.local()
        self.session = requests.Session()
        self.session.headers.update({"User-Agent": user_agent})
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Read once instead of at each call; off for good, so that no .netrc has a say.
        self.session.trust_env = False
        for url in urls:
            if not is_loopback(url):
                self.session.proxies.update(get_environ_proxies(url))
        self.verify: str | bool = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self.session.verify = self.verify
        self.session.hooks["response"].append(self._keep)
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, HTTPAdapter(pool_maxsize=max(workers, 1), max_retries=0))

    def send(self, method: str, url: str, headers: Mapping[str, str], token: Token) -> Reply | Silence:
        """Send a request without a body, without following redirects."""
        return self.exchange(
            token,
            lambda: self.session.request(
                method,
                url,
                headers=dict(headers),
                auth=Bearer(token),
                timeout=self.timeout,
                allow_redirects=False,
                stream=True,
            ),
        )

    def exchange(self, token: Token, send: Callable[[], Any]) -> Reply | Silence:
        """Run one call that goes through `session` and return what came back, whatever the library made of it."""
        self._kept.reply = None
        self._kept.token = token.value
        silence: Silence | None = None
        try:
            send()
        except Exception as error:
            silence = _silence(error)
        reply: Reply | None = self._kept.reply
        return reply or silence or Silence("no answer came")

    def close(self) -> None:
        self.session.close()

    def _keep(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> requests.Response:
        body, whole = _read(response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        # A server that echoes the request must not bring the token into a log, a letter or a staged object.
        if token := self._kept.token:
            body = body.replace(token.encode(), b"[token]")
            headers = {name: value.replace(token, "[token]") for name, value in headers.items()}
        # Filled in for gql, which reads the text itself; GitHub's JSON is UTF-8 also where it does not say so.
        response._content = body
        response.encoding = "utf-8"
        self._kept.reply = Reply(response.status_code, headers, body, whole)
        return response


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port: what must be equal for a token to be sent."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine, where no proxy is asked."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _read(response: requests.Response) -> tuple[bytes, bool]:
    chunks: list[bytes] = []
    # Checked below: the library would raise and drop what came, and what came is evidence.
    response.raw.enforce_content_length = False
    try:
        for chunk in response.raw.stream(65_536, decode_content=True):
            chunks.append(chunk)
    except (WireError, OSError):
        response.close()
        return b"".join(chunks), False
    missing = response.raw.length_remaining
    whole = response.request.method == "HEAD" or not missing
    if not whole:
        response.close()
    return b"".join(chunks), whole


def _silence(error: BaseException) -> Silence:
    """Why there is no answer, in our words: the library's may quote headers and addresses."""
    causes = _causes(error)
    if any(isinstance(cause, requests.exceptions.SSLError) for cause in causes):
        return Silence("the TLS connection was refused (certificate?)", hopeless=True)
    wrong = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
    if any(isinstance(cause, wrong) for cause in causes):
        return Silence("the address is no http or https address", hopeless=True)
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        return Silence("the proxy could not be used")
    if any(isinstance(cause, requests.exceptions.ConnectTimeout) for cause in causes):
        return Silence(f"no connection within {CONNECT_TIMEOUT:.0f} s", timed_out=False)
    if any(isinstance(cause, requests.exceptions.Timeout | ReadTimeoutError) for cause in causes):
        return Silence("no answer in time", timed_out=True)
    if any(isinstance(cause, NameResolutionError) for cause in causes):
        return Silence("the host name is not known")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Silence("the connection was refused")
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return Silence("no connection could be made")
    if any(isinstance(cause, ConnectionResetError | BrokenPipeError) for cause in causes):
        return Silence("the connection was reset")
    return Silence(f"the connection failed ({type(causes[-1]).__name__})")


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it wraps: causes, contexts and exceptions given as arguments or reasons."""
    found: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting:
        current = waiting.pop(0)
        if current in found:
            continue
        found.append(current)
        inner = [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
        waiting += [item for item in inner if isinstance(item, BaseException)]
    return found
