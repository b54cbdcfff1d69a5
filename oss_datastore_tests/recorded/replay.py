"""A server on loopback that tells what recordings say, for tests of the whole way from a real answer to a table.

What is told is a function given by the test; here stand only the wire, paging and the rewriting of addresses.
POST is answered with 404, as by a server without GraphQL: the fetch loop then takes its REST ways.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

LONGEST_PAGE = 20
"""Lists are cut into pages of at most so many items, so that recorded lists, all short, are paged like long ones."""

NOT_FOUND = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    base: str


@dataclass(frozen=True)
class Told:
    """An answer to send; `body` is sent as it is when it is bytes, else as JSON (None: no body)."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Asked], Told | None]
"""The answer to a request; None is GitHub's 404."""


class Replay:
    """The running server; `asked` holds every path that was asked for, in order."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[str] = []
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Header and body go in two writes: with Nagle's delay each answer would take 40 ms.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers.items()), replay.url)
                replay.asked.append(self.path)
                self._send(replay.script(asked) or Told(NOT_FOUND, 404))

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                self._send(Told(NOT_FOUND, 404))

            def _send(self, told: Told) -> None:
                body = told.body
                if not isinstance(body, bytes):
                    body = b"" if body is None else json.dumps(body).encode()
                self.send_response(told.status)
                headers = {"content-type": "application/json; charset=utf-8"}
                headers |= {name.lower(): value for name, value in told.headers.items()}
                for name, value in headers.items():
                    self.send_header(name, value)
                if told.status not in (204, 304):
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                if told.status not in (204, 304):
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Replay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def page_of(asked: Asked, items: Sequence[Any], alias: str | None = None) -> Told:
    """The page of a list that was asked for, the next one linked by `alias` (GitHub links pages by numeric ids)."""
    size = min(int(asked.query.get("per_page", 30)), LONGEST_PAGE)
    number = int(asked.query.get("page", 1))
    headers = {}
    if number * size < len(items):
        query = urlencode({**asked.query, "page": str(number + 1)})
        headers["link"] = f'<{asked.base}{alias or asked.path}?{query}>; rel="next"'
    return Told(list(items[(number - 1) * size : number * size]), headers=headers)


_ABOUT_THE_WIRE = frozenset({"content-length", "content-encoding", "transfer-encoding", "connection", "status", "host"})


def as_recorded(response: Mapping[str, Any], base: str, *, links: bool = True) -> Told:
    """A recorded response with the addresses of its `Link` and `Location` mapped to this server.

    Without `links` no further page is told of: most recordings hold one page of a longer list.
    """
    headers: dict[str, str] = {}
    for name, value in (response.get("headers") or {}).items():
        plain = value[0] if isinstance(value, list) else str(value)
        name = name.lower()
        if name in _ABOUT_THE_WIRE or (name == "link" and not links):
            continue
        for host in ("https://api.github.com", "http://localhost:54240"):
            plain = plain.replace(host, base)
        headers[name] = plain.replace("\r", " ").replace("\n", " ")
    body = response.get("body")
    if isinstance(body, dict) and set(body) == {"__text__"}:
        body = str(body["__text__"]).encode()
    return Told(None if body in (None, "") else body, int(response["status"]), headers)
