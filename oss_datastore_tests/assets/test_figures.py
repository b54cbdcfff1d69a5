"""Figures of tables on every engine: rows as a whole and by day, the ledger of each day, a look into an infomart."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import duckdb
import psycopg2
import pytest

from oss_datastore.assets.figures import figures_of
from oss_datastore.assets.ledger import ledger_metadata
from oss_datastore.markdown import markdown
from oss_datastore.warehouse import FETCH_LEDGER, DuckDbWarehouse, PostgresWarehouse, Warehouse, asking
from oss_datastore.warehouse.psa import arrow
from oss_datastore_tests.redshift.homes import redshift_warehouse

DAY = date(2026, 10, 14)
BEFORE = DAY - timedelta(days=1)
MART, STAGED, VAULT = (
    dg.AssetKey(path)
    for path in (["infomarts", "repo_traffic_daily"], ["staging", "traffic_views"], ["raw_vault", "hub_repo"])
)
GRAPH = {MART: [STAGED], VAULT: [STAGED], STAGED: []}


def spec(key: dg.AssetKey, *columns: str) -> dg.AssetSpec:
    schema = dg.TableSchema([dg.TableColumn(name) for name in columns])
    return dg.AssetSpec(key, metadata={"dagster/column_schema": schema, "dagster/table_name": ".".join(key.path)})


SPECS = [spec(MART, "repo_id", "full_name", "traffic_date", "views_count"), spec(VAULT, "repo_hk", "load_date")]


@pytest.fixture(params=["duckdb", "postgres", "redshift"])
def warehouse(request: pytest.FixtureRequest, tmp_path: Path) -> Warehouse:
    """Two days of a ledger, a hub that grew on the first, and a mart with a row more on the second."""
    made: Warehouse
    connection: Any
    if request.param == "duckdb":
        made = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    elif request.param == "redshift":
        url = request.getfixturevalue("redshift_url")
        made = redshift_warehouse(url, request.getfixturevalue("moto_s3"))
    else:
        made = PostgresWarehouse(request.getfixturevalue("queue_url"))
    states = {BEFORE: ["complete", "complete"], DAY: ["complete", "failed"]}
    rows = [
        {
            "load_date": datetime.combine(day, datetime.min.time()),
            "scope": f"github.com/repository/{number}",
            "host": "github.com",
            "dataset": "traffic_views",
            "state": state,
        }
        for day, of_day in states.items()
        for number, state in enumerate(of_day)
    ]
    made.replace([(FETCH_LEDGER, arrow(FETCH_LEDGER, rows), "")], list(states))
    if isinstance(made, DuckDbWarehouse):
        connection = duckdb.connect(str(made.path))
    elif isinstance(made, PostgresWarehouse):
        connection = psycopg2.connect(made.url)
    else:
        # As dbt's adapter would have made them; the words of Redshift are not what is looked at.
        shim = request.getfixturevalue("redshift")
        connection = psycopg2.connect(shim.behind(urlsplit(url).path.strip("/")))
    with closing(connection):
        cursor = connection.cursor()
        for statement in (
            "create table raw_vault.hub_repo (repo_hk bigint, load_date timestamp)",
            f"insert into raw_vault.hub_repo values (1, '{BEFORE}'), (2, '{BEFORE}')",
            "create table infomarts.repo_traffic_daily"
            " (repo_id bigint, full_name varchar(99), traffic_date date, views_count bigint)",
            f"insert into infomarts.repo_traffic_daily values (1, 'acme/a|b', '{BEFORE}', 5),"
            f" (1, 'acme/a|b', '{DAY}', 7), (2, 'acme/c', '{DAY}', null)",
        ):
            cursor.execute(statement)
        connection.commit()
    return made


def test_each_day_of_a_range_has_its_own_rows_and_ledger_and_the_last_a_look_into_the_mart(
    warehouse: Warehouse,
) -> None:
    with asking(warehouse) as ask:
        told = figures_of(ask, SPECS, GRAPH, [BEFORE, DAY])
    assert {key: whole["dagster/row_count"] for key, whole in told.whole.items()} == {MART: 3, VAULT: 2}
    rows = {
        (key, day): told.by_day[key][day]["dagster/partition_row_count"] for key in told.by_day for day in (BEFORE, DAY)
    }
    assert rows == {(MART, BEFORE): 1, (MART, DAY): 2, (VAULT, BEFORE): 2, (VAULT, DAY): 0}
    assert "preview" not in told.by_day[MART][BEFORE]
    assert told.by_day[MART][BEFORE]["scopes_complete"] == 2
    last = told.by_day[MART][DAY]
    assert (last["planned_scopes"], last["scopes_complete"], last["scopes_failed"]) == (2, 1, 1)
    assert last["ledger"] == "1 of 2 scopes of traffic_views are missing or not whole (1 failed)."
    assert last["fed_by"].value.splitlines()[2] == "| traffic_views | 2 | 1 | 1 |"
    assert last["preview"].value.splitlines() == [
        "| full_name | traffic_date | views_count |",
        "| --- | --- | --- |",
        "| acme/a\\|b | 2026-10-14 | 7 |",
        "| acme/c | 2026-10-14 |  |",
    ]


def test_the_ledger_names_what_is_missing_first_then_what_nobody_asked_for_and_what_is_whole() -> None:
    states = {"forks": Counter(complete=2), "issues": Counter(complete=1, partial=2, gone=1)}
    told = ledger_metadata(states, ["forks", "issues", "labels"])
    assert told["planned_scopes"] == 6
    assert told["ledger"] == (
        "2 of 4 scopes of issues are missing or not whole (2 partial); no scope was planned of labels; whole: forks."
    )


def test_a_cell_stays_in_its_cell() -> None:
    assert markdown(["a"], [["x|y\nz"], [None]]).splitlines()[2:] == ["| x\\|y z |", "|  |"]
