"""Files, locks and processes as the embedded server needs them.

Here belong small truths of the operating system. What they are used for is in `embedded`.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oss_datastore.dead_letters.binaries import Account


@contextmanager
def closing_file(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def reached(folder: Path, account: Account) -> Iterator[tuple[str, tuple[int, ...]]]:
    """A path by which the account reaches the folder, and the open files its process must inherit for that.

    A home below a closed folder (/root) is out of reach for `nobody` by name. An open folder is not: its entry
    in /proc/self/fd leads straight there, so no folder's permissions need to be changed.
    """
    if not account.switched or not os.path.isdir("/proc/self/fd"):
        yield str(folder), ()
        return
    with closing_file(os.open(folder, os.O_RDONLY | os.O_DIRECTORY)) as descriptor:
        yield f"/proc/self/fd/{descriptor}", (descriptor,)


def is_private(folder: Path, account: Account) -> bool:
    """Whether a folder in a place open to all is still ours."""
    with suppress(OSError):
        status = folder.lstat()
        return status.st_uid == account.uid and status.st_mode & 0o170777 == 0o040700
    return False


def program(pid: int) -> str:
    """The name of the program a process runs, '' if there is no such process."""
    if os.path.isdir("/proc/self"):
        with suppress(OSError):
            return Path(f"/proc/{pid}/comm").read_text()
        return ""
    told = subprocess.run(["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout


def open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
