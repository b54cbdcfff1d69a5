"""A hundred thousand open letters: how long `dlq list` takes from call to end, and how much memory, beside a hundred.

The server is warm; the command is a process of its own, imports and all.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.letters import filled, warm_server
from benchmarks.measure import show, took

SECONDS = 2.0
MEGABYTES = 50.0
TIMES = 3
ASKED = {
    "list": ("list",),
    "list as JSON": ("list", "--json"),
    "list of a dataset and class": ("list", "--dataset", "issues", "--error-class", "server_fault"),
    "list of what is resolved": ("list", "--state", "resolved"),
}
# The command as `oss-datastore` starts it, which then tells its memory.
PROGRAM = """
import atexit, sys
from oss_datastore.cli import main
def tell():
    from benchmarks.measure import peak_memory
    print(peak_memory(), "dagster" in sys.modules, file=sys.stderr)
atexit.register(tell)
main()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    figures: dict[str, object] = {"letters": given.letters}
    failed = []
    with warm_server() as (server, folder):
        few, many = (filled(server, folder, count) for count in (100, given.letters))
        for name, arguments in ASKED.items():
            _, beside, _ = _called(few, arguments)
            seconds, peak, dagster = _called(many, arguments)
            figures[f"{name}, s"] = seconds
            figures[f"{name}, peak memory, MB"] = peak
            figures[f"{name}, peak memory with 100 letters, MB"] = beside
            if seconds >= SECONDS:
                failed.append(f"{name} under {SECONDS:.0f} s: {seconds:.2f}")
            if peak - beside > MEGABYTES:
                failed.append(f"{name} within {MEGABYTES:.0f} MB of that with 100 letters: {peak - beside:.1f}")
            if dagster:
                failed.append(f"{name} without Dagster")
    return show("many dead letters", figures, failed, as_json=given.json)


def _called(env: dict[str, str], arguments: tuple[str, ...]) -> tuple[float, float, bool]:
    """The longest of some calls in seconds, their most memory in MB, and whether one imported Dagster."""
    seconds, peaks, dagster = [], [], False
    for _ in range(TIMES):
        with took() as measured:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, "dlq", *arguments],
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=True,
            )
        peak, imported = done.stderr.split()[-2:]
        seconds.append(measured.wall)
        peaks.append(float(peak))
        dagster = dagster or imported == "True"
    return max(seconds), max(peaks), dagster


if __name__ == "__main__":
    sys.exit(main())
