"""An HTTP server of a few lines in a process of its own, so that it shares no lock with what is measured.

It answers every request alike after a while, and notes when each arrived by the clock that all processes share.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any


class Running:
    """The server seen from the process that measures."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url = f"http://127.0.0.1:{pipe.recv()}"

    def arrivals(self) -> list[float]:
        """When each request so far arrived, in seconds of `time.monotonic`."""
        self._pipe.send("arrivals")
        moments: list[float] = self._pipe.recv()
        return moments


@contextmanager
def server(body: Any, *, latency: float = 0.0) -> Iterator[Running]:
    """A server that answers `body` as JSON, `latency` seconds after it was asked."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs, json.dumps(body).encode(), latency), daemon=True
    )
    process.start()
    try:
        yield Running(ours)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, body: bytes, latency: float) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = head.encode() + body
    arrivals: list[float] = []

    class Answering(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport
            self.waiting = b""

        def data_received(self, data: bytes) -> None:
            now = time.monotonic()
            self.waiting += data
            while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
                self.waiting = self.waiting[end + 4 :]
                arrivals.append(now)
                if latency:
                    asyncio.get_running_loop().call_later(latency, self.transport.write, answer)
                else:
                    self.transport.write(answer)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(Answering, "127.0.0.1", 0, backlog=512)
        pipe.send(listening.sockets[0].getsockname()[1])
        while True:
            await loop.run_in_executor(None, pipe.recv)
            pipe.send(arrivals)

    asyncio.run(run())
