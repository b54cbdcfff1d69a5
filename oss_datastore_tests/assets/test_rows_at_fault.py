"""What stands under a check that failed: the rows at fault, and nothing of persons."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from oss_datastore.assets.lineage import personal_columns
from oss_datastore.resources.rows_at_fault import with_rows_at_fault
from oss_datastore.warehouse import DuckDbWarehouse

PERSONS = dg.AssetKey(["infomarts", "dim_person"])


@pytest.fixture
def failed(tmp_path: Path) -> dg.AssetCheckResult:
    """A check of a table of persons, with its query where dbt leaves it and a warehouse in which it finds two rows."""
    query = tmp_path / "target" / "compiled" / "tests" / "given.sql"
    query.parent.mkdir(parents=True)
    query.write_text("select user_id, login from infomarts.dim_person where user_id < 9;\n")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema infomarts")
        connection.execute("create table infomarts.dim_person as select 7 as user_id, 'ann' as login")
        connection.execute("insert into infomarts.dim_person values (8, 'ben'), (9, 'fine')")
    return dg.AssetCheckResult(passed=False, asset_key=PERSONS, check_name="given")


def told(failed: dg.AssetCheckResult, folder: Path, hidden: frozenset[str]) -> str:
    warehouse = DuckDbWarehouse(folder / "warehouse.duckdb")
    (result,) = with_rows_at_fault([failed], folder / "target", warehouse, lambda key: hidden)
    return str(result.metadata["rows_at_fault"].value)


def test_each_row_is_shown_without_the_columns_that_are_hidden(failed: dg.AssetCheckResult, tmp_path: Path) -> None:
    text = told(failed, tmp_path, frozenset({"login"}))
    assert text.splitlines() == [
        "| user_id |",
        "| --- |",
        "| 7 |",
        "| 8 |",
        "",
        "Not shown, since made of personal data: login.",
    ]


def test_what_a_cell_holds_stays_in_it(failed: dg.AssetCheckResult, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("update infomarts.dim_person set login = 'a|b' where user_id = 7")
    assert "| 7 | a\\|b |" in told(failed, tmp_path, frozenset()).splitlines()


def test_the_login_of_a_person_is_personal() -> None:
    assert "login" in personal_columns(PERSONS)


def test_a_query_that_is_nowhere_leaves_the_check_as_it_was(failed: dg.AssetCheckResult, tmp_path: Path) -> None:
    other = failed._replace(check_name="another")
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    assert list(with_rows_at_fault([other], tmp_path / "target", warehouse, personal_columns)) == [other]
