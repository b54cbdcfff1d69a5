"""Infomarts as files: the same bytes each time, past days where they are kept, people in the latest only."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from oss_datastore.commands.read import export
from oss_datastore.dead_letters import EmbeddedPostgres
from oss_datastore.staging.store import LocalStore
from oss_datastore.warehouse import PSA_TABLES, DuckDbWarehouse, PostgresWarehouse, Warehouse
from oss_datastore.warehouse.published import PAGE, NotKept, as_of, forget_published, publish

FIRST, LAST = date(2026, 10, 13), date(2026, 10, 14)
MARTS = """
create table infomarts.stars_daily as
  select 1 as repo_id, cast('acme/café' as varchar) as full_name, date '2026-10-13' as day, 5 as stars
  union all select 1, 'acme/café', date '2026-10-14', null;
create table infomarts.people_current as select cast('ada' as varchar) as login, 7 as user_id;
create table infomarts.issues_current as
  select 3 as issue_id, cast('ada' as varchar) as author_login, cast(1.5 as decimal(38,6)) as share, true as is_open;
"""


@pytest.fixture(params=["duckdb", "postgres"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Warehouse]:
    """A warehouse with three marts, loaded until LAST."""
    statements = [
        "insert into psa.fetch_ledger (load_date, scope, host, rec_src, dataset) "
        f"values (timestamp '{day}', 's', 'h', 'r', 'd')"
        for day in (FIRST, LAST)
    ]
    statements += MARTS.strip().split(";")[:-1]
    made: Warehouse
    if request.param == "duckdb":
        import duckdb

        made = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
        made.prepare(PSA_TABLES)
        with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)
        yield made
        return
    import psycopg2

    server: EmbeddedPostgres = request.getfixturevalue("postgres")
    url = server.ensure_database(f"published_{secrets.token_hex(8)}")
    made = PostgresWarehouse(url)
    made.prepare(PSA_TABLES)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()
    yield made


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def test_every_mart_is_a_file_and_the_same_rows_are_the_same_bytes(warehouse: Warehouse, store: LocalStore) -> None:
    told = publish(warehouse, store)
    assert (told.marts, told.as_of) == (3, LAST)
    before = {key: store.get(key) for key in store.list("infomarts/")}
    assert sorted(before) == [
        "infomarts/as_of=2026-10-14/issues_current.parquet",
        "infomarts/latest.json",
        "infomarts/latest/issues_current.parquet",
        "infomarts/latest/people_current.parquet",
        "infomarts/latest/stars_daily.parquet",
    ]
    assert told.bytes == sum(len(data) for key, data in before.items() if key.endswith(".parquet"))
    publish(warehouse, store)
    assert {key: store.get(key) for key in store.list("infomarts/")} == before
    rows = pq.read_table(io.BytesIO(before["infomarts/latest/stars_daily.parquet"])).to_pylist()
    assert [(row["full_name"], row["day"], row["stars"]) for row in rows] == [
        ("acme/café", FIRST, 5),
        ("acme/café", LAST, None),
    ]


def test_a_past_day_is_cut_or_was_kept_without_people(warehouse: Warehouse, store: LocalStore) -> None:
    publish(warehouse, store)
    assert as_of(store, "stars_daily", FIRST).num_rows == 1
    assert as_of(store, "stars_daily", LAST).num_rows == 2
    assert as_of(store, "issues_current", LAST).column_names == ["issue_id", "share", "is_open"]


def test_what_is_not_kept_is_said(warehouse: Warehouse, store: LocalStore) -> None:
    with pytest.raises(NotKept, match="no file of 'stars_daily' is in the store; they are written at the end"):
        as_of(store, "stars_daily", FIRST)
    publish(warehouse, store)
    with pytest.raises(
        NotKept, match="no file of 'star' is in the store; there are: issues_current, people_current, st"
    ):
        as_of(store, "star", FIRST)
    with pytest.raises(NotKept, match="issues_current of 2026-10-13 is not kept: kept are 2026-10-14 to 2026-10-14, 1"):
        as_of(store, "issues_current", FIRST)
    with pytest.raises(NotKept, match="people_current has a row per person, and no past day of it is kept"):
        as_of(store, "people_current", FIRST)


def test_who_is_forgotten_is_in_no_file(warehouse: Warehouse, store: LocalStore) -> None:
    publish(warehouse, store)
    store.overwrite(PAGE, b"ada")
    forget_published(store)
    assert list(store.list("report/")) == []
    assert list(store.list("infomarts/")) == ["infomarts/as_of=2026-10-14/issues_current.parquet"]
    assert not [key for key in store.list("infomarts/") if b"ada" in store.get(key)]


def test_a_past_day_is_exported_without_a_warehouse(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it waits for no load."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path / "home"))
    publish(warehouse, LocalStore(tmp_path / "home" / "store"))
    out = tmp_path / "out.csv"
    told = CliRunner().invoke(export, ["stars_daily", "--as-of", "2026-10-13", "--output", str(out)])
    assert (told.exit_code, out.read_text().splitlines()) == (
        0,
        ["repo_id,full_name,day,stars", "1,acme/café,2026-10-13,5"],
    )
    told = CliRunner().invoke(export, ["people_current", "--as-of", "2026-10-13"])
    assert told.exit_code == 2
    assert "--as-of: people_current has a row per person" in told.output
