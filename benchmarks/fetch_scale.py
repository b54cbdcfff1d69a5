"""How many hours of one token's budget two days of many repositories take, a run beginning each hour.

The hours are the simulator's: its calendar and its windows of limits are moved on between runs, and by what a run
waits, so that hours pass in minutes. A token may ask 5,000 requests and 5,000 points an hour. The daily load is that
of the second day and after; on the first everything that there ever was is listed. No run may be refused for a limit,
and none may wait longer than five minutes for one. The pace within a minute is measured by `client_pacing`.

With --steady only what is asked every day whatever happened is fetched, for one day: the load of thousands of
repositories in which nothing moves, without the hours that listing all of their past takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from datetime import date, timedelta
from pathlib import Path

from benchmarks.github import FIRST, SECOND, SimulatedGitHub, after, fetch_day, fetching, ledger, simulated
from benchmarks.measure import show, took
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.github import Timer
from oss_datastore.simulator.limits import Limits
from oss_datastore.staging.ledger import State

HOURLY = Limits(points_per_minute=10_000_000, graphql_points_per_minute=10_000_000)
LONGEST_WAIT = 300.0
HOURS_OF_A_DAY = 23
"""A day's snapshots can be had for a day after its close."""


class Hours:
    """The time of one run: a pause moves the simulator on instead of lasting."""

    def __init__(self, github: SimulatedGitHub, day: date, hour: int) -> None:
        self._github, self._day, self._hour = github, day, hour
        self._lock = threading.Lock()
        self.waited = 0.0
        github.set_now(after(day, hours=hour))

    def sleep(self, seconds: float) -> None:
        """Passes at once."""
        with self._lock:
            self.waited += seconds
            self._github.set_now(after(self._day, hours=self._hour, seconds=self.waited))

    def monotonic(self) -> float:
        """Real seconds and passed ones."""
        return time.monotonic() + self.waited


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repositories", type=int, default=600, help="how many idle ones (default 600)")
    asked.add_argument("--hours", type=int, default=1, help="fail if the daily load takes longer (default 1)")
    asked.add_argument("--steady", action="store_true", help="only what is asked every day")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    figures: dict[str, object] = {"repositories": wanted.repositories}
    failed: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        simulated(after(FIRST), repos=wanted.repositories, idle=True, limits=HOURLY) as github,
        took() as measured,
    ):
        two_days = ((FIRST, "first day", HOURS_OF_A_DAY), (SECOND, "second day", wanted.hours))
        for day, name, most in ((FIRST, "steady day", wanted.hours),) if wanted.steady else two_days:
            figures |= _day(github, Path(folder), day, name, most, failed, _daily() if wanted.steady else ())
    figures |= {"wall, s": measured.wall, "processor, s": measured.cpu}
    return show("fetch_scale", figures, failed, as_json=wanted.json)


def _daily() -> tuple[str, ...]:
    """Datasets that no sign in the inventory keeps from being asked for each day."""
    sets = [s for s in ANSWER_SETS.values() if not s.probe and s.every_days == 1]
    return tuple(dataset.name for answer_set in sets for dataset in answer_set.datasets)


def _day(
    github: SimulatedGitHub, folder: Path, day: date, name: str, most: int, failed: list[str], only: tuple[str, ...]
) -> dict[str, object]:
    """Runs once an hour until nothing of the day is pending."""
    per_hour: list[int] = []
    errors, longest, open_scopes = 0, 0.0, 1
    while open_scopes and len(per_hour) < HOURS_OF_A_DAY:
        hours = Hours(github, day, len(per_hour))
        now = after(day) + timedelta(hours=len(per_hour))
        with fetching(github, folder, now, timer=Timer(hours.monotonic, hours.sleep), datasets=only) as fetcher:
            fetch_day(fetcher, day)
            open_scopes = sum(1 for entry in ledger(fetcher, day) if entry.state is not State.complete)
            open_scopes -= sum(1 for entry in ledger(fetcher, day) if entry.state is State.disabled)
        heard = github.heard()
        per_hour.append(heard.requests)
        errors += heard.limit_errors + heard.during_block
        longest = max(longest, hours.waited)
    if open_scopes:
        failed.append(f"the {name} within {HOURS_OF_A_DAY} hours: {open_scopes} scopes are open")
    if len(per_hour) > most:
        failed.append(f"the {name} within {most} hours")
    if errors:
        failed.append(f"no refusal for a limit on the {name}")
    if longest > LONGEST_WAIT:
        failed.append(f"no run that waits over {LONGEST_WAIT} seconds on the {name}")
    return {
        f"{name}: hours": len(per_hour),
        f"{name}: requests each hour": ", ".join(f"{number:,}" for number in per_hour),
        f"{name}: refusals for a limit": errors,
        f"{name}: longest wait of a run, s": longest,
    }


if __name__ == "__main__":
    sys.exit(main())
