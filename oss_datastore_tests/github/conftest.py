"""Clients of a scripted GitHub, and the server itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, StaticTokens
from oss_datastore_tests.github.scripted import NOON, TOKEN, Server, VirtualTime


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def other_server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def passing() -> VirtualTime:
    return VirtualTime()


Make = Callable[..., GitHub]


@pytest.fixture
def make(server: Server, passing: VirtualTime) -> Iterator[Make]:
    """Makes a client of the server, in virtual time, its calendar held at NOON."""
    made: list[GitHub] = []

    def _make(**changed: Any) -> GitHub:
        settings: dict[str, Any] = {
            "tokens": StaticTokens(TOKEN),
            "api_url": server.url,
            "graphql_url": f"{server.url}/graphql",
            "clock": Clock(NOON),
            "timer": passing.timer,
            "documents": lambda name: "query Q($owner: String) { organization(login: $owner) { login } }",
        }
        made.append(GitHub(**{**settings, **changed}))
        return made[-1]

    yield _make
    for client in made:
        client.close()


@pytest.fixture
def github(make: Make) -> GitHub:
    return make()
