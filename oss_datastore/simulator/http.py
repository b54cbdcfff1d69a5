"""HTTP/1.1 on loopback, as little of it as a client of GitHub needs, and with the ways in which it breaks.

A framework would be more comfortable, but none lets an answer be cut in the middle or its connection be reset.
What is answered belongs to `application`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_HEAD = 65_536
LARGEST_BODY = 16 * 1024 * 1024
PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What goes back; `breakage` says how the wire fails: `reset` before a byte, `cut` in the middle of the body."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    breakage: str | None = None


Answer = Callable[[Asked], Reply]


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Method, target and lower-case headers. Raises ValueError when it is no HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(version)
    headers: dict[str, str] = {}
    for line in lines:
        name, found, value = line.partition(":")
        if not found:
            raise ValueError(line)
        headers[name.lower()] = value.strip()
    return method, target, headers


class Connection(asyncio.Protocol):
    """One client's connection: requests one after the other, kept open between them."""

    def __init__(self, answer: Answer, finished: Callable[[], None], all_open: set[Connection]) -> None:
        self._answer, self._finished, self._all_open = answer, finished, all_open
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends each answer at once instead of waiting for more to send."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - narrows the type
        self._transport = transport
        self._all_open.add(self)
        wire = transport.get_extra_info("socket")
        if wire is not None:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the transport: a late answer finds nobody."""
        self._transport = None
        self._all_open.discard(self)

    def drop(self) -> None:
        """Closes the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Collects bytes until a request is whole."""
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self._busy or self._transport is None:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD:
                self._refuse(431)
            return
        try:
            method, target, headers = parse_head(bytes(self._buffer[:end]))
            length = int(headers.get("content-length", "0"))
        except ValueError:
            self._refuse(400)
            return
        if "transfer-encoding" in headers or length > LARGEST_BODY:
            self._refuse(411 if "transfer-encoding" in headers else 413)
            return
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True)) if parts.query else {}
        asked = Asked(method, target, unquote(parts.path), query, headers, body)
        self._busy = True
        reply = self._answer(asked)
        keep = headers.get("connection", "").lower() != "close"
        if reply.delay > 0:
            asyncio.get_running_loop().call_later(reply.delay, self._send, reply, method, keep)
        else:
            self._send(reply, method, keep)

    def _refuse(self, status: int) -> None:
        if self._transport is not None:
            self._transport.write(f"HTTP/1.1 {status} {PHRASES[status]}\r\ncontent-length: 0\r\n\r\n".encode())
            self._transport.close()

    def _send(self, reply: Reply, method: str, keep: bool) -> None:
        self._finished()
        self._busy = False
        transport = self._transport
        if transport is None:
            return
        if reply.breakage == "reset":
            # Lingering for zero seconds makes the kernel send RST instead of a polite end.
            wire = transport.get_extra_info("socket")
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
            return
        body = b"" if method == "HEAD" or reply.status in (204, 304) else reply.body
        head = [f"HTTP/1.1 {reply.status} {PHRASES.get(reply.status, 'Unknown')}"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.status not in (204, 304):
            head.append(f"content-length: {len(reply.body)}")
        if not keep:
            head.append("connection: close")
        wanted = body[: len(body) // 2] if reply.breakage == "cut" else body
        transport.write("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + wanted)
        if reply.breakage == "cut" or not keep:
            transport.close()
        elif self._buffer:
            asyncio.get_running_loop().call_soon(self._next)
