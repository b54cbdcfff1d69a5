"""`oss-datastore ui` on a home, from its start to the end of the last process it began. No test stands here."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import psutil
import requests

from oss_datastore.dead_letters.embedded import EmbeddedPostgres

T = TypeVar("T")

PICTURES = os.environ.get("PICTURES") == "1"
"""Pictures are taken of a home that looks like one, with all datasets; tests alone have enough of a small one."""

# Cores are shared with who knows what: waits are on conditions, and only a machine that stands still meets a limit.
PATIENCE = 1200.0 if PICTURES else 240.0


def wait_for(what: str, look: Callable[[], T | None], seconds: float = PATIENCE) -> T:
    """Asks until there is an answer that holds something. Raises AssertionError that says what never came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


FEW = "traffic_*,issues,members"
"""Datasets enough to be looked at."""


def environment(home: Path, datasets: str = "" if PICTURES else FEW) -> dict[str, str]:
    """Only what a process needs to run, and the home: no setting of who runs the tests reaches in."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "OSS_DATASTORE_HOME": str(home),
        "OSS_DATASTORE_DATASETS": datasets,
        "TZ": "UTC",
    }


def live_through(home: Path, days: int, repos: int, **more: str) -> list[date]:
    """A demo of some days, and one day before them that nobody has loaded. Returns all days, that one first."""
    done = subprocess.run(
        [sys.executable, "-m", "oss_datastore", "demo", "--days", str(days), "--repos", str(repos)],
        # Nobody hears of the failures yet: in the UI it is the sensor that tells of them.
        env=environment(home, **more) | {"OSS_DATASTORE_ALERTS": "webhook:http://127.0.0.1:9/nobody"},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    assert done.returncode == 0, f"the demo ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    marker = home / "demo.json"
    remembered = json.loads(marker.read_text())
    first = date.fromisoformat(remembered["first_day"]) - timedelta(days=1)
    marker.write_text(json.dumps(remembered | {"first_day": first.isoformat()}))
    return [first + timedelta(days=n) for n in range(days + 1)]


class DagsterUi:
    """A running UI. Use it as a context manager: whatever happens inside, nothing of it is left running."""

    def __init__(self, home: Path, log: Path, **more: str) -> None:
        self.home, self.log, self._environment = home, log, environment(home, **more)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> DagsterUi:
        try:
            with self.log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "oss_datastore", "ui", "--port", self.url.rpartition(":")[2]],
                    env=self._environment,
                    cwd=self.home.parent,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            wait_for("the code location is loaded", self._loaded)
            self._stop_schedule()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _loaded(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the UI ended by itself:\n{self.log.read_text()[-4000:]}"
        try:
            answer = self.ask(
                "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {"
                " __typename ... on PythonError { message } } } } } }"
            )
        except requests.RequestException:
            return False
        entries = [e["locationOrLoadError"] for e in answer["workspaceOrError"]["locationEntries"]]
        assert not [e for e in entries if e and e["__typename"] == "PythonError"], entries
        return bool(entries) and all(entries)

    def _stop_schedule(self) -> None:
        """No hour that happens to be full while tests run may bring runs of its own."""
        found = self.ask(
            '{ scheduleOrError(scheduleSelector: { repositoryName: "__repository__", repositoryLocationName:'
            ' "oss_datastore", scheduleName: "hourly" }) { ... on Schedule { id scheduleState { status } } } }'
        )["scheduleOrError"]
        assert found["scheduleState"]["status"] == "RUNNING"
        stopped = self.ask(
            "mutation Stop($id: String) { stopRunningSchedule(id: $id) {"
            " ... on ScheduleStateResult { scheduleState { status } } } }",
            id=found["id"],
        )["stopRunningSchedule"]
        assert stopped["scheduleState"]["status"] == "STOPPED"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query to the webserver. Raises AssertionError on errors of the query."""
        answer = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60)
        body = answer.json()
        assert not body.get("errors"), body["errors"]
        data: dict[str, Any] = body["data"]
        return data

    def runs(self) -> list[dict[str, Any]]:
        """All runs, newest first."""
        found = self.ask(
            "{ runsOrError { ... on Runs { results { id jobName status tags { key value }"
            " stepStats { stepKey status } } } } }"
        )
        results: list[dict[str, Any]] = found["runsOrError"]["results"]
        return [run | {"tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in results]

    def letters(self) -> list[dict[str, Any]]:
        """Open dead letters of the home."""
        done = subprocess.run(
            [sys.executable, "-m", "oss_datastore", "dlq", "list", "--json"],
            env=self._environment,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """What was told by the log, in order."""
        file = self.home / "alerts.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def finished(self, run_id: str) -> dict[str, Any]:
        """A run once it has ended. Raises AssertionError with its failed steps if it did not succeed."""

        def ended() -> dict[str, Any] | None:
            run = next(run for run in self.runs() if run["id"] == run_id)
            return run if run["status"] in ("SUCCESS", "FAILURE", "CANCELED") else None

        run = wait_for(f"run {run_id} ends", ended)
        assert run["status"] == "SUCCESS", (run, self.log.read_text()[-4000:])
        return run

    def processes(self) -> list[psutil.Process]:
        """Everything alive that was started for this home."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.environ().get("OSS_DATASTORE_HOME") == str(self.home):
                    found.append(process)
            except psutil.Error:
                continue
        return [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]

    def end(self) -> list[str]:
        """Ends the UI as a terminal would; what does not go is killed and named in the answer."""
        if self._process is None:
            return []
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
            wait_for("its processes end", lambda: not self.processes(), 30)
        except (subprocess.TimeoutExpired, AssertionError):
            pass
        left = []
        for other in self.processes():
            try:
                left.append(" ".join(other.cmdline())[:200])
                other.kill()
            except psutil.Error:
                continue
        if process.poll() is None:
            process.kill()
            process.wait()
        EmbeddedPostgres(self.home).stop()
        return left
