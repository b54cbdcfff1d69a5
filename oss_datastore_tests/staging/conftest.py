"""One small GitHub for all tests of fetching; each test sets its clock and its faults."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.staging.fetching import DAY, PLENTY, Tables, after, entries, fetch_all, fetcher, load

TOKENS = {
    "ghp_owner": "owner",
    "ghp_member": "member",
    "ghp_outsider": "outsider",
    "ghp_limited": "fine-grained -administration",
    "ghp_app": "app",
}


@pytest.fixture(scope="session")
def _github() -> Iterator[Simulator]:
    with Simulator(repos=3, now=after(DAY), tokens=TOKENS, limits=PLENTY, timeout_seconds=0.05) as simulator:
        yield simulator


@pytest.fixture
def github(_github: Simulator) -> Iterator[Simulator]:
    """A GitHub of three repositories just after the close of DAY, without faults, its log empty."""
    _github.set_now(after(DAY))
    _github.set_faults(None)
    _github.application.log.clear()
    yield _github
    _github.set_faults(None)


@pytest.fixture(scope="session")
def whole(_github: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """The psa tables of DAY as a fetch without faults gives them."""
    _github.set_now(after(DAY))
    _github.set_faults(None)
    folder: Path = tmp_path_factory.mktemp("whole")
    fetch = fetcher(_github, folder / "store", now=after(DAY))
    fetch_all(fetch, DAY)
    assert {entry.state.value for entry in entries(fetch.staging, DAY)} <= {"complete", "disabled", "gone"}
    return load(fetch.staging, [DAY])
