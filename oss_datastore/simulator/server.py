"""The simulator as something to start and stop: in a thread of this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from oss_datastore.simulator.app_tokens import AppTokens
from oss_datastore.simulator.application import Application
from oss_datastore.simulator.faults import Faults, read_faults
from oss_datastore.simulator.http import Connection
from oss_datastore.simulator.limits import Limits
from oss_datastore.simulator.log import Entry
from oss_datastore.simulator.tokens import Token
from oss_datastore.simulator.world import World

LOOPBACK = "127.0.0.1"


class Simulator:
    """A GitHub of one's own on loopback.

    `now` holds its calendar (None: real time); `faults` is one text (`server_error=0.05,reset@/repos/*=0.1`) or a
    mapping; `tokens` says what each known token is (without it every non-empty token is an owner's). A GraphQL or
    REST answer that is to time out does so after `timeout_seconds`. In an `idle` world nothing has happened for years
    but looks at the repositories; `changes` are renamings, transfers, busy days and the like, as `world.changes`
    describes them. Statistics are there after they were asked for `statistics_after` times since the last push. A
    GitHub App signs with the key whose public half is `app_public_key` (PEM; None: any well-formed signature will do),
    and gets tokens that live `app_token_seconds`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        orgs: Sequence[str] = ("acme",),
        repos: int = 12,
        seed: int = 1,
        now: datetime | None = None,
        latency_ms: float = 0.0,
        faults: str | Mapping[str, str | float] | None = None,
        tokens: Mapping[str, Token | str] | None = None,
        limits: Limits | None = None,
        timeout_seconds: float = 10.0,
        idle: bool = False,
        changes: Sequence[str] = (),
        statistics_after: int = 1,
        app_public_key: str | None = None,
        app_id: int | None = None,
        app_token_seconds: float = 3_600.0,
    ) -> None:
        self.world = World(seed, orgs, repos, idle=idle, changes=changes)
        self.application = Application(
            self.world,
            tokens=tokens,
            limits=limits or Limits(),
            faults=Faults(seed, read_faults(faults)),
            latency_ms=latency_ms,
            timeout_seconds=timeout_seconds,
            now=None,
            computing=statistics_after,
            app=AppTokens(app_public_key, app_id, app_token_seconds),
        )
        self.application.set_now(now)
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failure: OSError | None = None

    @property
    def url(self) -> str:
        """Where REST is, without a slash at the end."""
        return self.application.base

    @property
    def graphql_url(self) -> str:
        """Where GraphQL is."""
        return f"{self.application.base}/graphql"

    @property
    def log(self) -> list[Entry]:
        """The requests so far, oldest first."""
        return list(self.application.log.entries.copy())

    @property
    def requests_during_block(self) -> int:
        """How often a client went on calling while it was blocked."""
        return self.application.gate.blocked_requests

    def set_now(self, now: datetime | None) -> None:
        """Holds the calendar at a moment; None lets it go on with real time."""
        self.application.set_now(now)

    def set_faults(self, faults: str | Mapping[str, str | float] | None) -> None:
        """Replaces the declared faults."""
        self.application.faults.declare(read_faults(faults))

    def start(self) -> Self:
        """Serves in a thread of this process. Raises OSError when the port is taken."""
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name="github-simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def stop(self) -> None:
        """Ends serving; open connections are closed."""
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        loop = self._loop = asyncio.new_event_loop()
        connections: set[Connection] = set()
        application = self.application
        try:
            server = loop.run_until_complete(
                loop.create_server(
                    lambda: Connection(application.answer, application.finished, connections),
                    LOOPBACK,
                    self._port,
                    backlog=512,
                )
            )
        except OSError as failure:
            self._failure = failure
            self._ready.set()
            loop.close()
            return
        application.base = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        try:
            loop.run_forever()
        finally:
            server.close()
            for connection in list(connections):
                connection.drop()
            loop.run_until_complete(asyncio.sleep(0))
            loop.close()


def serve(simulator: Simulator) -> None:
    """Waits, with a started simulator, until interrupted; then stops it."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        simulator.stop()
