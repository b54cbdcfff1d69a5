"""The Dagster UI: what loading the code location takes, and a day of everything that is launched from it.

The home is that of a demo with twelve repositories. Its last day is fetched anew, every dataset of it, and brought
through all tables and checks to the report: the job `daily`, as the UI launches it, by the UI's own GraphQL.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import show
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore_tests.browser.dagster_ui import DagsterUi, environment, live_through

REPOSITORIES, DAYS = 12, 3
LOAD_PROCESSOR, LOAD_MEMORY, RUN_WALL = 8.0, 350.0, 90.0

_LAUNCH = """
mutation Launch($config: RunConfigData, $tags: [ExecutionTag!]) {
  launchRun(executionParams: {
    selector: {repositoryName: "__repository__", repositoryLocationName: "oss_datastore", jobName: "daily"}
    runConfigData: $config, executionMetadata: {tags: $tags}
  }) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }
}"""


_LOCATION = """
import resource
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value
from oss_datastore.definitions import defs
serialize_value(RepositorySnap.from_def(defs.get_repository_def()))
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
"""
"""What a code server does until the UI can show the graph; there, sensors tick as soon as it can."""

_STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status stepStats { status } } } }"


def load_seconds(home: Path) -> float:
    """Seconds of the processor that loading the code location takes, in a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-c", _LOCATION], env=environment(home), cwd=home.parent, capture_output=True, text=True
    )
    done.check_returncode()
    return float(done.stdout.split()[-1])


def code_servers(ui: DagsterUi) -> list[psutil.Process]:
    """The processes that have loaded the definitions."""
    return [process for process in ui.processes() if {"grpc", "code-server"} & set(process.cmdline())]


def waited_for(ui: DagsterUi, run_id: str, statuses: set[str]) -> dict[str, Any]:
    """The run once it is in one of these states, asked seldom: the UI's own work is part of what is measured."""
    while True:
        run: dict[str, Any] = ui.ask(_STATUS, id=run_id)["runOrError"]
        if run["status"] in statuses:
            return run
        time.sleep(1)


def spent(processes: list[psutil.Process]) -> float:
    """Seconds of the processor, with those of children that have ended."""
    times = [process.cpu_times() for process in processes]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


def most_memory(process: psutil.Process) -> float:
    """The most memory that a process ever held, in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def launched(ui: DagsterUi, day: str) -> str:
    """Launches the job `daily` for a day whose datasets are all to be asked for again; returns the run's id."""
    config = {"ops": {f"stage_{name}": {"config": {"force": True}} for name in ANSWER_SETS}}
    answer = ui.ask(_LAUNCH, config=config, tags=[{"key": "dagster/partition", "value": day}])["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        raise RuntimeError(f"the run was not launched: {answer}")
    return str(answer["run"]["runId"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, object] = {"repositories": REPOSITORIES}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        days = live_through(home, days=DAYS, repos=REPOSITORIES, datasets="")
        figures["load of the machine before"] = os.getloadavg()[0]
        with DagsterUi(home, Path(folder) / "ui.log", datasets="") as ui:
            memory = max(map(most_memory, code_servers(ui)))
            before, began = spent(ui.processes()), time.monotonic()
            run_id = launched(ui, days[-1].isoformat())
            waited_for(ui, run_id, {"STARTED", "SUCCESS", "FAILURE"})
            figures["launch to start, s"] = time.monotonic() - began
            run = waited_for(ui, run_id, {"SUCCESS", "FAILURE", "CANCELED"})
            wall = time.monotonic() - began
            figures |= {
                "launch to success, s": wall,
                "the same, processor with daemon, web server and GitHub's simulator, s": spent(ui.processes()) - before,
                "steps": len(run["stepStats"]),
                "load of the machine meanwhile": os.getloadavg()[0],
            }
        if run["status"] != "SUCCESS":
            raise RuntimeError(f"run {run_id} ended as {run['status']}")
        load = load_seconds(home)
        figures |= {"code location: processor, s": load, "code location: memory, MB": memory}
    failed = [
        said
        for said, missed in (
            (f"the code location loads in less than {LOAD_PROCESSOR:.0f} s of the processor", load >= LOAD_PROCESSOR),
            (f"and with less than {LOAD_MEMORY:.0f} MB", memory >= LOAD_MEMORY),
            (f"a day of everything in less than {RUN_WALL:.0f} s", wall >= RUN_WALL),
        )
        if missed
    ]
    return show("the Dagster UI", figures, failed, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
