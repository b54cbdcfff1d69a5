"""The comparison of a day retried too late sees a row that is missing and one that is too many, and excuses neither."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import DAY, PLENTY, after, fetcher
from soak.lateness import LATE_BY, Lateness, judge_late

SETS = ("organizations", "repositories", "traffic_views", "traffic_referrers", "issues")


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Path]]:
    folder = tmp_path_factory.mktemp("calm")
    with Simulator(repos=1, now=after(DAY), limits=PLENTY) as github:
        _fetch(github, folder, DAY, SETS)
        yield github, folder


def _fetch(github: Simulator, folder: Path, day: date, sets: tuple[str, ...], late_by: timedelta = timedelta()) -> None:
    run = fetcher(github, folder, now=after(day) + late_by)
    for name in sets:
        run.fetch(name, day)


def _judged(calm: Path, mine: Path) -> Lateness:
    stagings = [Staging(LocalStore(folder)) for folder in (mine, calm)]
    return judge_late(stagings[0], stagings[1], DAY, after(DAY) + LATE_BY, set())


def _late(calm: tuple[Simulator, Path], folder: Path) -> Path:
    """The calm day, of which traffic and referrers were asked a day too late."""
    github, whole = calm
    for name in ("organizations", "repositories", "issues"):
        shutil.copytree(whole / "staging" / name, folder / "staging" / name)
    github.set_faults("server_error@/repos/*/traffic/*=1:sticky")
    _fetch(github, folder, DAY, SETS)
    github.set_faults(None)
    _fetch(github, folder, DAY, SETS, LATE_BY)
    return folder


def _rewritten(folder: Path, change: Callable[[list[Any]], list[Any]]) -> None:
    """Issues as if other records had been staged."""
    for part in (folder / "staging" / "issues").rglob("part-*.jsonl.gz"):
        lines = [orjson.loads(line) for line in gzip.decompress(part.read_bytes()).splitlines()]
        part.chmod(0o644)
        part.write_bytes(
            gzip.compress(b"\n".join(orjson.dumps(line | {"payload": change(line["payload"])}) for line in lines))
        )


def test_what_cannot_be_had_any_more_is_told_by_the_ledger_and_traffic_is_that_of_a_later_window(
    calm: tuple[Simulator, Path], tmp_path: Path
) -> None:
    found = _judged(calm[1], _late(calm, tmp_path))
    assert found.broken == []
    assert (found.scopes, found.partial, found.unlisted, found.accounts) == (1, 0, 0, 0)
    assert found.unavailable > 0
    assert found.moments == 1


def test_a_row_that_is_missing_or_too_many_is_excused_by_nothing(calm: tuple[Simulator, Path], tmp_path: Path) -> None:
    late = _late(calm, tmp_path)
    _rewritten(late, lambda records: records[1:])
    assert any("missing in issues" in said for said in _judged(calm[1], late).broken)
    _rewritten(late, lambda records: [*records, {**records[0], "id": 7, "number": 7_000}])
    assert any("invented in issues" in said for said in _judged(calm[1], late).broken)
