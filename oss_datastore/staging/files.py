"""Reads a CSV file as people and spreadsheets write it, and says of each line that cannot be read why.

Lenient in form (byte order mark, line ends, comma, semicolon or tab, order and spelling of headers, surplus columns),
strict in content: a line with a cell too many is not guessed at. What the cells must be is the catalogue's.
"""

from __future__ import annotations

import csv
import hashlib
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from oss_datastore.catalogue.model import FileRequest

LARGEST_FILE = 10_000_000
"""Bytes: a hundred thousand people, and half a gigabyte of memory; what is larger is another file than was meant."""

LONGEST_RECORD = 100
"""Lines that a quoted cell may span: a quote that is never closed must not swallow the rest of the file."""

_SEPARATORS = (",", ";", "\t")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_SPELLING = re.compile(r"[^a-z0-9]+")


class FileMissing(Exception):
    """There is no such file in the folder of file sources."""


class FileUnreadable(Exception):
    """Nothing of the file can be read; `kind` classes why, `excerpt` is what a person needs to see of it."""

    def __init__(self, kind: str, message: str, excerpt: bytes | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.excerpt = excerpt


@dataclass(frozen=True)
class Line:
    """One record of the file: the number of its first line, what stands there, and its cells that are not empty."""

    number: int
    raw: str
    cells: Mapping[str, str]
    wrong: str = ""
    """Why it has no cells."""


@dataclass(frozen=True)
class Sheet:
    """A file that was read; `headers` are those that were taken, by the name they were taken for."""

    lines: tuple[Line, ...]
    headers: Mapping[str, str]
    ignored: tuple[str, ...]
    sha256: str
    size: int


def read_sheet(path: Path, request: FileRequest) -> Sheet:
    """The file's lines below its header. Raises FileMissing and FileUnreadable."""
    data = _bytes(path)
    text = _decoded(data)
    physical = _LINES.findall(text)
    first = next((i for i, line in enumerate(physical) if line.strip()), None)
    if first is None:
        raise FileUnreadable("wrong_header", f"expected a header with {_listed(request.required)}, came an empty file")
    separator, cells, after = _header(physical, first, request)
    taken, headers = _taken(cells, request, "".join(physical[first:after]))
    ignored = tuple(cell for i, cell in enumerate(cells) if i not in taken and cell)
    lines = tuple(_records(physical, after, separator, len(cells), taken))
    return Sheet(lines, headers, ignored, hashlib.sha256(data).hexdigest(), len(data))


def _bytes(path: Path) -> bytes:
    try:
        if not path.parent.is_dir():
            raise FileUnreadable("unreadable", f"expected the folder {path.parent}, which is not there")
        if not stat.S_ISREG(path.stat().st_mode):
            raise FileUnreadable("unreadable", "expected a file, came a folder or another thing that is none")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as why:
        raise FileMissing(str(path)) from why
    except OSError as why:
        raise FileUnreadable("unreadable", f"expected a file that can be read, came: {why.strerror or why}") from why
    if len(data) > LARGEST_FILE:
        raise FileUnreadable("too_large", f"expected at most {LARGEST_FILE // 1_000_000} MB, came more")
    return data


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        begin = data.rfind(b"\n", 0, why.start) + 1
        end = data.find(b"\n", why.start)
        number = data.count(b"\n", 0, why.start) + 1
        raise FileUnreadable(
            "not_utf8",
            f"expected UTF-8, came the byte 0x{data[why.start]:02X} in line {number}: save the file as UTF-8",
            data[begin : end if end >= 0 else None],
        ) from None


def _header(physical: list[str], first: int, request: FileRequest) -> tuple[str, list[str], int]:
    """Separator, cells of the header and the line after it: by the separator that finds most of our columns."""
    best: tuple[tuple[int, int], str, list[str], int] | None = None
    for separator in _SEPARATORS:
        cells, after, wrong = _record(physical, first, separator)
        if wrong:
            continue
        known = sum(1 for cell in cells if _name(cell, request) is not None)
        rank = (known, len(cells) if known else 0)
        if best is None or rank > best[0]:
            best = (rank, separator, cells, after)
    if best is None:
        raise FileUnreadable(
            "wrong_header",
            f"expected a header with {_listed(request.required)}, came a line with a quote that does not close",
            physical[first].encode(),
        )
    return best[1:]


def _taken(cells: list[str], request: FileRequest, raw: str) -> tuple[dict[int, str], dict[str, str]]:
    """Which cell is which column, and how each column is headed."""
    taken: dict[int, str] = {}
    headers: dict[str, str] = {}
    for position, cell in enumerate(cells):
        name = _name(cell, request)
        if name is None:
            continue
        if name in headers:
            raise FileUnreadable(
                "wrong_header",
                f"expected one column {name}, came two: {headers[name]!r} and {cell!r}",
                raw.encode(),
            )
        taken[position], headers[name] = name, cell
    missing = [name for name in request.required if name not in headers]
    if missing:
        came = _cut(", ".join(cell for cell in cells if cell) or raw.strip(), 300)
        raise FileUnreadable("wrong_header", f"the header lacks {_listed(missing)}; it was: {came}", raw.encode())
    return taken, headers


def _name(header: str, request: FileRequest) -> str | None:
    spelled = _SPELLING.sub("_", header.lower()).strip("_")
    return next((n for n, others in request.columns.items() if spelled == n or spelled in others), None)


def _records(physical: list[str], start: int, separator: str, width: int, taken: Mapping[int, str]) -> Iterator[Line]:
    position = start
    while position < len(physical):
        cells, after, wrong = _record(physical, position, separator)
        raw = "".join(physical[position:after])
        number = position + 1
        position = after
        if wrong:
            yield Line(number, raw, {}, wrong)
        elif not any(cells):
            continue
        elif len(cells) < width or any(cells[width:]):
            yield Line(number, raw, {}, f"expected {width} cells as in the header, came {len(cells)}")
        else:
            yield Line(number, raw, {name: cells[i] for i, name in taken.items() if cells[i]})


def _record(physical: list[str], position: int, separator: str) -> tuple[list[str], int, str]:
    """Cells of the record that begins at a line, the line after it, and what is wrong with it.

    A record that is wrong is its first line alone: what follows may be well.
    """
    line = physical[position]
    if '"' not in line:
        return [cell.strip() for cell in line.rstrip("\r\n").split(separator)], position + 1, ""
    window = physical[position : position + LONGEST_RECORD]
    reader = csv.reader(window, delimiter=separator, skipinitialspace=True, strict=True)
    try:
        cells = next(reader)
    except csv.Error as why:
        limit = csv.field_size_limit()
        came = f"more than {limit} characters" if "limit" in str(why) else "a quote that does not close its cell"
        return [], position + 1, f"expected cells of CSV, came {came}"
    return [cell.strip() for cell in cells], position + reader.line_num, ""


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ("the column " if len(names) == 1 else "the columns ") + ", ".join(names)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
