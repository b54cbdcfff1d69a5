"""What happens around a run: a full disk, a database that is away, processes that are killed."""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from oss_datastore.dead_letters.embedded import EmbeddedPostgres

_MEGABYTE = 1024 * 1024
_LARGEST_FILE = 600
"""Bytes of a file where no small file system may be mounted: most parts are larger, some ledgers smaller."""


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[bool], None]]:
    """A disk of its own for a folder, and what makes it full or gives it room.

    Where nothing may be mounted, the process may write only small files instead of having a full disk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = _quiet("mount", "-t", "tmpfs", "-o", "size=512m", "soak", str(folder))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(full: bool) -> None:
        if not made:
            resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE if full else soft, hard))
            return
        used = shutil.disk_usage(folder).used if full else 512 * _MEGABYTE
        # Room for a few objects more, so that it is full in the middle.
        _quiet("mount", "-o", f"remount,size={used + 64 * 1024 if full else used}", str(folder))

    try:
        yield fill
    finally:
        fill(False)
        if made:
            _quiet("umount", str(folder))


@contextlib.contextmanager
def away(server: EmbeddedPostgres, seconds: float) -> Iterator[threading.Thread]:
    """Stops PostgreSQL for so many seconds beside what is done meanwhile; it is back at the end."""
    begun = threading.Event()

    def stop_and_start() -> None:
        server.stop()
        begun.set()
        time.sleep(seconds)
        server.start()

    thread = threading.Thread(target=stop_and_start, name="outage")
    thread.start()
    begun.wait()
    try:
        yield thread
    finally:
        thread.join()


def killed(arguments: list[str], requests: Callable[[], int], dice: random.Random) -> bool:
    """Starts a run and kills it (-9) at a random moment after its first request; False if it was over before."""
    before = requests()
    process = subprocess.Popen([sys.executable, "-m", "soak.fetch", *arguments], stderr=subprocess.DEVNULL)
    try:
        while requests() == before and process.poll() is None:
            time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.0, 2.5))
        return process.poll() is None
    finally:
        process.kill()
        process.wait()


def _quiet(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
