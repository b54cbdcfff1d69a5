"""A simulator that the tests of one module share, and a client that asks it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from oss_datastore.simulator import Limits, Simulator

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
WIDE = Limits(core=1_000_000, graphql=1_000_000, points_per_minute=1_000_000, graphql_points_per_minute=1_000_000)


def signature(now: datetime = NOW, key: Any = None, **claims: Any) -> str:
    """What a GitHub App shows of itself; without a key of its own it is signed with nothing."""
    seconds = int(now.timestamp())
    told = {"iat": seconds - 60, "exp": seconds + 540, "iss": "100001", **claims}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, told)]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signed = key.sign(text, PKCS1v15(), SHA256()) if key else b"nothing"
    return (text + b"." + base64.urlsafe_b64encode(signed).rstrip(b"=")).decode()


class Client:
    """Asks one simulator, as one token."""

    def __init__(self, simulator: Simulator, *, token: str | None = None, version: str | None = None) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.headers.update({"Authorization": f"Bearer {token or 'owner'}", "User-Agent": "tests"})
        if version:
            self.session.headers["X-GitHub-Api-Version"] = version

    def get(self, path: str, **more: Any) -> requests.Response:
        """One REST answer; redirects are not followed."""
        more.setdefault("allow_redirects", False)
        url = path if path.startswith("http") else self.simulator.url + path
        return self.session.get(url, timeout=20, **more)

    def pages(self, path: str) -> list[Any]:
        """All entries of a list, by following its links."""
        found: list[Any] = []
        url: str | None = path
        while url:
            answer = self.get(url)
            assert answer.status_code == 200, answer.text
            found += answer.json()
            url = answer.links.get("next", {}).get("url")
        return found

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """One GraphQL answer."""
        body = {"query": text, "variables": variables}
        answer: dict[str, Any] = self.session.post(self.simulator.graphql_url, json=body, timeout=20).json()
        return answer


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(now=NOW, limits=WIDE) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def client(sim: Simulator) -> Client:
    return Client(sim)
