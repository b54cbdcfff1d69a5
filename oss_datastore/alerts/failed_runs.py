"""Judges runs: those that failed and were not followed by one that succeeded.

Where runs are read from (Dagster's instance) does not belong here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oss_datastore.alerts.message import LISTED, Concern, Severity, counted

FAILED_RUNS = "failed_runs"


@dataclass(frozen=True)
class FailedRun:
    """A run that failed after the last success of its job: its id, its job and its days."""

    run_id: str
    job: str
    days: str


@dataclass
class RunJudge:
    """Failed runs, the newest first; `error_of` gives a run's first error by its id."""

    failed: Sequence[FailedRun]
    error_of: Callable[[str], str]

    keys = frozenset({FAILED_RUNS})

    def prepare(self) -> None:
        """Nothing has to be done before."""

    def judge(self, told: Mapping[str, Any]) -> list[Concern]:
        """One concern for all failed runs that were not told of."""
        if not self.failed:
            return []
        known = set(told.get(FAILED_RUNS, ()))
        new = [run for run in self.failed if run.run_id not in known]
        mark = sorted(run.run_id for run in self.failed)
        if not new:
            return [Concern(FAILED_RUNS, told[FAILED_RUNS], Severity.note, "", "")]
        lines = [f"- {run.job} of {run.days or 'no day'}: /runs/{run.run_id}" for run in new[:LISTED]]
        if len(new) > LISTED:
            lines.append(f"- and {len(new) - LISTED} more")
        body = [
            *lines,
            "",
            f"First error: {self.error_of(new[-1].run_id)}",
            "",
            "Read: the run's address in the UI ends as above (`make ui`)",
            "Run again: oss-datastore run",
        ]
        return [
            Concern(
                FAILED_RUNS, mark, Severity.page, f"{counted(len(new), 'run')} failed", "\n".join(body), count=len(new)
            )
        ]

    def end(self, key: str) -> str:
        """What is so once the concern is over."""
        return "The job succeeded again."
