"""Marts are read while a load writes: from the files of the last one on DuckDB, the state before it on PostgreSQL."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest

from oss_datastore import cli
from oss_datastore.dead_letters import EmbeddedPostgres
from oss_datastore.staging.store import LocalStore
from oss_datastore.warehouse import PSA_TABLES, DuckDbWarehouse, PostgresWarehouse
from oss_datastore.warehouse.published import LATEST, NotKept, PublishedMarts, publish
from oss_datastore_tests.commands.homes import DAY, after
from oss_datastore_tests.infomarts.conftest import compiled_in, mart_sql
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.report.organisation import organisation
from oss_datastore_tests.warehouse.test_published import LAST, MARTS, store, warehouse

__all__ = ["compiled_in", "mart_sql", "store", "warehouse"]

HOLD = "import duckdb, sys\nc = duckdb.connect(sys.argv[1])\nprint(flush=True)\nsys.stdin.read()"


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that holds a DuckDB file for writing, as dbt does, until its standard input ends."""
    program = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture(scope="module")
def loaded(mart_sql: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the infomarts of an organisation, in the warehouse and as files."""
    home = tmp_path_factory.mktemp("loaded") / "home"
    home.mkdir()
    marts = Marts(mart_sql, organisation(days=3, repositories=3, last=DAY))
    for name in mart_sql:
        marts.build(name)
    marts.connection.execute(f"attach '{home / 'warehouse.duckdb'}' as made; copy from database warehouse to made")
    marts.connection.close()
    publish(DuckDbWarehouse(home / "warehouse.duckdb"), LocalStore(home / "store"))
    return home


@pytest.fixture
def home(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """That home, for commands in this process."""
    monkeypatch.chdir(loaded.parent)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(loaded))
    monkeypatch.setenv("OSS_DATASTORE_NOW", after(DAY).isoformat())
    return loaded


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, answer and messages of a command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["oss-datastore", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    out, err = capfd.readouterr()
    return int(ended.value.code or 0), out, err


QUERY = (
    "query",
    "select max(day) as day, count(*) as issues from infomarts.issue_current, infomarts.org_overview",
    "--json",
)


def test_infomarts_answer_during_a_load_with_a_line_that_says_as_of_when(
    home: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = {name: tmp_path / f"{name}.csv" for name in ("during", "after")}
    with writer(home / "warehouse.duckdb"):
        code, during, told = said(capfd, *QUERY)
        assert (code, told) == (
            0,
            f"a load is writing to the warehouse; this is of the last one, data to {DAY:%a %d %b %Y}\n",
        )
        assert json.loads(during)[0]["day"] == DAY.isoformat()
        code, _, told = said(capfd, "export", "issue_current", "--output", str(files["during"]))
        assert (code, "data to" in told) == (0, True)
        code, _, told = said(capfd, "report", "--audience", "security", "--output", str(tmp_path / "page.html"))
        assert (code, "data to" in told) == (0, True)
        assert (tmp_path / "page.html").stat().st_size > 10_000
        code, _, _ = said(capfd, "query", "select count(*) from infomarts.nowhere")
        assert code == 1
    assert said(capfd, *QUERY) == (0, during, "")
    assert said(capfd, "export", "issue_current", "--output", str(files["after"])) == (0, "", "")
    rows = {name: sorted(csv.reader(path.open())) for name, path in files.items()}
    assert len(rows["during"]) > 2
    assert rows["during"] == rows["after"]


def test_a_query_of_other_schemas_waits_for_the_load_and_says_so(
    home: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with writer(home / "warehouse.duckdb") as load:
        # The load ends when it was waited for: the message comes before the first pause.
        monkeypatch.setattr("time.sleep", lambda seconds: load.kill() or load.wait())  # type: ignore[func-returns-value]
        code, out, _ = said(capfd, "query", "select count(*) as n from psa.fetch_ledger", "--json")
    assert code == 0
    assert caplog.messages == ["the warehouse is in use by another process; waiting for it"]
    assert json.loads(out)[0]["n"] > 50


def test_a_warehouse_that_is_made_anew_is_no_empty_one(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = home / "warehouse.duckdb"
    path.rename(path.with_suffix(".away"))
    try:
        DuckDbWarehouse(path).prepare(PSA_TABLES)
        code, out, told = said(capfd, *QUERY)
        assert (code, "data to" in told) == (0, True)
        assert json.loads(out)[0]["day"] == DAY.isoformat()
    finally:
        path.with_suffix(".away").rename(path)


def test_files_of_two_loads_are_not_read_together(
    warehouse: DuckDbWarehouse,
    store,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    with pytest.raises(NotKept, match="no infomarts are in the store yet"):
        PublishedMarts.of(store)
    publish(warehouse, store)
    published = PublishedMarts.of(store)
    assert (published.as_of, sorted(published.digests)) == (LAST, ["issues_current", "people_current", "stars_daily"])
    before = store.get(f"{LATEST}/stars_daily.parquet")
    assert published.table("select count(*) as n from infomarts.stars_daily").to_pylist() == [{"n": 2}]
    # The next load has replaced one file and not said yet that it is done.
    store.overwrite(f"{LATEST}/stars_daily.parquet", store.get(f"{LATEST}/people_current.parquet"))
    monkeypatch.setattr("oss_datastore.warehouse.published._SECONDS_OF_WRITING", 0.2)
    with pytest.raises(NotKept, match="are of two loads"):
        published.table("select count(*) from infomarts.stars_daily")
    assert published.table("select count(*) as n from infomarts.people_current").num_rows == 1
    # It is done while somebody waits.
    monkeypatch.setattr("time.sleep", lambda seconds: store.overwrite(f"{LATEST}/stars_daily.parquet", before))
    assert published.table("select count(*) as n from infomarts.stars_daily").to_pylist() == [{"n": 2}]


def test_postgres_answers_with_the_state_before_the_load(
    postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    url = postgres.ensure_database(f"reading_{tmp_path.name}".replace("-", "_").lower())
    PostgresWarehouse(url).prepare(PSA_TABLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE", "postgres")
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE_URL", url)
    ask = ("query", "select stars from infomarts.stars_daily where day = '2026-10-13'", "--json")
    with closing(psycopg2.connect(url)) as load, load.cursor() as cursor:
        cursor.execute(MARTS)
        load.commit()
        cursor.execute("select pg_advisory_xact_lock(hashtext('oss_datastore'), hashtext('warehouse'))")
        cursor.execute("update infomarts.stars_daily set stars = 6 where stars = 5")
        assert said(capfd, *ask) == (0, json.dumps([{"stars": 5}], indent=2) + "\n", "")
        load.commit()
        assert json.loads(said(capfd, *ask)[1]) == [{"stars": 6}]
        code, _, told = said(capfd, "query", "update infomarts.stars_daily set stars = 7")
        assert (code, "read-only transaction" in told) == (1, True)
        evil = "select 1; rollback; begin read write; update infomarts.stars_daily set stars = 7; commit"
        assert said(capfd, "query", evil) == (1, "", "error: one statement at a time: there is more than one\n")
        assert json.loads(said(capfd, *ask)[1]) == [{"stars": 6}]
