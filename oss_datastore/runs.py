"""Dagster runs made by the command line: in its own process, on the same home, so that the UI shows them.

What is materialised is the `daily` job; which days are missing is `completeness`; how progress looks is
`commands.progress`.
"""

from __future__ import annotations

import fcntl
import io
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO
from uuid import uuid4

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from oss_datastore.build import build_definitions
from oss_datastore.connections import prepare_home
from oss_datastore.job_names import DAILY
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

_INTERRUPTS = frozenset({"KeyboardInterrupt", "DagsterExecutionInterruptedError"})

logger = logging.getLogger("oss_datastore")


Stage = Literal["fetch", "psa", "vault", "report"]

_STAGES: Mapping[str, Stage] = {"staging": "fetch", "psa": "psa", "report": "report"}
"""The stage of a run in which the assets of a layer are made; all other layers are dbt's."""

_DBT_DONE = re.compile(r"^(?:\d\d:\d\d:\d\d\s+)?\d+ of (\d+) (?!START )(?!\w+ hook)", re.MULTILINE)
"""dbt's line on a model or check that is done; hooks are numbered apart."""


class Watcher(Protocol):
    """Who is told how far a run is, on the thread that makes it. Nothing waits for what it does."""

    def begins(self, days: Sequence[date], steps: Mapping[Stage, int]) -> None:
        """A run of those days, with so many steps of each stage, begins."""

    def step(self, stage: Stage, name: str, is_done: bool) -> None:
        """A step began, or ended well; `name` is the answer set for fetching, else Dagster's name of the step."""

    def models(self, done: int, planned: int) -> None:
        """So many of dbt's models and checks are done."""


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


def _instance(folder: Path) -> dg.DagsterInstance:
    """Dagster's instance; on a folder of ours without capturing what a run prints.

    For that Dagster starts two processes a run. At a terminal an interrupt meets them, too, and one then writes its
    traceback; dbt's log is kept beside.
    """
    if str(folder) not in _set_here:
        return dg.DagsterInstance.get()
    nothing = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides={"compute_logs": nothing}))


class _ReadAlong(io.TextIOBase):
    """Where dbt's lines go: into a log, and what they tell to a watcher."""

    def __init__(self, log: TextIO, watcher: Watcher | None) -> None:
        self._log, self._watcher, self._done = log, watcher, 0

    def write(self, text: str) -> int:
        """Keeps the text; a line of dbt's on what is done counts."""
        if self._watcher is not None:
            for found in _DBT_DONE.finditer(text):
                self._done += 1
                self._watcher.models(self._done, int(found[1]))
        return self._log.write(text)

    def flush(self) -> None:
        """The log is flushed when it is closed: dagster-dbt asks for it after each of a thousand lines."""


class Runner:
    """Makes runs of the `daily` job; the definitions are put together once, whatever the number of runs."""

    def __init__(
        self, settings: Settings, *, resources: Mapping[str, Any] | None = None, watcher: Watcher | None = None
    ) -> None:
        folder = dagster_home(settings)
        self._dbt_log = folder / "dbt.log"
        self._lock = folder / "command.lock"
        self._definitions = build_definitions(resources=resources)
        self._job = self._definitions.resolve_job_def(DAILY)
        self._instance = _instance(folder)
        self._watcher = watcher

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
        run_id = str(uuid4())
        # dbt tells every model and test on standard output: kept for who looks for it, out of the way of who does not.
        with (
            self._alone(),
            self._dbt_log.open("a", encoding="utf-8") as log,
            redirect_stdout(_ReadAlong(log, self._watcher)),
        ):
            self._watch(run_id, keys, first, last)
            result = self._job.execute_in_process(
                run_id=run_id,
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
                # Dagster takes an interrupt for a failure of the step, and DuckDB for one of the query.
                if error is not None and (error.cls_name in _INTERRUPTS or "Query interrupted" in error.to_string()):
                    raise KeyboardInterrupt
                while error is not None and error.cause is not None:
                    error = error.cause
                text = error.message.strip() if error is not None else "failed without an error"
                errors.append(f"{event.step_key}: {text.splitlines()[0] if text else 'failed'}")
        return RunOutcome(result.run_id, result.success, tuple(errors))

    def _watch(self, run_id: str, keys: Sequence[dg.AssetKey], first: date, last: date) -> None:
        """Tells the watcher of the steps of a run."""
        watcher = self._watcher
        if watcher is None:
            return
        graph = self._definitions.resolve_asset_graph()
        stages = {graph.get(key).assets_def.node_def.name: _STAGES.get(key.path[0], "vault") for key in keys}
        days = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
        watcher.begins(days, Counter(stages.values()))

        def tell(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            if event is not None and (event.is_step_start or event.is_step_success) and event.step_key in stages:
                watcher.step(stages[event.step_key], event.step_key.removeprefix("stage_"), event.is_step_success)

        self._instance.add_event_listener(run_id, tell)

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
