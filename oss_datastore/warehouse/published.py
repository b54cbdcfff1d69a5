"""Infomarts as Parquet files in the raw store: whoever reads them never waits for a load.

`infomarts/latest/<mart>.parquet` is the mart as of the last load. `infomarts/as_of=<day>/<mart>.parquet` keeps what a
mart without a day of its own said at the close of the last day of a load. People are not kept in it: a person who is to
be forgotten is in `latest` only, which the next load writes anew. `infomarts/latest.json` says which files belong
together, so that nobody reads half of one load and half of the next. `report/report.html` is the page of the last load.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from oss_datastore.staging.store import ObjectMissing, RawStore
from oss_datastore.warehouse.engine import Readable, Warehouse, WarehouseRefused, ask

LATEST = "infomarts/latest"
PAGE = "report/report.html"
_TOGETHER = "infomarts/latest.json"
_SECONDS_OF_WRITING = 10.0
"""So long a reader waits for files that are being replaced; writing them takes a second or two."""
_OF_DAYS = ("day", "traffic_date")
_OF_PEOPLE = ("user_id", "login")
"""A mart with one of these has a row per person: no day of it is kept."""
_NAMES_OF_PEOPLE = ("author_id", "author_login", "assignees", "awaited_reviewers")


class NotKept(LookupError):
    """There is no such mart, or not of that day; the message says what there is."""


@dataclass(frozen=True)
class Published:
    """What was written: files, their bytes, and the day they tell of."""

    marts: int
    bytes: int
    as_of: date | None


def marts_of(warehouse: Readable) -> list[str]:
    """Names of the infomarts in a warehouse."""
    _, names = ask(
        warehouse, "select table_name from information_schema.tables where table_schema = 'infomarts' order by 1"
    )
    return [name for (name,) in names]


def publish(warehouse: Warehouse, store: RawStore) -> Published:
    """Writes every infomart into the store; the same rows give the same bytes, on every engine."""
    [(last,)] = ask(warehouse, "select max(load_date) from psa.fetch_ledger")[1]
    as_of = last.date() if last is not None else None
    size = 0
    digests: dict[str, str] = {}
    for mart in marts_of(warehouse):
        rows = _ordered(warehouse.table(f'select * from infomarts."{mart}"'))  # noqa: S608 - a name of the catalogue
        data = _parquet(rows)
        store.overwrite(f"{LATEST}/{mart}.parquet", data)
        size += len(data)
        digests[mart] = _digest(data)
        if as_of is not None and not set(rows.column_names) & {*_OF_DAYS, *_OF_PEOPLE}:
            kept = rows.drop_columns([name for name in _NAMES_OF_PEOPLE if name in rows.column_names])
            data = _parquet(kept)
            store.overwrite(f"infomarts/as_of={as_of}/{mart}.parquet", data)
            size += len(data)
    if as_of is not None:
        together = {"as_of": as_of.isoformat(), "md5": digests}
        store.overwrite(_TOGETHER, json.dumps(together, indent=1, sort_keys=True).encode())
    return Published(len(digests), size, as_of)


def forget_published(store: RawStore) -> None:
    """Removes what may name people; the next load writes it anew."""
    store.delete(_TOGETHER)
    for place in (f"{LATEST}/", PAGE):
        for key in list(store.list(place)):
            store.delete(key)
        store.purge(place)


def as_of(store: RawStore, mart: str, day: date) -> pa.Table:
    """A mart as it was at the close of a day: kept as a whole, or its rows up to that day. Raises NotKept."""
    try:
        return pq.read_table(io.BytesIO(store.get(f"infomarts/as_of={day}/{mart}.parquet")))
    except ObjectMissing:
        pass
    try:
        rows = pq.read_table(io.BytesIO(store.get(f"{LATEST}/{mart}.parquet")))
    except ObjectMissing:
        names = [key.removeprefix(f"{LATEST}/").removesuffix(".parquet") for key in store.list(f"{LATEST}/")]
        there = f"there are: {', '.join(names)}" if names else "they are written at the end of each load"
        raise NotKept(f"no file of {mart!r} is in the store; {there}") from None
    column = next((name for name in _OF_DAYS if name in rows.column_names), None)
    if column is not None:
        return rows.filter(pc.less_equal(rows[column], pa.scalar(day, pa.date32())))
    if set(rows.column_names) & set(_OF_PEOPLE):
        raise NotKept(
            f"{mart} has a row per person, and no past day of it is kept; see access_review and user_access_changes"
        )
    days = sorted({key.split("/")[1].removeprefix("as_of=") for key in _kept_keys(store, mart)})
    there = f"kept are {days[0]} to {days[-1]}, {len(days)} days" if days else "no day of it is kept yet"
    raise NotKept(f"{mart} of {day} is not kept: {there}")


@dataclass(frozen=True)
class PublishedMarts:
    """The infomarts as the last load left them in the store: what is read while a writer holds the warehouse."""

    store: RawStore
    as_of: date
    digests: Mapping[str, str]

    @classmethod
    def of(cls, store: RawStore) -> PublishedMarts:
        """Those of a store. Raises NotKept where no load has written them."""
        try:
            together = json.loads(store.get(_TOGETHER))
        except ObjectMissing:
            raise NotKept("no infomarts are in the store yet: they are written at the end of each load") from None
        return cls(store, date.fromisoformat(together["as_of"]), together["md5"])

    def only(self, marts: Iterable[str]) -> PublishedMarts:
        """The same without the files that are not needed."""
        wanted = set(marts)
        return replace(self, digests={mart: digest for mart, digest in self.digests.items() if mart in wanted})

    @contextmanager
    def reading(self) -> Iterator[Callable[[], Any]]:
        """Makes cursors on the files. Raises NotKept and WarehouseRefused."""
        import duckdb

        tables = self._tables()
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            connection.execute("create schema infomarts")
            for mart, rows in tables.items():
                connection.register("incoming", rows)
                connection.execute(f'create table infomarts."{mart}" as select * from incoming')  # noqa: S608
                connection.unregister("incoming")
            try:
                yield connection.cursor
            except duckdb.Error as why:
                raise WarehouseRefused(str(why)) from why

    def table(self, sql: str) -> pa.Table:
        """The rows of a query."""
        with self.only(marts_in(sql) or ()).reading() as cursors:
            return cursors().sql(sql).to_arrow_table()

    def _tables(self) -> dict[str, pa.Table]:
        """The files of one load: while the next one replaces them, they are read once more."""
        began = time.monotonic()
        digests = self.digests
        while True:
            data = {mart: self.store.get(f"{LATEST}/{mart}.parquet") for mart in self.digests}
            if all(_digest(content) == digests.get(mart) for mart, content in data.items()):
                return {mart: pq.read_table(io.BytesIO(content)) for mart, content in data.items()}
            if time.monotonic() - began > _SECONDS_OF_WRITING:
                raise NotKept("the infomarts in the store are of two loads, since writing them was interrupted")
            time.sleep(0.1)
            digests = PublishedMarts.of(self.store).digests


def marts_in(sql: str) -> set[str] | None:
    """The infomarts that a query reads; None where it reads anything else, or cannot be understood."""
    import duckdb

    try:
        with duckdb.connect() as connection:
            named = connection.get_table_names(sql, qualified=True)
    except duckdb.Error:
        return None
    schemas = {name.rpartition(" AS ")[0] or name for name in named}
    marts = {name.removeprefix("infomarts.").strip('"') for name in schemas if name.startswith("infomarts.")}
    return marts if named and len(marts) == len(schemas) else None


def _digest(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _kept_keys(store: RawStore, mart: str) -> Iterable[str]:
    return (key for key in store.list("infomarts/as_of=") if key.endswith(f"/{mart}.parquet"))


def _ordered(rows: pa.Table) -> pa.Table:
    # Values that sort differently by engine (text, NULL) are ordered by one of them.
    import duckdb

    return duckdb.from_arrow(rows).order("all").to_arrow_table()


def _parquet(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()
