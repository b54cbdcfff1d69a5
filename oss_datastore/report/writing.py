"""From the warehouse to the file: the page is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from oss_datastore.report import SqlMarts, build_report
from oss_datastore.report.marts import Audience
from oss_datastore.warehouse import Readable


def write_report(warehouse: Readable, path: Path, *, audience: str = Audience.internal) -> int:
    """Writes the page and returns its size in bytes; a reader of the old page never sees half of the new one."""
    with warehouse.reading() as cursors:
        page = build_report(SqlMarts(cursors), audience=Audience(audience))
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(page, encoding="utf-8")
    unfinished.replace(path)
    return path.stat().st_size
