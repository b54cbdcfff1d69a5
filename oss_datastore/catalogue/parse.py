"""From a staged answer to typed rows: a pure function of the answer and the catalogue.

Lenient on purpose: of the recorded answers of public projects only two in five match GitHub's schema of today, so a
record needs nothing but our own required keys. What does not parse is returned as a fault beside the rows, never
dropped. No storage, no network, no warehouse here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from oss_datastore.catalogue.actors import ACTORS
from oss_datastore.catalogue.hashing import hash_diff, hash_key
from oss_datastore.catalogue.model import Addressable, Column, Dataset, Record, ScopeKind, Table

LONGEST_TEXT = 65_535
"""Bytes: the widest VARCHAR of Redshift, taken for all engines so that their tables are equal."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Part:
    """The piece of an answer that belongs to one dataset and scope; `path` leads to its items.

    `context` holds what the asking knew: the parameters of a variant, the `parent` of records that were asked for one
    by one, under `only` the path and the value that tell this scope's items from those of other scopes, and under
    `not_before` the field and the moment at which a newest-first list was left.
    """

    dataset: str
    scope: str
    path: tuple[str | int, ...] = ()
    context: Mapping[str, Any] | None = None

    def as_list(self) -> list[Any]:
        """The JSON form kept in staging."""
        return [self.dataset, self.scope, list(self.path), *([dict(self.context)] if self.context else [])]

    @classmethod
    def from_list(cls, value: Sequence[Any]) -> Part:
        """The inverse of `as_list`."""
        return cls(value[0], value[1], tuple(value[2]), value[3] if len(value) > 3 else None)


@dataclass(frozen=True)
class Fault:
    """A record that could not become a row: where it stands in its list, why, and which record it is."""

    table: str
    index: int
    message: str
    item: Any
    parent: Any = None

    @property
    def cause(self) -> str:
        """Tells the record from the others of its list, wherever it stands and as often as it comes."""
        inside = f"{_name(self.parent)}:" if self.parent is not None else ""
        return f"does_not_parse:{self.table}:{inside}{_name(self.item)}"


@dataclass(frozen=True)
class Parsed:
    """Rows per table and the faults beside them."""

    rows: Mapping[str, list[Row]]
    faults: list[Fault]
    items: int
    """Records of the dataset's own table that the answer held, those outside the day included."""
    begun: Mapping[tuple[Any, ...], datetime | None]
    """When each of them came to be, by its key: what a count of GitHub's is compared with."""


def _name(item: Any) -> str:
    found = (
        next((item[k] for k in _NAMES if isinstance(item.get(k), int | str)), None) if isinstance(item, dict) else None
    )
    if found is not None and found != "":
        return str(found)[:100]
    content = json.dumps(item, sort_keys=True, default=str).encode("utf-8", "replace")
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


_NAMES = ("fullDatabaseId", "databaseId", "id", "node_id", "number")
"""What names a record, if anything does; else its content tells it from others."""


class NotParsable(ValueError):
    """A value is not of the declared type, or a required one is missing."""


def parse(
    dataset: Dataset,
    part: Part,
    payload: Any,
    day: date,
    fetched_at: datetime,
    *,
    hashes: bool = True,
    actors: bool = True,
) -> Parsed:
    """The rows that one part of an answer gives for a day; without `hashes` where no row is kept.

    With `actors`, the accounts that its records name are rows of theirs beside them.
    Records whose time lies at or after the close of the day are left out (they belong to a later day), as are rows of
    traffic after the day. Tables that describe the moment of the fetch are empty when it was not the day after.
    """
    rows: dict[str, list[Row]] = {table.name: [] for table in dataset.tables}
    rows[ACTORS.name] = []
    faults: list[Fault] = []
    start = datetime.combine(day, time())
    close = start + timedelta(days=1)
    on_time = fetched_at.astimezone(UTC).date() == close.date()
    host, _, scope_id = part.scope.split("/")
    base = {
        "load_date": start,
        "scope": part.scope,
        "host": host,
        "fetched_at": fetched_at.astimezone(UTC).replace(tzinfo=None),
        "rec_src": "file" if dataset.scope_kind is ScopeKind.file else "github",
    }
    edge = (fetched_at.astimezone(UTC).date() - timedelta(days=13)).isoformat()
    items = walk(payload, part.path)
    items, problem = _listed_items(dataset, items)
    if problem:
        faults.append(Fault(dataset.name, 0, problem, walk(payload, part.path)))
    items = _own_items(items, part)
    count = 0
    begun: dict[tuple[Any, ...], datetime | None] = {}
    broken: set[int] = set()
    for table in (t for t in dataset.tables if on_time or not t.snapshot_only):
        seen = 0
        for outer, index, item, parent in _records(table, items, part.context):
            seen += 1
            if table is not dataset.table and outer in broken:
                continue  # one fault per broken record, not one more for everything inside it
            record = Record(item, parent, payload, part.context or {}, int(scope_id), index + 1, edge)
            try:
                row = _row(table, record, base, hashes)
            except NotParsable as why:
                faults.append(Fault(table.name, index, str(why), item, parent))
                broken.add(outer)
                continue
            if table is dataset.table:
                begun[tuple(row[name] for name in table.key)] = row.get("starred_at") or row.get("created_at")
            if _belongs(table, dataset, row, close, day):
                rows[table.name].append(row)
                if actors and table is dataset.table:
                    rows[ACTORS.name].extend(_actors(dataset, item, base, hashes))
        if table is dataset.table:
            count = seen
    return Parsed(rows, faults, count, begun)


def parse_actors(dataset: Dataset, part: Part, payload: Any, day: date, fetched_at: datetime) -> list[Row]:
    """The accounts that the records of a day name, and nothing else of them."""
    alone = _without_children(dataset)
    return parse(alone, part, payload, day, fetched_at).rows[ACTORS.name] if dataset.actors else []


@cache
def _without_children(dataset: Dataset) -> Dataset:
    return replace(dataset, table=replace(dataset.table, hash_keys={}, hash_diffs={}), children=())


def _listed_items(dataset: Dataset, answer: Any) -> tuple[list[Any], str]:
    """The items of an answer, and what is wrong with it as a whole.

    An object where a list belongs is another thing's answer, even if it has an id; an object without its list is not
    one whose list is empty.
    """
    came = "null" if answer is None else type(answer).__name__
    if dataset.table.each == "@entries" and isinstance(answer, dict):
        return [{"key": key, "value": value} for key, value in answer.items()], ""
    if not dataset.is_object:
        return (answer, "") if isinstance(answer, list) else ([], f"expected a list of records, came {came}")
    if dataset.table.each and not isinstance(answer, dict):
        return [], f"expected an object, came {came}"
    if dataset.table.each and get(answer, dataset.table.each) is None:
        return [], f"expected a list of records under {dataset.table.each!r}, came none"
    return [answer], ""


def _own_items(items: list[Any], part: Part) -> list[Any]:
    """The items of the part's scope, where an answer lists those of many, and of a newest-first list what is new.

    Such a list ends with a page: how many known items follow the last new one depends on the size of the page, which
    must not show in a table.
    """
    context = part.context or {}
    if "only" in context:
        path, wanted = context["only"]
        items = [item for item in items if _is_same(get(item, path), wanted)]
    if "not_before" in context:
        path, moment = context["not_before"]
        since = datetime.fromisoformat(moment)
        items = [item for item in items if not is_before(get(item, path), since)]
    return items


def is_before(value: Any, since: datetime) -> bool:
    """Whether a moment as GitHub writes it lies before another; what is no moment lies nowhere."""
    try:
        # The weeks of statistics begin at seconds since 1970.
        moment = datetime.fromtimestamp(value, UTC) if isinstance(value, int) else datetime.fromisoformat(value)
        return moment < since
    except (TypeError, ValueError, OverflowError):
        return False


def _is_same(value: Any, wanted: Any) -> bool:
    return value is not None and not isinstance(value, bool) and str(value) == str(wanted)


def walk(payload: Any, path: Sequence[str | int]) -> Any:
    """The value at a path of keys and positions, or None where it breaks off."""
    for step in path:
        if isinstance(payload, dict):
            payload = payload.get(step) if isinstance(step, str) else None
        elif isinstance(payload, list) and isinstance(step, int) and step < len(payload):
            payload = payload[step]
        else:
            return None
    return payload


def _records(table: Table, items: list[Any], context: Mapping[str, Any] | None) -> Iterator[tuple[int, int, Any, Any]]:
    """(position of the item, position of the record, record, parent) of every record of a table in these items."""
    outer = (context or {}).get("parent")
    if table.each == "@payload":
        if items:
            yield 0, 0, items[0], None
        return
    for index, item in enumerate(items):
        if table.each in ("", "@entries") or (outer is not None and not _has(item, table.each)):
            yield index, index, {"value": item} if table.scalars else item, outer
            continue
        for position, inner in enumerate(_inner(item, table.each, scalars=table.scalars)):
            yield index, position, inner, item


def _has(item: Any, each: str) -> bool:
    return any(get(item, path) is not None for path in each.replace("+", "|").split("|"))


def _inner(item: Any, each: str, *, scalars: bool) -> list[Any]:
    for alternative in each.split("|"):
        lists = [get(item, path) for path in alternative.split("+")]
        if any(value is not None for value in lists):
            return [inner for value in lists if value is not None for inner in _listed(value, scalars=scalars)]
    return []


def _listed(value: Any, *, scalars: bool) -> list[Any]:
    """The list; what is none where one belongs is a record that does not parse, never nothing."""
    if not isinstance(value, list):
        return [f"no list but {type(value).__name__}"]
    return [{"value": inner} for inner in value] if scalars else value


def _row(table: Table, record: Record, base: Row, hashes: bool) -> Row:
    if not isinstance(record.item, dict):
        raise NotParsable(f"expected an object, came {'null' if record.item is None else type(record.item).__name__}")
    values: Row = {}
    for column, read, convert in _readers(table):
        try:
            raw = column.of(record) if column.of else read(record)
            value = None if raw is None else convert(column.via(raw) if column.via else raw)
        except (NotParsable, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, OSError) as why:
            raise NotParsable(f"column {column.name}: {why}") from why
        if column.required and (value is None or value == ""):
            raise NotParsable(f"column {column.name} is required and missing")
        values[column.name] = value
    row = dict(base)
    row["rec_src"] = f"{base['rec_src']}/{table.name}"
    if hashes:
        for name, parts in table.hash_keys.items():
            row[name] = hash_key(base["host"], [values[p] for p in parts])
        for name, columns in table.hash_diffs.items():
            row[f"{name}_hd"] = hash_diff([(c, values[c]) for c in columns])
    row.update(values)
    return row


def _belongs(table: Table, dataset: Dataset, row: Row, close: datetime, day: date) -> bool:
    if dataset.addressable is Addressable.window and "traffic_date" in row:
        return bool(row["traffic_date"] <= day)
    if dataset.addressable in (Addressable.since, Addressable.history, Addressable.feed):
        at = row.get(table.time_column or "")
        if at is None:
            return True
        return bool(at < close if isinstance(at, datetime) else at <= day)
    return True


def _actors(dataset: Dataset, item: Any, base: Row, hashes: bool) -> Iterator[Row]:
    for path in dataset.actors:
        found = item if path == "@item" else get(item, path.removesuffix("[]"))
        for actor in found if isinstance(found, list) else [found]:
            if not isinstance(actor, dict) or not actor.get("login"):
                continue
            record = Record(_named_alike(actor), None, None, {}, 0, 1, "")
            try:
                yield _row(ACTORS, record, base, hashes)
            except NotParsable:
                # An account without an id (deleted, or an app that GraphQL shows by name only) is nobody we can key.
                continue


def _named_alike(actor: dict[str, Any]) -> dict[str, Any]:
    """GraphQL leaves out the suffix by which REST marks a bot's login."""
    if actor.get("__typename") == "Bot" and not str(actor["login"]).endswith("[bot]"):
        return {**actor, "login": f"{actor['login']}[bot]"}
    return actor


def get(item: Any, path: str) -> Any:
    """The value at a dotted path; a number is a position in a list. None where the path breaks off."""
    for key in path.split("."):
        if isinstance(item, dict):
            item = item.get(key)
        elif isinstance(item, list) and key.isdigit():
            item = item[int(key)] if int(key) < len(item) else None
        else:
            return None
    return item


Reader = Callable[[Record], Any]
Converter = Callable[[Any], Any]


@cache
def _readers(table: Table) -> tuple[tuple[Column, Reader, Converter], ...]:
    return tuple((column, _reader(column.paths), _CONVERTERS[column.type]) for column in table.columns)


def _reader(paths: tuple[str, ...]) -> Reader:
    getters = tuple(_getter(path) for path in paths)
    if len(getters) == 1:
        return getters[0]

    def read(record: Record) -> Any:
        for getter in getters:
            value = getter(record)
            if value is not None:
                return value
        return None

    return read


def _getter(path: str) -> Reader:
    if path == "@id":
        return lambda record: record.scope_id
    if path == "@rank":
        return lambda record: record.rank
    head, _, rest = path.partition(".")
    if head == "@parent":
        return lambda record: get(record.parent, rest)
    if head == "@payload":
        return lambda record: get(record.payload, rest)
    if head == "@context":
        return lambda record: get(record.context, rest)
    if not rest:
        return lambda record: record.item.get(path)
    return lambda record: get(record.item, path)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise NotParsable(f"expected text, came {type(value).__name__}")
    if isinstance(value, bool):
        return "true" if value else "false"
    # NUL is valid in JSON and in no PostgreSQL text; lone surrogates are valid in JSON and in no UTF-8.
    plain = str(value).replace("\x00", "�").encode("utf-8", "replace").decode()
    encoded = plain.encode()
    if len(encoded) <= LONGEST_TEXT:
        return plain
    return encoded[:LONGEST_TEXT].decode("utf-8", "ignore")


def _bigint(value: Any) -> int:
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise NotParsable(f"expected an integer, came {value!r}")
    if not isinstance(value, int | float | str):
        raise NotParsable(f"expected an integer, came {type(value).__name__}")
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise NotParsable(f"{number} does not fit 64 bits")
    return number


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotParsable(f"expected true or false, came {value!r}")
    return value


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotParsable(f"expected a number, came {value!r}")
    number = Decimal(str(value))
    if not number.is_finite():
        raise NotParsable(f"expected a number, came {value!r}")
    return number.quantize(Decimal("0.000001"))


def _timestamp(value: Any) -> datetime:
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC).replace(tzinfo=None)
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _date(value: Any) -> date:
    return _timestamp(value).date()


_CONVERTERS: dict[str, Converter] = {
    "text": _text,
    "bigint": _bigint,
    "boolean": _boolean,
    "decimal": _decimal,
    "timestamp": _timestamp,
    "date": _date,
}
