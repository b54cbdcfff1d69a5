"""A real HTTP server on loopback that answers from a script, and time that passes only when somebody sleeps."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from oss_datastore.github import Timer

TOKEN = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Scripted:
    """One answer of the server."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Send only so many bytes of the body, then end the connection."""
    reset: bool = False
    """No answer: reset the connection."""
    delay: float = 0.0
    zipped: bool = False
    chunked: bool = False

    def raw(self) -> bytes:
        if self.body is None:
            return b""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return gzip.compress(body) if self.zipped else body


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Rule = Callable[[Received], Scripted]


class Server:
    """Answers in the order of the script; the last answer is repeated. A rule may answer instead."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.rule: Rule | None = None
        self._script: list[Scripted] = []
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def script(self, *answers: Scripted) -> None:
        self._script = list(answers)

    def next_answer(self, received: Received) -> Scripted:
        with self._lock:
            self.received.append(received)
            if self.rule is not None:
                return self.rule(received)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    @property
    def paths(self) -> list[str]:
        return [received.path for received in self.received]

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet for head and body: in two, the second waits for the first's acknowledgement.
        wbufsize = -1

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.answer(server.next_answer(Received(self.command, self.path, headers, body, time.monotonic())))

        do_POST = do_GET

        def answer(self, scripted: Scripted) -> None:
            time.sleep(scripted.delay)
            if scripted.reset:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            body = scripted.raw()
            # Without the usual Date header: a test that means one scripts it.
            self.send_response_only(scripted.status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **scripted.headers}.items():
                self.send_header(name, value)
            if scripted.zipped:
                self.send_header("Content-Encoding", "gzip")
            if scripted.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif scripted.status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            sent = body if scripted.cut is None else body[: scripted.cut]
            if scripted.chunked:
                sent = f"{len(body):x}\r\n".encode() + sent + (b"\r\n0\r\n\r\n" if scripted.cut is None else b"")
            self.wfile.write(sent)
            self.wfile.flush()
            self.close_connection = self.close_connection or scripted.cut is not None

        def log_message(self, format: str, *args: Any) -> None:
            """Tests are silent."""

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

    return Handler


class VirtualTime:
    """Passes only by sleeping; every sleep is remembered."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        with self._lock:
            return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += seconds

    @property
    def total(self) -> float:
        return self.now - 1000.0

    @property
    def timer(self) -> Timer:
        return Timer(self.monotonic, self.sleep)


NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
