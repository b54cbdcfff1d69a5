"""Where the recorded real answers lie, and the mark of tests that need them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

RECORDED = Path(__file__).resolve().parents[2] / "../shared/recorded"

needs_recordings = pytest.mark.skipif(
    not RECORDED.exists(), reason="needs the recorded answers beside the project, ../shared/recorded"
)


def recorded(name: str) -> Any:
    """A file of the recordings."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def recorded_files(folder: str) -> list[Path]:
    """The files of a folder of recordings, [] where there are none."""
    return sorted((RECORDED / folder).glob("*.json"))
