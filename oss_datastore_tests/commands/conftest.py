"""One GitHub and one home that a whole day was brought through, failures included, for all tests of commands."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.homes import CANARY, DAY, PLENTY, after, command, environment
from oss_datastore_tests.parsed import parsed_home

BROKEN = (
    "server_error@/repos/*/traffic/clones=1:sticky,forbidden@/repos/*/traffic/popular/paths=1:sticky,"
    "malformed_item@/repos/*/issues/1=1:sticky"
)


@pytest.fixture(scope="session")
def github() -> Iterator[Simulator]:
    """A GitHub of three repositories just after the close of DAY; it knows the canary token only."""
    with Simulator(repos=3, now=after(DAY), tokens={CANARY: "owner"}, limits=PLENTY) as simulator:
        yield simulator


@dataclass(frozen=True)
class Lived:
    """A home after `run --day DAY`, and what the command said."""

    home: Path
    env: dict[str, str]
    done: subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def lived(github: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A day of which some requests failed, some were refused and one record did not parse, loaded to the report."""
    home = parsed_home(tmp_path_factory.mktemp("lived") / "home")
    env = environment(github, home)
    github.set_faults(BROKEN)
    done = command("run", "--day", DAY.isoformat(), env=env, cwd=home.parent)
    github.set_faults(None)
    yield Lived(home, env, done)
    EmbeddedPostgres(home).stop()
