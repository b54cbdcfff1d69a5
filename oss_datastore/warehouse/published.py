"""Infomarts as Parquet files in the raw store: whoever reads them never waits for a load.

`infomarts/latest/<mart>.parquet` is the mart as of the last load. `infomarts/as_of=<day>/<mart>.parquet` keeps what a
mart without a day of its own said at the close of the last day of a load. People are not kept in it: a person who is to
be forgotten is in `latest` only, which the next load writes anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from oss_datastore.staging.store import ObjectMissing, RawStore
from oss_datastore.warehouse.engine import Warehouse, ask

LATEST = "infomarts/latest"
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


def marts_of(warehouse: Warehouse) -> list[str]:
    """Names of the infomarts in a warehouse."""
    _, names = ask(
        warehouse, "select table_name from information_schema.tables where table_schema = 'infomarts' order by 1"
    )
    return [name for (name,) in names]


def publish(warehouse: Warehouse, store: RawStore) -> Published:
    """Writes every infomart into the store; the same rows give the same bytes, on every engine."""
    [(last,)] = ask(warehouse, "select max(load_date) from psa.fetch_ledger")[1]
    as_of = last.date() if last is not None else None
    size, count = 0, 0
    for mart in marts_of(warehouse):
        rows = _ordered(warehouse.table(f'select * from infomarts."{mart}"'))  # noqa: S608 - a name of the catalogue
        data = _parquet(rows)
        store.overwrite(f"{LATEST}/{mart}.parquet", data)
        size, count = size + len(data), count + 1
        if as_of is not None and not set(rows.column_names) & {*_OF_DAYS, *_OF_PEOPLE}:
            kept = rows.drop_columns([name for name in _NAMES_OF_PEOPLE if name in rows.column_names])
            data = _parquet(kept)
            store.overwrite(f"infomarts/as_of={as_of}/{mart}.parquet", data)
            size += len(data)
    return Published(count, size, as_of)


def forget_published(store: RawStore) -> None:
    """Removes what may name people; the next load writes it anew."""
    for key in list(store.list(f"{LATEST}/")):
        store.delete(key)
    store.purge(f"{LATEST}/")


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
