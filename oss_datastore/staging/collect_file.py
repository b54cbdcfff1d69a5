"""Reads one file source of a day: its good lines are staged as records, each other line becomes a letter.

How a CSV is read is `files`; what a cell must be is declared in the catalogue.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.model import Dataset, FileRequest
from oss_datastore.catalogue.parse import Part, Row, parse
from oss_datastore.dead_letters import Failure
from oss_datastore.staging.collection import Collection, Key, Tally
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.files import FileMissing, FileUnreadable, Line, Sheet, read_sheet
from oss_datastore.staging.ledger import State

MOST_LETTERS = 1_000
"""Lines of one file that get a letter each; the last letter tells how many more there are."""


class FileCollection(Collection):
    """A unit that is read from a file in the folder that its scope names (`folder`)."""

    def collect(self, request: FileRequest) -> None:
        """Reads the file; what is wrong with it is in the tallies afterwards. Raises only what the store raises."""
        for key in self.planned:
            self._read(request, key)

    def _read(self, request: FileRequest, key: Key) -> None:
        tally = self.tally(*key)
        path = Path(self.scope.names["folder"]) / request.file
        try:
            sheet = read_sheet(path, request)
        except FileMissing:
            tally.state, tally.detail = State.disabled, f"there is no {request.file} in OSS_DATASTORE_FILES"
            return
        except FileUnreadable as why:
            tally.state, tally.detail = State.failed, f"{request.file}: {why}"
            tally.failures.append(self._letter(request, key, why.kind, tally.detail, why.kind, body=why.excerpt))
            return
        self._take(request, key, sheet, tally)

    def _take(self, request: FileRequest, key: Key, sheet: Sheet, tally: Tally) -> None:
        dataset, part, now = DATASETS[key[0]], Part(*key), self.clock.now()
        readable = [line for line in sheet.lines if not line.wrong]
        wrong = {line.number: ("does_not_parse", line.wrong) for line in sheet.lines if line.wrong}
        parsed = parse(dataset, part, [_record(line) for line in readable], self.day, now)
        for fault in parsed.faults:
            wrong[readable[fault.index].number] = ("does_not_parse", _as_headed(fault.message, sheet.headers))
        rows = parsed.rows[dataset.name]
        wrong |= {number: ("duplicate", told) for number, told in _repeated(dataset, request, rows)}
        good = [_record(line) for line in readable if line.number not in wrong]
        asked = {"file": request.file, "sha256": sheet.sha256, "size": sheet.size}
        self._stage([part], good, now, asked, etag=sheet.sha256)
        tally.answers += 1
        tally.items += len(good)
        tally.rows += len(good)
        told = [f"columns that are not kept: {', '.join(sheet.ignored)}"] if sheet.ignored else []
        if wrong:
            tally.state = State.partial
            told.insert(0, f"{len(wrong)} of {len(good) + len(wrong)} lines are not read")
            tally.failures.extend(self._letters(request, key, sheet, wrong))
        tally.detail = "; ".join(told)

    def _letters(
        self, request: FileRequest, key: Key, sheet: Sheet, wrong: Mapping[int, tuple[str, str]]
    ) -> Iterator[Failure]:
        seen: Counter[str] = Counter()
        lines = [line for line in sheet.lines if line.number in wrong]
        for line in lines[:MOST_LETTERS]:
            kind, told = wrong[line.number]
            # By content, so that a line keeps its letter when others come or go above it.
            content = f"{kind}:{hashlib.sha256(line.raw.strip().encode()).hexdigest()[:32]}"
            seen[content] += 1
            cause = content if seen[content] == 1 else f"{content}:{seen[content]}"
            message = f"{request.file}, line {line.number}: {told}"
            yield self._letter(request, key, kind, message, cause, line=line.number, body=line.raw.encode())
        if len(lines) > MOST_LETTERS:
            message = (
                f"{request.file}: {len(lines) - MOST_LETTERS} more lines are not read, the first of them line "
                f"{lines[MOST_LETTERS].number}"
            )
            yield self._letter(request, key, "does_not_parse", message, "does_not_parse:more")

    def _letter(
        self,
        request: FileRequest,
        key: Key,
        kind: str,
        message: str,
        cause: str,
        *,
        line: int | None = None,
        body: bytes | None = None,
    ) -> Failure:
        return Failure(
            dataset=key[0],
            scope=key[1],
            day=self.day,
            source="file",
            error_class=kind,
            message=message,
            cause=cause,
            request={"file": request.file} | ({} if line is None else {"line": line}),
            body=body,
            recoverable_until=recoverable_until(DATASETS[key[0]].addressable, self.day),
        )


def _record(line: Line) -> dict[str, Any]:
    return {"line": line.number, **line.cells}


def _as_headed(message: str, headers: Mapping[str, str]) -> str:
    """The message with a column as the file heads it, where that is another word than ours."""
    for name, header in headers.items():
        if header != name and message.startswith(f"column {name}"):
            return f"column {header} ({name}){message.removeprefix(f'column {name}')}"
    return message


def _repeated(dataset: Dataset, request: FileRequest, rows: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """Lines that say once more, or otherwise, what an earlier one said: of the same key and, if any, time."""
    begin, end = request.period or ("", "")
    names = [name for name in dataset.table.key if name != begin]
    known: dict[tuple[Any, ...], list[tuple[date, date, int]]] = {}
    for row in rows:
        of_key = known.setdefault(tuple(row[name] for name in names), [])
        mine = (row.get(begin, date.min), row.get(end, date.max), row["line"])
        # Those that are kept do not overlap, so only the neighbours can.
        place = bisect_left(of_key, mine)
        neighbours = of_key[max(place - 1, 0) : place + 1]
        earlier = next((line for first, last, line in neighbours if mine[0] < last and first < mine[1]), None)
        if earlier is None:
            of_key.insert(place, mine)
            continue
        who = ", ".join(f"{name} {row[name]}" for name in names)
        period = "" if request.period is None else f" for {begin} {mine[0]} to {end} {mine[1]}"
        yield row["line"], f"expected {who} once{period}, came again: line {earlier} has it"
