"""A command at a terminal: what it writes there, sequences included, while keys are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
"""The cursor goes, and comes back."""

_PIECES = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|(\n|\r|[^\x1b\n\r]+)")
"""A sequence by its numbers and letter, else a control character or plain text."""

INTERRUPT = "\x03"


@dataclass(frozen=True)
class AtTerminal:
    """What was written, and the exit code."""

    text: str
    code: int

    @property
    def lines(self) -> list[str]:
        """What stands there in the end: what was drawn over or erased is gone, and colours are left out."""
        screen, row, column = [""], 0, 0
        for sequence, letter, plain in _PIECES.findall(self.text):
            if plain == "\n":
                row, column = row + 1, 0
                screen += [""] * (row + 1 - len(screen))
            elif plain == "\r":
                column = 0
            elif plain:
                line = screen[row].ljust(column)
                screen[row] = line[:column] + plain + line[column + len(plain) :]
                column += len(plain)
            elif letter == "A":
                row = max(0, row - int(sequence or 1))
            elif letter == "K":
                screen[row] = ""
        return [line.rstrip() for line in screen if line.strip()]


def at_terminal(
    arguments: list[str],
    env: dict[str, str],
    cwd: Path,
    *,
    columns: int = 80,
    press: tuple[str, str] | None = None,
    timeout: float = 500,
) -> AtTerminal:
    """Runs a command at a terminal of that width. `press` is a text to wait for and the key that is then pressed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    process = subprocess.Popen(
        arguments,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env | {"TERM": "xterm-256color"},
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(theirs)
    written, until = "", time.monotonic() + timeout
    try:
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.2)[0]:
                try:
                    data = os.read(ours, 65_536)
                except OSError:  # nobody has the terminal open any more
                    break
                written += data.decode("utf-8", "replace")
            if press is not None and press[0] in written:
                os.write(ours, press[1].encode())
                press = None
        return AtTerminal(written, process.wait(max(1.0, until - time.monotonic())))
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
