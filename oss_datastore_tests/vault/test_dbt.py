"""dbt itself: the materialization does what the plans of the other tests do, and the checks find what is at fault."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore_tests.vault.conftest import dbt_environment, postgres_environment
from oss_datastore_tests.vault.engine import PSA, dbt, project_copy, uuid_of

Ask = Callable[[str], list[tuple[Any, ...]]]


class Project:
    """The scenario project on an engine: staged by hand, loaded by dbt."""

    def __init__(self, folder: Path, env: dict[str, str], ask: Ask) -> None:
        self.folder = folder
        self.env = env
        self.ask = ask
        for schema in ("psa", "raw_vault"):
            ask(f"create schema if not exists {schema}")
        for statement in PSA.strip().split(";\n"):
            ask(statement)

    def stage(self, day: str, *things: tuple[str, str]) -> None:
        """Replace a day of psa.thing by (key, value) rows, listed whole."""
        self.ask(f"delete from psa.thing where load_date = timestamp '{day}'")
        self.ask(f"delete from psa.fetch_ledger where load_date = timestamp '{day}'")
        for key, value in things:
            self.ask(
                "insert into psa.thing values "
                f"(timestamp '{day}', 'all', 'feed', '{uuid_of(key)}', '{key}', '{uuid_of(key)}', "
                f"'{uuid_of(value)}', 'c', '{value}')"
            )
        self.ask(
            f"insert into psa.fetch_ledger values (timestamp '{day}', 'things', 'all', 'complete', "
            f"'{'full' if things else 'empty'}')"
        )

    def run(self, command: str, *arguments: str, start: str = "", end: str = "") -> dict[str, Any]:
        """One dbt command over a window; its results by model or test."""
        window = ["--event-time-start", start, "--event-time-end", end] if start else []
        done = dbt(self.folder, command, *arguments, *window, env=self.env)
        results = json.loads((self.folder / "target" / "run_results.json").read_text())["results"]
        self.said = done.said
        return {result["unique_id"].split(".")[2]: result for result in results}


@pytest.fixture(params=["duckdb", "postgres"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """Each engine in turn, empty."""
    folder = project_copy(tmp_path)
    if request.param == "duckdb":
        import duckdb

        path = tmp_path / "warehouse.duckdb"

        def ask(sql: str) -> list[tuple[Any, ...]]:
            # Opened and closed each time: dbt's process needs the file for itself.
            with duckdb.connect(str(path)) as connection:
                return connection.execute(sql).fetchall()

        yield Project(
            folder,
            dbt_environment(OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=str(path)),
            ask,
        )
        return
    server: EmbeddedPostgres = request.getfixturevalue("postgres")
    url = server.ensure_database(f"vault_{secrets.token_hex(8)}")
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()

        def ask_server(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

        yield Project(folder, postgres_environment(url), ask_server)


def test_dbt_loads_windows_in_any_order_and_again(project: Project) -> None:
    tables = ["--select", "hub_thing", "sat_thing", "eff_sat_listed", "pit_thing", "ma_sat_thing"]
    project.stage("2026-01-01", ("a", "x"), ("b", "x"))
    project.stage("2026-01-03", ("a", "y"))
    first = project.run("build", *tables, start="2026-01-01", end="2026-01-04")
    assert {result["status"] for result in first.values()} == {"success"}
    assert first["sat_thing"]["message"] == "3 inserted, 0 ended, 0 deleted"
    assert first["sat_thing"]["adapter_response"]["rows_affected"] == 3

    project.stage("2026-01-02", ("b", "y"))
    late = project.run("build", *tables, start="2026-01-02", end="2026-01-03")
    assert "late" in late["sat_thing"]["message"]
    assert "Unable to do partial parsing" not in project.said

    assert project.ask("select thing_key, load_date from raw_vault.hub_thing order by 1") == project.ask(
        "select thing_key, min(load_date) from psa.thing group by thing_key order by 1"
    )
    versions = project.ask(
        "select h.thing_key, s.v, cast(s.load_date as date), cast(s.load_end_date as date) from raw_vault.sat_thing s"
        " join raw_vault.hub_thing h on h.thing_hk = s.thing_hk order by 1, 3"
    )
    assert [(key, v, str(start), str(end)) for key, v, start, end in versions] == [
        ("a", "x", "2026-01-01", "2026-01-03"),
        ("a", "y", "2026-01-03", "9999-12-31"),
        ("b", "x", "2026-01-01", "2026-01-02"),
        ("b", "y", "2026-01-02", "9999-12-31"),
    ]
    relations = project.ask(
        "select h.thing_key, cast(s.load_date as date), s.is_active from raw_vault.eff_sat_listed s"
        " join raw_vault.hub_thing h on h.thing_hk = s.thing_hk order by 1, 2"
    )
    assert [(key, str(day), there) for key, day, there in relations] == [
        ("a", "2026-01-01", True),
        ("a", "2026-01-02", False),
        ("a", "2026-01-03", True),
        ("b", "2026-01-01", True),
        ("b", "2026-01-03", False),
    ]

    everything = project.run("run", *tables)
    assert {result["adapter_response"].get("rows_affected", 0) for result in everything.values()} == {0}
    log = project.ask("select table_name, rows_inserted from metrics_vault.vault_load_log order by loaded_at")
    assert len(log) == 15
    assert ("sat_thing", 3) in log


def test_dbt_takes_the_short_way_for_one_day(project: Project) -> None:
    for day, value in (("2026-01-01", "x"), ("2026-01-02", "y"), ("2026-01-03", "y")):
        project.ask(
            "insert into psa.once (load_date, scope, rec_src, thing_hk, thing_key, row_hd, v) values "
            f"(timestamp '{day}', 'all', 'feed', '{uuid_of('a')}', 'a', '{uuid_of(value)}', '{value}')"
        )
    project.run("run", "--select", "hub_once", "sat_once", start="2025-12-31", end="2026-01-01")
    project.ask("delete from raw_vault.sat_once where load_date > timestamp '2026-01-01'")
    project.ask("update raw_vault.sat_once set load_end_date = timestamp '9999-12-31'")
    project.ask("create table kept as select * from psa.once where load_date > timestamp '2026-01-01'")
    project.ask("delete from psa.once where load_date > timestamp '2026-01-01'")
    for start, end, message in (
        ("2026-01-02", "2026-01-03", "1 inserted, 1 ended, 0 deleted"),
        ("2026-01-03", "2026-01-04", "0 inserted, 0 ended, 0 deleted"),
    ):
        project.ask(f"insert into psa.once select * from kept where load_date = timestamp '{start}'")
        loaded = project.run("run", "--select", "sat_once", start=start, end=end)
        assert loaded["sat_once"]["message"] == message
        assert "create temporary table _sat_once_changed" in project.said


def test_a_load_that_fails_leaves_its_table_as_it_was(project: Project) -> None:
    project.stage("2026-01-01", ("a", "x"))
    project.run("run", "--select", "sat_thing", start="2026-01-01", end="2026-01-02")
    before = project.ask("select * from raw_vault.sat_thing")
    project.stage("2026-01-02", ("a", "y"))
    project.ask("drop table metrics_vault.vault_load_log")
    project.ask("create table metrics_vault.vault_load_log (only_column integer)")
    failed = project.run("run", "--select", "sat_thing", start="2026-01-02", end="2026-01-03")
    assert failed["sat_thing"]["status"] == "error"
    assert project.ask("select * from raw_vault.sat_thing") == before


def test_a_column_declared_later_appears_and_makes_no_false_version(project: Project) -> None:
    project.stage("2026-01-01", ("a", "x"))
    project.run("run", "--select", "sat_thing")
    model = project.folder / "models" / "sat_thing.sql"
    model.write_text(model.read_text().replace("columns=['v']", "columns=['v', 'child']"))
    project.stage("2026-01-02", ("a", "y"))
    project.run("run", "--select", "sat_thing", start="2026-01-02", end="2026-01-03")
    assert project.ask("select v, child from raw_vault.sat_thing order by load_date") == [("x", None), ("y", "c")]

    model.write_text(model.read_text().replace("columns=['v', 'child']", "columns=['v']"))
    refused = project.run("run", "--select", "sat_thing", start="2026-01-02", end="2026-01-03")
    assert "has the column child" in refused["sat_thing"]["message"]
    project.run("run", "--select", "sat_thing", "--full-refresh")
    assert project.ask("select v from raw_vault.sat_thing order by load_date") == [("x",), ("y",)]
