"""Long work shows bars at a terminal and plain lines elsewhere, and leaves the terminal as it was."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

from oss_datastore.runs import _ReadAlong
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.homes import CANARY, DAY, PLENTY, after, environment, words
from oss_datastore_tests.commands.terminals import HIDDEN, INTERRUPT, SHOWN, at_terminal

BAR = "━"


def test_an_interrupt_in_the_middle_of_a_fetch_gives_the_terminal_back(tmp_path: Path) -> None:
    with Simulator(repos=3, now=after(DAY), tokens={CANARY: "owner"}, limits=PLENTY, latency_ms=300) as github:
        env = environment(github, tmp_path / "home", DLQ_URL="postgresql://nobody@127.0.0.1:9/nothing")
        arguments = words(("run", "--day", DAY.isoformat(), "--select", "group:staging"))
        done = at_terminal(arguments, env, tmp_path, press=("traffic_views", INTERRUPT))
    assert done.code == 130, done.text[-2000:]
    assert "fetching" in done.text
    assert BAR in done.text
    assert done.text.rindex(SHOWN) > done.text.rindex(HIDDEN)
    assert "Traceback" not in done.text
    assert done.lines[-1] == "stopped; what was fetched is kept, the same command goes on"
    assert not any(BAR in line for line in done.lines)


def test_a_run_that_fails_leaves_the_terminal_clean_and_its_error_readable(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    env = environment(None, home, DLQ_URL="postgresql://nobody@127.0.0.1:9/nothing")
    done = at_terminal(words(("run", "--day", DAY.isoformat(), "--select", 'key:"psa/labels"')), env, tmp_path)
    assert done.code == 1, done.text[-2000:]
    assert "psa" in done.text
    assert done.text.rindex(SHOWN) > done.text.rindex(HIDDEN)
    [error] = [line for line in done.lines if line.startswith("error: ")]
    assert "warehouse.duckdb" in error
    assert not any(BAR in line or "Traceback" in line for line in done.lines)


class Heard:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.models_done: list[tuple[int, int]] = []

    def begins(self, days: list[date], steps: object) -> None: ...

    def step(self, stage: str, name: str, is_done: bool) -> None: ...

    def models(self, done: int, planned: int) -> None:
        self.models_done.append((done, planned))


def test_models_and_checks_that_are_done_are_counted_and_dbts_lines_are_kept() -> None:
    log, heard = io.StringIO(), Heard()
    lines = (
        "16:20:01  1 of 1 START hook: oss_datastore.on-run-start.0 ....... [RUN]\n"
        "16:20:01  1 of 1 OK hook: oss_datastore.on-run-start.0 .......... [OK in 0.06s]\n"
        "1 of 522 START sql table model infomarts.data_quality_daily ..... [RUN]\n"
        "1 of 522 OK created sql table model infomarts.data_quality_daily  [OK in 0.37s]\n"
        "2 of 522 FAIL 3 dbt_unique_grain ................................ [FAIL 3 in 0.10s]\n"
    )
    stream = _ReadAlong(log, heard)  # type: ignore[arg-type]
    for line in lines.splitlines(keepends=True):
        stream.write(line)
    assert heard.models_done == [(1, 522), (2, 522)]
    assert log.getvalue() == lines
