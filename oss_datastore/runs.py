"""Dagster runs made by the command line: in its own process, on the same home, so that the UI shows them.

What is materialised is the `daily` job; which days are missing is `completeness`.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from oss_datastore.build import build_definitions
from oss_datastore.connections import prepare_home
from oss_datastore.jobs import DAILY
from oss_datastore.settings import Settings

_INSTANCE = """\
# Written by OSS-Datastore when the home was made; yours to change.
telemetry:
  enabled: false
# No form on the first visit that asks for an address and sends it elsewhere.
nux:
  enabled: false
event_log_storage:
  module: oss_datastore.resources.event_log
  class: KeptSqliteEventLogStorage
  config:
    base_dir: {history}
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: op
    default_limit: 1
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 30
"""


_MADE_HERE = {"oss_datastore/made_by": "command"}
"""Tags the runs of the command line: they live and die with their process."""

logger = logging.getLogger("oss_datastore")


class WrongSelection(ValueError):
    """`--select` names no asset, or is no selection at all."""


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended: its id, and one line per step that failed."""

    run_id: str
    success: bool
    errors: tuple[str, ...]


_set_here: set[str] = set()
"""What this process has put into DAGSTER_HOME itself: no choice of anybody's."""


def dagster_home(settings: Settings) -> Path:
    """Dagster's own folder: DAGSTER_HOME where somebody has set it, else under our home, with its configuration.

    A deployment has its runs and events elsewhere (`infra/dagster.yaml`), and what a retry or a command loads belongs
    there, too. The folder is also set for this process.
    """
    chosen = os.environ.get("DAGSTER_HOME", "")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "200")
    if chosen and chosen not in _set_here:
        return Path(chosen)
    folder = prepare_home(settings) / "dagster"
    folder.mkdir(exist_ok=True)
    configuration = folder / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text(_INSTANCE.format(history=folder / "history" / "runs"), encoding="utf-8")
    os.environ["DAGSTER_HOME"] = str(folder)
    _set_here.add(str(folder))
    return folder


class Runner:
    """Makes runs of the `daily` job; the definitions are put together once, whatever the number of runs."""

    def __init__(self, settings: Settings, *, resources: Mapping[str, Any] | None = None) -> None:
        folder = dagster_home(settings)
        self._dbt_log = folder / "dbt.log"
        self._lock = folder / "command.lock"
        self._definitions = build_definitions(resources=resources)
        self._job = self._definitions.resolve_job_def(DAILY)
        self._instance = dg.DagsterInstance.get()

    def keys(self, selection: str | None) -> list[dg.AssetKey]:
        """The asset keys that a selection in Dagster's syntax names. Raises WrongSelection."""
        graph = self._definitions.resolve_asset_graph()
        try:
            chosen = dg.AssetSelection.from_string(selection) if selection else dg.AssetSelection.all()
            keys = chosen.resolve(graph)
        except Exception as why:
            raise WrongSelection(f"--select {selection!r}: {why}") from why
        if not keys:
            raise WrongSelection(f"--select {selection!r} names no asset")
        return sorted(keys)

    def run(self, first: date, last: date, *, select: str | None = None, force: bool = False) -> RunOutcome:
        """Materialises the selected assets for the days from `first` to `last`, both included, in one run."""
        keys = self.keys(select)
        ops = {
            node.name: {"config": {"force": True}}
            for node in self._job.nodes
            if force and node.name.startswith("stage_")
        }
        # dbt tells every model and test on standard output: kept for who looks for it, out of the way of who does not.
        with self._alone(), self._dbt_log.open("a", encoding="utf-8") as log, redirect_stdout(log):
            result = self._job.execute_in_process(
                instance=self._instance,
                asset_selection=keys,
                tags={
                    **_MADE_HERE,
                    ASSET_PARTITION_RANGE_START_TAG: first.isoformat(),
                    ASSET_PARTITION_RANGE_END_TAG: last.isoformat(),
                },
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, "ops": ops},
                raise_on_error=False,
            )
        errors = []
        for event in result.all_events:
            if event.is_step_failure:
                error = event.step_failure_data.error
                while error is not None and error.cause is not None:
                    error = error.cause
                text = error.message.strip() if error is not None else "failed without an error"
                errors.append(f"{event.step_key}: {text.splitlines()[0] if text else 'failed'}")
        return RunOutcome(result.run_id, result.success, tuple(errors))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command makes runs on a home at a time; the kernel lets go of the lock of one that was killed."""
        with self._lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                logger.warning("another command makes a run on this home; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            self._bury()
            yield

    def _bury(self) -> None:
        """Ends the runs of commands that were killed: their places in the pools would keep every later run waiting."""
        dead = self._instance.get_runs(dg.RunsFilter(tags=_MADE_HERE, statuses=IN_PROGRESS_RUN_STATUSES))
        for run in dead:
            self._instance.report_run_failed(run, "The process of this run ended without a word: it was killed.")
            self._instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
