"""How far long work is: bars on a terminal, a plain line for each part that is done elsewhere. All on standard error.

What is told comes from the fetch loop (units of an answer set), from Dagster (steps) and from dbt (models and checks);
how it comes here is `runs`. Standard output belongs to the answer of a command.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from oss_datastore.runs import Stage

_REFRESHES_PER_SECOND = 4

_LABELS: Mapping[Stage, str] = {
    "fetch": "fetching",
    "psa": "psa",
    "vault": "vault and infomarts",
    "report": "report",
}

_DONE: Mapping[Stage, str] = {
    "fetch": "fetched: {count} answer sets of {days}",
    "psa": "psa: {count} steps of {days} loaded",
    "vault": "vault and infomarts: {count} models and checks done",
    "report": "report and files: written",
}


def is_terminal() -> bool:
    """Whether bars can be drawn where messages go."""
    return sys.stderr.isatty()


class RunProgress:
    """Draws runs as a `Watcher`; also what `resources.progress` is told of fetching.

    `runs` is the number of runs of this form that follow each other: `demo` fetches each day in a run of its own.
    """

    def __init__(self, bars: Progress | None, say: Callable[[str], None], runs: int = 1) -> None:
        self._bars, self._say, self._runs = bars, say, runs
        self._days: Sequence[date] = ()
        self._stages: dict[Stage, _Stage] = {}
        self._fetching: str | None = None
        self._fetched: set[tuple[str, date]] = set()
        self._before, self._seconds_before = 0, 0.0
        # Putting the graph together takes seconds, on a busy machine half a minute.
        self._starting = bars.add_task("starting", total=None, note="") if bars is not None else None

    def begins(self, days: Sequence[date], steps: Mapping[Stage, int]) -> None:
        """A run begins: what it will do gets a bar when it comes to it."""
        fetch = self._stages.get("fetch")
        self._days, self._fetched = days, set()
        if fetch is not None and fetch.done < fetch.total:
            self._before, self._seconds_before = fetch.done, fetch.seconds
            return
        self._before = 0
        self._stages = {
            stage: _Stage(stage, steps[stage] * (len(days) * self._runs if stage == "fetch" else 1))
            for stage in _LABELS
            if steps.get(stage)
        }

    def step(self, stage: Stage, name: str, is_done: bool) -> None:
        """A step began or ended; ended steps of fetching have all their days, asked for or found."""
        found = self._stages[stage]
        if not found.is_begun:
            if self._bars is not None and self._starting is not None:
                self._bars.remove_task(self._starting)
                self._starting = None
            found.begin(self._bars, self._say)
        if stage == "fetch":
            self._fetching = name
            if is_done:
                self._fetched |= {(name, day) for day in self._days}
            found.show(self._before + len(self._fetched), note=self._of_runs(name))
        elif stage == "vault":
            found.is_over = is_done
        elif is_done:
            found.show(found.done + 1)
        if found.is_over or found.done >= found.total:
            days = len(self._days) * (self._runs if stage == "fetch" else 1)
            found.end(str(self._days[0]) if days == 1 else f"{days} days")

    def models(self, done: int, planned: int) -> None:
        """dbt counts its models and checks once it has begun."""
        vault = self._stages.get("vault")
        if vault is not None:
            vault.total = planned
            vault.show(done, note=_left(done, planned, vault.seconds))

    def __call__(self, answer_set: str, day: date, done: int, planned: int) -> None:
        """The fetch loop's word after every unit. What another step asks beforehand is not counted."""
        fetch = self._stages.get("fetch")
        if fetch is None or answer_set != self._fetching:
            return
        if done >= planned:
            self._fetched.add((answer_set, day))
            if self._bars is None and self._runs == 1:
                self._say(f"{day} {answer_set}: {planned} asked")
        of_day = f" of {day}" if len(self._days) > 1 else ""
        fetch.show(self._before + len(self._fetched), note=self._of_runs(f"{answer_set}{of_day} {done}/{planned}"))

    def _of_runs(self, note: str) -> str:
        """What is being done, with the day and the time left where runs of one day follow each other."""
        if self._runs == 1:
            return note
        return f"{self._days[0]} {_left(self._before, self._stages['fetch'].total, self._seconds_before)}".strip()


class _Stage:
    """One bar, or the line that stands for it."""

    def __init__(self, stage: Stage, total: int) -> None:
        self.stage, self.total, self.done = stage, total, 0
        self.is_over = False
        self._bars: Progress | None = None
        self._say: Callable[[str], None] = _echo
        self._task: TaskID | None = None
        self._began: float | None = None

    @property
    def is_begun(self) -> bool:
        return self._began is not None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began if self._began is not None else 0.0

    def begin(self, bars: Progress | None, say: Callable[[str], None]) -> None:
        self._bars, self._say, self._began = bars, say, time.monotonic()
        if bars is not None:
            # dbt says how much there is to do only once it has read its project.
            total = None if self.stage == "vault" else self.total
            self._task = bars.add_task(_LABELS[self.stage], total=total, note="")
        elif self.stage == "vault":
            say("vault and infomarts: loading")

    def show(self, done: int, note: str = "") -> None:
        self.done = done
        if self._bars is not None and self._task is not None:
            self._bars.update(self._task, completed=done, total=self.total, note=note)

    def end(self, days: str) -> None:
        if self._bars is not None and self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        told = _DONE[self.stage].format(count=f"{self.done:,}", days=days)
        self._say(f"{told} ({_clock(self.seconds)})")


@contextmanager
def run_progress(runs: int = 1) -> Iterator[RunProgress]:
    """Progress of runs made within, in this process, and of every fetch; bars are gone at the end, lines stay."""
    from oss_datastore.resources import progress

    with _drawing(MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.fields[note]}")) as (bars, say):
        shown = RunProgress(bars, say, runs)
        token = progress.set(shown)
        try:
            yield shown
        finally:
            progress.reset(token)


@contextmanager
def fetch_progress() -> Iterator[Callable[[str, date, int, int], None]]:
    """Progress of fetches without a run around them; the function given is what the fetch loop tells."""
    with _drawing(MofNCompleteColumn(), TimeElapsedColumn()) as (bars, say):
        task = bars.add_task("asking", total=None) if bars is not None else None

        def tell(answer_set: str, day: date, done: int, planned: int) -> None:
            if bars is not None and task is not None:
                bars.update(task, description=f"{day} {answer_set}", completed=done, total=planned)
            elif done >= planned:
                say(f"{day} {answer_set}: {planned} asked")

        yield tell


@contextmanager
def counted(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar for so many things of one kind; the function given is told how many are done."""
    with _drawing(MofNCompleteColumn(), TimeElapsedColumn()) as (bars, _):
        if bars is None:
            yield lambda done: None
            return
        task = bars.add_task(label, total=total)
        yield lambda done: bars.update(task, completed=done)


@contextmanager
def working(label: str) -> Iterator[None]:
    """On a terminal, a sign that something of unknown length is being done, with the time it has taken."""
    with _drawing(TimeElapsedColumn()) as (bars, _):
        if bars is not None:
            bars.add_task(label, total=None)
        yield


@contextmanager
def _drawing(
    *columns: MofNCompleteColumn | TimeElapsedColumn | TextColumn,
) -> Iterator[tuple[Progress | None, Callable[[str], None]]]:
    """Bars with those columns where they can be drawn, and how a line is said beside them."""
    with _standard_error() as stream:
        if stream is None:
            yield None, _echo
        elif not stream.isatty():
            yield None, lambda line: print(line, file=stream, flush=True)
        else:
            with Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=16),
                *columns,
                console=Console(file=stream),
                refresh_per_second=_REFRESHES_PER_SECOND,
                transient=True,
            ) as bars:
                yield bars, lambda line: bars.console.print(line, markup=False, highlight=False)


@contextmanager
def _standard_error() -> Iterator[TextIO | None]:
    """Standard error itself; None where it is no file, as in tests.

    Where Dagster captures what a run prints (`DAGSTER_HOME`), it puts a file in its place, which is no terminal.
    """
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, io.UnsupportedOperation):
        yield None
        return
    with open(descriptor, "w", encoding=sys.stderr.encoding, errors="replace") as stream:
        yield stream


def _echo(line: str) -> None:
    click.echo(line, err=True)


def _left(done: int, total: int, seconds: float) -> str:
    """How long the rest will take if it goes on so; nothing while too little is known."""
    if done * 10 < total or seconds < 5 or done >= total:
        return ""
    return f"about {_clock(seconds * (total - done) / done)} left"


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
