"""Staged answers: one JSON line each, in write-once parts, with the ledger entries that name them.

A part closes at a size or a time, so that ten thousand repositories do not make ten thousand objects. The order is
what makes a killed run harmless: first the part, then its letters, then the ledger entries. An answer that no ledger
entry names was never staged.

    staging/<answer set>/load_date=D/<generation>/{plan,part-N.jsonl.gz,ledger-N.jsonl,accounts-N.json.gz}
"""

from __future__ import annotations

import gzip
import re
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol

import orjson

from oss_datastore.catalogue import ANSWER_SET_OF
from oss_datastore.catalogue.parse import Part
from oss_datastore.dead_letters import Failure
from oss_datastore.staging.ledger import Ledger, LedgerEntry, State, effective
from oss_datastore.staging.store import RawStore
from oss_datastore.staging.suppression import Suppression

PREFIX = "staging"
_KEPT_ENTRIES = 100_000
"""Ledger entries that one process keeps of what it has read: about 100 MB."""
_DAY = re.compile(r"/load_date=(\d{4}-\d{2}-\d{2})/")

# Never kept: credentials that GitHub puts into otherwise harmless answers.
_SECRET_KEYS = frozenset({"temp_clone_token", "secret", "webhook_secret", "client_secret", "pem"})


NOBODY_IS_SUPPRESSED = Suppression()


class Letters(Protocol):
    """Where failures become letters and settled scopes close theirs: the queue, or its spool while it is away."""

    def put_many(self, failures: Sequence[Failure], *, who: str = "run") -> list[int]:
        """The letters' numbers; [] while they wait in the spool."""

    def resolve_scopes(self, scopes: Iterable[tuple[str, str, date]], *, who: str, why: str) -> None:
        """Closes the letters of these (dataset, scope, day)."""


def new_generation() -> str:
    """A name for one writing of one day that sorts by real time, whatever day the calendar is held at."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{secrets.token_hex(2)}"


@dataclass(frozen=True)
class StagedLine:
    """One answer as it was staged, and where it lies."""

    key: str
    number: int
    generation: str
    parts: tuple[Part, ...]
    day: date
    fetched_at: datetime
    payload: Any


class Staging:
    """Reads and writes the staged answers and ledgers of one store."""

    def __init__(self, store: RawStore) -> None:
        self.store = store
        self._read: dict[str, list[LedgerEntry]] = {}
        self._entries_kept = 0

    @cached_property
    def suppression(self) -> Suppression:
        """Whom nothing that is read may name: read once, when it is first asked for."""
        return Suppression.read(self.store)

    def folder(self, answer_set: str, day: date) -> str:
        """The prefix of everything staged of an answer set and day."""
        return f"{PREFIX}/{answer_set}/load_date={day.isoformat()}/"

    def ledger(self, answer_set: str, day: date) -> dict[tuple[str, str], LedgerEntry]:
        """The effective ledger of an answer set and day; planned scopes that nothing became of are pending."""
        keys = [tuple(key.rsplit("/", 2)) for key in self.store.list(self.folder(answer_set, day))]
        # By generation, the plan in front of what became of it.
        ordered = sorted(
            (generation, not name.startswith("plan"), name, folder)
            for folder, generation, name in keys
            if name.startswith(("plan", "ledger-"))
        )
        return effective(
            entry for generation, _, name, folder in ordered for entry in self._entries(f"{folder}/{generation}/{name}")
        )

    def is_staged(self, answer_set: str, day: date) -> bool:
        """Whether an answer set was planned for a day, be it that there was nothing to ask."""
        return any(True for _ in self.store.list(self.folder(answer_set, day)))

    def days(self, answer_set: str) -> list[date]:
        """Every day of which something is staged, in order."""
        found = {_DAY.search(key) for key in self.store.list(f"{PREFIX}/{answer_set}/load_date=")}
        return sorted({date.fromisoformat(match[1]) for match in found if match})

    def lines(self, answer_set: str, day: date, ledger: Ledger | None = None) -> Iterator[StagedLine]:
        """The staged answers of a day, each with only those parts that the effective ledger counts."""
        ledger = self.ledger(answer_set, day) if ledger is None else ledger
        counted = {
            (entry.generation, *entry.key)
            for entry in ledger.values()
            if entry.state in (State.complete, State.partial)
        }
        generations = {generation for generation, _, _ in counted}
        for key in self.store.list(self.folder(answer_set, day)):
            *_, generation, name = key.split("/")
            if generation not in generations or not name.startswith("part-"):
                continue
            for number, raw in enumerate(gzip.decompress(self.store.get(key)).splitlines()):
                line = orjson.loads(raw)
                if self.suppression:
                    line = self.suppression.line(line)
                    if line is None:
                        continue
                parts = tuple(
                    part
                    for part in map(Part.from_list, line["parts"])
                    if (generation, part.dataset, part.scope) in counted
                )
                if parts:
                    yield StagedLine(
                        key, number, generation, parts, day, datetime.fromisoformat(line["fetched_at"]), line["payload"]
                    )

    def last_complete(
        self, answer_set: str, keys: set[tuple[str, str]], before: date, look_back: int = 30
    ) -> dict[tuple[str, str], LedgerEntry]:
        """The entry of the newest complete day before a day, per (dataset, scope), at most so many days back.

        What has no complete day within that span is listed whole again: dearer, and never wrong.
        """
        found: dict[tuple[str, str], LedgerEntry] = {}
        open_keys = set(keys)
        staged: set[date] | None = None
        for back in range(1, look_back + 1):
            if not open_keys:
                break
            day = before - timedelta(days=back)
            if back > 1:
                if staged is None:
                    staged = set(self.days(answer_set))
                if day not in staged:
                    continue
            for key, entry in self.ledger(answer_set, day).items():
                if key in open_keys and entry.state is State.complete:
                    found[key] = entry
                    open_keys.discard(key)
        return found

    def accounts(self, answer_sets: Iterable[str], day: date) -> dict[int, str]:
        """Every account that answers of a day named: its numeric id and its node id ('' where none came)."""
        found: dict[int, str] = {}
        for answer_set in answer_sets:
            for key in self.store.list(self.folder(answer_set, day)):
                if key.rsplit("/", 1)[1].startswith("accounts-"):
                    for number, node_id in orjson.loads(gzip.decompress(self.store.get(key))).items():
                        found[int(number)] = node_id or found.get(int(number), "")
        return found

    def amend(self, entry: LedgerEntry) -> None:
        """Adds an entry beside those of its generation: what its staged answers came to when they were parsed again."""
        folder = self.folder(ANSWER_SET_OF[entry.dataset].name, entry.day)
        self.store.put_if_absent(f"{folder}{entry.generation}/ledger-{new_generation()}.jsonl", _json_lines([entry]))

    def _entries(self, key: str) -> list[LedgerEntry]:
        # Objects never change, so what was read once need not be read again.
        if key not in self._read:
            if self._entries_kept > _KEPT_ENTRIES:
                self._read.clear()
                self._entries_kept = 0
            data = self.store.get(key)
            if key.endswith(".gz"):
                data = gzip.decompress(data)
            self._read[key] = [LedgerEntry.from_dict(orjson.loads(line)) for line in data.splitlines()]
            self._entries_kept += len(self._read[key])
        return self._read[key]


class StageWriter:
    """Writes one generation of one answer set and day. Safe to use from several threads."""

    def __init__(
        self,
        store: RawStore,
        folder: str,
        day: date,
        *,
        letters: Letters,
        suppression: Suppression = NOBODY_IS_SUPPRESSED,
        part_bytes: int = 8 * 1024 * 1024,
        part_seconds: float = 15.0,
    ) -> None:
        self.generation = new_generation()
        self._store = store
        self._folder = f"{folder}{self.generation}/"
        self._day = day
        self._letters = letters
        self._suppression = suppression
        self._part_bytes = part_bytes
        self._part_seconds = part_seconds
        self._lock = threading.Lock()
        self._lines: list[bytes] = []
        self._size = 0
        self._number = 1
        self._opened = time.monotonic()
        self._entries: list[tuple[LedgerEntry, list[Failure]]] = []
        self._accounts: dict[int, str] = {}
        self._noted: dict[int, str] = {}

    def plan(self, keys: Iterable[tuple[str, str]]) -> None:
        """Records which scopes are planned before the first is asked, so that a killed run leaves them pending."""
        entries = [
            LedgerEntry(d, s, self._day, State.pending, self.generation, detail="planned")
            for d, s in keys
            if not self._suppression.has_scope(s)
        ]
        self._store.put_if_absent(f"{self._folder}plan.jsonl.gz", gzip.compress(_json_lines(entries), mtime=0))

    def add(self, line: Mapping[str, Any]) -> tuple[str, int]:
        """Adds an answer; returns the key of its part and its number there.

        Where nothing is left of it without those on the suppression list, the next answer gets that place.
        """
        kept = self._suppression.line(line) if self._suppression else line
        if kept is None:
            with self._lock:
                return self._part_key, len(self._lines)
        raw = orjson.dumps(kept)
        with self._lock:
            place = self._part_key, len(self._lines)
            self._lines.append(raw)
            self._size += len(raw)
            if self._size >= self._part_bytes:
                self._flush()
            return place

    def note_accounts(self, seen: Mapping[int, str]) -> None:
        """Remembers accounts that an answer named, by numeric id and node id, so that their profiles can be asked."""
        with self._lock:
            for number, node_id in seen.items():
                if self._suppression and self._suppression.has_user(number):
                    continue
                if number not in self._noted or (node_id and not self._noted[number]):
                    self._accounts[number] = self._noted[number] = node_id

    def settle(self, entry: LedgerEntry, failures: list[Failure]) -> None:
        """Says what became of a scope whose answers have all been added."""
        if self._suppression.has_scope(entry.scope):
            return
        with self._lock:
            told = [self._without_suppressed(failure) for failure in failures] if self._suppression else failures
            self._entries.append((replace(entry, generation=self.generation), told))
            if time.monotonic() - self._opened >= self._part_seconds:
                self._flush()

    def _without_suppressed(self, failure: Failure) -> Failure:
        # The answer of a letter is as GitHub gave it.
        return replace(
            failure, body=self._suppression.body(failure.body), message=self._suppression.words(failure.message)
        )

    def close(self) -> None:
        """Writes what is left."""
        with self._lock:
            self._flush()

    @property
    def _part_key(self) -> str:
        return f"{self._folder}part-{self._number:05d}.jsonl.gz"

    def _flush(self) -> None:
        if self._lines:
            self._store.put_if_absent(self._part_key, gzip.compress(b"\n".join(self._lines), 5, mtime=0))
        if self._entries:
            failures = [failure for _, of_entry in self._entries for failure in of_entry]
            # Letters that wait in the spool have no number yet.
            numbers: list[int | None] = [*self._letters.put_many(failures)] or [None] * len(failures)
            ids = iter(numbers)
            entries = []
            for entry, of_entry in self._entries:
                own = [next(ids) for _ in of_entry]
                entries.append(replace(entry, letter=own[0]) if own else entry)
            self._store.put_if_absent(f"{self._folder}ledger-{self._number:05d}.jsonl", _json_lines(entries))
        if self._accounts:
            seen = orjson.dumps({str(number): node_id for number, node_id in self._accounts.items()})
            self._store.put_if_absent(
                f"{self._folder}accounts-{self._number:05d}.json.gz", gzip.compress(seen, mtime=0)
            )
        if self._lines or self._entries or self._accounts:
            self._number += 1
        self._lines, self._entries, self._size, self._accounts = [], [], 0, {}
        self._opened = time.monotonic()


def without_secrets(body: bytes, payload: Any) -> Any:
    """The payload without credentials that GitHub answers with."""
    if not any(f'"{key}"'.encode() in body for key in _SECRET_KEYS):
        return payload
    return _scrub(payload)


def _scrub(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _scrub(v) for k, v in value.items() if not (k in _SECRET_KEYS and isinstance(v, str))}
    if isinstance(value, list):
        return [_scrub(v) for v in value]
    return value


def storable(payload: Any) -> Any:
    """The payload in a form that can be staged: what JSON may say and UTF-8 or 64 bits cannot hold is brought near.

    A lone surrogate becomes a question mark, a longer integer its digits as text.
    """
    try:
        orjson.dumps(payload)
    except TypeError:
        return _storable(payload)
    return payload


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(k): _storable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_storable(v) for v in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    return value


def _json_lines(entries: Iterable[LedgerEntry]) -> bytes:
    return b"\n".join(orjson.dumps(entry.as_dict()) for entry in entries)
