"""A hundred thousand open letters: how long a tick of the sensor takes, and how much memory, beside a hundred.

The server is the embedded PostgreSQL in a folder of its own, warm. Each number of letters is judged by a process of its
own, since the most memory a process ever took is what is compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from benchmarks.letters import NOW, filled, warm_server
from benchmarks.measure import peak_memory, show, took
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue

SECONDS = 2.0
MEGABYTES = 50.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--letters", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tick", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.tick:
        print(json.dumps(_ticks(given.tick)))
        return 0
    with warm_server() as (server, folder):
        few, many = (_measured(filled(server, folder, count)) for count in (100, given.letters))
    figures = {
        "letters": given.letters,
        "first tick, which tells, s": many["tells"],
        "tick with nothing new, s": many["quiet"],
        "tick in which all letters have hours left, s": many["nearly"],
        "list of 200, s": many["list"],
        "peak memory, MB": many["peak"],
        "peak memory with 100 letters, MB": few["peak"],
        "messages": many["messages"],
    }
    failed = [
        f"{name} under {SECONDS:.0f} s: {many[key]:.2f}"
        for key, name in (
            ("tells", "a tick that tells"),
            ("quiet", "a tick with nothing new"),
            ("nearly", "a tick shortly before a loss"),
            ("list", "a list"),
        )
        if many[key] >= SECONDS
    ]
    if many["peak"] - few["peak"] > MEGABYTES:
        failed.append(f"memory within {MEGABYTES:.0f} MB of that with 100 letters: {many['peak'] - few['peak']:.1f}")
    # One message of what is new, and one before a part of it is lost.
    if many["messages"] != 2:
        failed.append(f"one message of a burst: {many['messages']:.0f}")
    return show("alerts over many letters", figures, failed, as_json=given.json)


def _measured(env: dict[str, str]) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.alerts", "--tick", env["DLQ_URL"]],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _ticks(url: str) -> dict[str, float]:
    """In a process of its own: a tick that tells, one with nothing new, one shortly before a loss, and a list."""
    import dagster as dg

    from oss_datastore.resources import DeadLetterQueueResource, StoreResource
    from oss_datastore.sensors import build_sensors

    [sensor] = [sensor for sensor in build_sensors() if sensor.name == "dead_letters"]

    def tick() -> float:
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(
                instance=instance, resources={"dlq": DeadLetterQueueResource(), "store": StoreResource()}
            ) as context,
            took() as measured,
        ):
            sensor.evaluate_tick(context)
        return measured.wall

    tells, quiet = tick(), tick()
    os.environ["OSS_DATASTORE_NOW"] = (NOW + timedelta(hours=25)).isoformat()
    nearly = tick()
    queue = DeadLetterQueue(url, clock=Clock(NOW))
    with took() as listed:
        queue.list()
    messages = (Path(os.environ["OSS_DATASTORE_HOME"]) / "alerts.jsonl").read_text().splitlines()
    return {
        "tells": tells,
        "quiet": quiet,
        "nearly": nearly,
        "list": listed.wall,
        "peak": peak_memory(),
        "messages": len(messages),
    }


if __name__ == "__main__":
    sys.exit(main())
