"""What the benchmarks share: how figures are shown, and the processor time a stretch of work took."""

from __future__ import annotations

import json
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Took:
    """How long a stretch took: by the clock on the wall, and of the processor in this process."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def took() -> Iterator[Took]:
    """Measures what is done inside."""
    measured = Took()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield measured
    finally:
        measured.wall, measured.cpu = time.perf_counter() - wall, time.process_time() - cpu


def peak_memory() -> float:
    """The most memory that this process ever held, in MB.

    Of the kernel's own record of it (Linux): the figure of `getrusage` begins with that of whoever started the process.
    """
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def most_within(seconds: float, moments: Sequence[float]) -> int:
    """The most of the (ascending) moments that any window of this length holds, wherever it begins."""
    return max((bisect_left(moments, first + seconds) - index for index, first in enumerate(moments)), default=0)


def show(title: str, figures: Mapping[str, object], failed: Sequence[str], *, as_json: bool) -> int:
    """Prints the figures as a table or as JSON; the exit code says whether something was not reached."""
    if as_json:
        print(json.dumps({"benchmark": title, **figures, "failed": list(failed)}))
    else:
        print(title)
        width = max(len(name) for name in figures)
        for name, value in figures.items():
            shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
            print(f"  {name:<{width}}  {shown}")
    for what in failed:
        print(f"not reached: {what}", file=sys.stderr)
    return 1 if failed else 0
