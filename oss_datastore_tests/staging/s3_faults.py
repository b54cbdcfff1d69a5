"""An S3 endpoint that goes wrong: a proxy on loopback in front of a real one, which strikes single requests."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

KINDS = {
    "slow_down": "503 SlowDown; nothing reached S3",
    "reset_before": "the connection is reset; nothing reached S3",
    "reset_after": "S3 did what was asked, then the connection is reset",
    "sent_twice": "the request reached S3 twice, and the second answer comes back: 412 after one's own write",
    "conflict": "409 ConditionalRequestConflict to a conditional write",
    "slow": "the answer comes late",
    "truncated": "an object's bytes end in the middle",
    "flipped": "one bit of an object's bytes is another",
    "request_timeout": "400 RequestTimeout; nothing reached S3",
    "error_in_200": "the completion of an upload in parts is answered by 200 with an error inside; it is not complete",
}
"""What may go wrong, by name."""

_ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'
_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class FaultyS3:
    """Forwards to `endpoint`; each request throws dice for the declared kinds in turn, with a seeded generator.

    `declare` takes a rate per kind, and with `times` how many strikes there are in all. `slow_seconds` is how late a
    slow answer comes. `requests` and `struck` count what arrived and what went wrong.
    """

    def __init__(self, endpoint: str, *, seed: int = 1, slow_seconds: float = 0.2) -> None:
        self.requests = 0
        self.struck: Counter[str] = Counter()
        self._target = urlsplit(endpoint).netloc
        self._slow_seconds = slow_seconds
        self._dice = random.Random(seed)
        self._rates: dict[str, float] = {}
        self._left: int | None = None
        self._lock = threading.Lock()
        proxy = self

        class Handler(_Handler):
            faults = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address to give to clients in place of S3's."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def declare(self, rates: Mapping[str, float] | None = None, *, times: int | None = None) -> None:
        """Replaces what goes wrong; without rates nothing does."""
        unknown = set(rates or {}) - KINDS.keys()
        if unknown:
            raise ValueError(f"unknown faults {sorted(unknown)}: expected some of {', '.join(KINDS)}")
        with self._lock:
            self._rates, self._left = dict(rates or {}), times

    def strike(self, method: str, conditional: bool, reads: bool) -> str | None:
        """Which fault hits a request, if any: `conditional` writes an object or nothing, `reads` asks for its bytes."""
        with self._lock:
            self.requests += 1
            for kind, rate in self._rates.items():
                if (kind == "conflict" and not conditional) or (kind in ("truncated", "flipped") and not reads):
                    continue
                if (kind == "sent_twice" and method != "PUT") or (
                    kind == "error_in_200" and not (conditional and method == "POST")
                ):
                    continue
                if self._left != 0 and self._dice.random() < rate:
                    self._left = None if self._left is None else self._left - 1
                    self.struck[kind] += 1
                    return kind
            return None

    def forward(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        """S3's own answer."""
        connection = http.client.HTTPConnection(self._target, timeout=30)
        try:
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            return _Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def late(self) -> None:
        """Waits as long as a slow answer takes."""
        time.sleep(self._slow_seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Answer:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits for an acknowledgement that the client delays
    faults: FaultyS3

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        conditional = "if-none-match" in self.headers
        path, _, query = self.path.partition("?")
        reads = self.command == "GET" and path.strip("/").count("/") > 0 and "list-type" not in query
        fault = self.faults.strike(self.command, conditional, reads)
        if fault == "slow_down":
            self._answer(_Answer(503, [], _ERROR.format("SlowDown", "Please reduce your request rate.").encode()))
            return
        if fault == "conflict":
            text = "A conflicting conditional operation is in progress."
            self._answer(_Answer(409, [], _ERROR.format("ConditionalRequestConflict", text).encode()))
            return
        if fault == "request_timeout":
            text = "Your socket connection to the server was not read from or written to within the timeout period."
            self._answer(_Answer(400, [], _ERROR.format("RequestTimeout", text).encode()))
            return
        if fault == "error_in_200":
            text = "We encountered an internal error. Please try again."
            self._answer(_Answer(200, [], _ERROR.format("InternalError", text).encode()))
            return
        if fault == "reset_before":
            self._reset()
            return
        # Without Expect: the proxy has the body already.
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("expect", "connection")}
        answer = self.faults.forward(self.command, self.path, headers, body)
        if fault == "sent_twice":
            answer = self.faults.forward(self.command, self.path, headers, body)
        if fault == "reset_after":
            self._reset()
            return
        if fault == "slow":
            self.faults.late()
        if fault == "flipped" and answer.status == 200 and answer.body:
            answer.body = bytes([answer.body[0] ^ 1]) + answer.body[1:]
        self._answer(answer, cut=fault == "truncated" and answer.status == 200)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _answer(self, answer: _Answer, cut: bool = False) -> None:
        self.send_response_only(answer.status)
        length = str(len(answer.body))
        for name, value in answer.headers:
            if name.lower() == "content-length":
                length = value  # of a HEAD, whose body does not come
            elif name.lower() not in _HOP:
                self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
        if cut:
            self.close_connection = True

    def _reset(self) -> None:
        # Lingering for zero seconds makes the kernel send RST instead of a polite end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()
