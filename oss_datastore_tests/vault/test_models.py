"""The vault's own models: they build on both engines, say what a row is, and their checks find what is at fault."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
import yaml

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.warehouse.psa import PSA_TABLES
from oss_datastore_tests.vault import column_lineage
from oss_datastore_tests.vault.conftest import dbt_environment, postgres_environment
from oss_datastore_tests.vault.engine import ROOT, dbt, uuid_of
from oss_datastore_tests.vault.psa_sources import FILE, TYPES, contracts, sources

MODELS = ROOT / "sql" / "models"
VAULT_MODELS = sorted(
    path for layer in ("raw_vault", "business_vault", "metrics_vault") for path in (MODELS / layer).rglob("*.sql")
)


@dataclass(frozen=True)
class Warehouse:
    """The project of sql/ and a warehouse with empty staged tables."""

    project: Path
    env: dict[str, str]
    ask: Callable[[str], list[tuple[Any, ...]]]

    def prepare(self) -> None:
        for schema in ("psa", "psa_pii"):
            self.ask(f"create schema {schema}")
        for table in PSA_TABLES:
            columns = ", ".join(f'"{name}" {TYPES[type_]}' for name, type_ in table.fields)
            self.ask(f'create table {table.schema}."{table.name}" ({columns})')

    def dbt(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """One dbt command; the results by name."""
        done = dbt(self.project, *arguments, env=self.env)
        results = self.project / "target" / "run_results.json"
        assert results.exists(), done.said
        return {r["unique_id"].split(".")[2]: r for r in json.loads(results.read_text())["results"]}


@pytest.fixture(scope="module", params=["duckdb", pytest.param("postgres", marks=pytest.mark.soak)])
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Each engine in turn."""
    home = tmp_path_factory.mktemp("models")
    project = home / "sql"
    shutil.copytree(ROOT / "sql", project, ignore=shutil.ignore_patterns("target", "logs", "dead_letter_queue"))
    if request.param == "duckdb":
        path = home / "warehouse.duckdb"

        def ask(sql: str) -> list[tuple[Any, ...]]:
            with duckdb.connect(str(path)) as connection:
                return connection.execute(sql).fetchall()

        env = dbt_environment(OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=str(path))
        found = Warehouse(project, env, ask)
        found.prepare()
        yield found
        return
    server: EmbeddedPostgres = request.getfixturevalue("postgres")
    url = server.ensure_database(f"vault_{secrets.token_hex(8)}")
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()

        def ask_server(sql: str) -> list[tuple[Any, ...]]:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

        found = Warehouse(project, postgres_environment(url), ask_server)
        found.prepare()
        yield found


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> dict[str, dict[str, Any]]:
    """The results of building the whole vault on it."""
    return warehouse.dbt(
        "build",
        "--select",
        "raw_vault",
        "business_vault",
        "metrics_vault",
        "--event-time-start",
        "2026-01-01",
        "--event-time-end",
        "2026-01-02",
    )


def test_the_staged_tables_are_those_of_the_catalogue() -> None:
    assert FILE.read_text() == sources(), "run python -m oss_datastore_tests.vault.psa_sources"


def test_the_columns_of_satellites_are_those_of_the_catalogue() -> None:
    found = contracts()
    assert len(found) > 40
    for path, text in found.items():
        assert path.read_text() == text, "run python -m oss_datastore_tests.vault.psa_sources"


@pytest.mark.parametrize("model", VAULT_MODELS, ids=lambda path: path.stem)
def test_a_model_says_what_one_row_is(model: Path) -> None:
    described = yaml.safe_load(model.with_suffix(".yml").read_text())["models"]
    assert [entry["name"] for entry in described] == [model.stem]
    assert described[0]["description"].startswith("One row per ")
    assert all(column["description"] for column in described[0]["columns"])


def test_every_table_is_built_and_passes_its_checks(built: dict[str, dict[str, Any]]) -> None:
    assert {name: r["message"] for name, r in built.items() if r["status"] not in ("success", "pass")} == {}
    assert {path.stem for path in VAULT_MODELS} <= set(built)


def test_every_column_of_a_table_is_described_and_the_first_is_its_key(
    warehouse: Warehouse, built: dict[str, dict[str, Any]]
) -> None:
    columns: dict[str, list[str]] = {}
    for table, column in warehouse.ask(
        "select table_name, column_name from information_schema.columns"
        " where table_schema in ('raw_vault', 'raw_vault_pii', 'business_vault', 'metrics_vault')"
        " and table_name <> 'vault_load_log' order by table_name, ordinal_position"
    ):
        columns.setdefault(table, []).append(column)
    assert set(columns) == {path.stem for path in VAULT_MODELS}
    for path in VAULT_MODELS:
        described = yaml.safe_load(path.with_suffix(".yml").read_text())["models"][0]["columns"]
        assert [column["name"] for column in described] == columns[path.stem], path.stem
        assert columns[path.stem][0].endswith("_hk") or path.parent.name == "metrics_vault"


def test_the_checks_find_what_is_at_fault(warehouse: Warehouse, built: dict[str, dict[str, Any]]) -> None:
    org, repo = uuid_of("org"), uuid_of("repo")
    day, far = "timestamp '2026-01-01'", "timestamp '9999-12-31'"
    for _ in range(2):
        warehouse.ask(f"insert into raw_vault.hub_org values ('{org}', 'github.com', 1, {day}, 'feed')")
    warehouse.ask(f"insert into raw_vault.link_org_repo values ('{uuid_of(1)}', '{org}', '{repo}', {day}, 'feed')")
    for hash_diff in ("x", "y"):
        warehouse.ask(
            "insert into raw_vault.sat_org_counter (org_hk, load_date, load_end_date, hash_diff)"
            f" values ('{org}', {day}, {far}, '{uuid_of(hash_diff)}')"
        )
    warehouse.ask(
        "insert into raw_vault.ma_sat_repo_traffic_paths (repo_hk, load_date, load_end_date, hash_diff, path)"
        f" values ('{repo}', {day}, {far}, '{uuid_of('x')}', '/')"
    )
    found = warehouse.dbt(
        "test", "--select", "hub_org", "link_org_repo", "sat_org_counter", "ma_sat_repo_traffic_paths"
    )
    at_fault = {name: r["status"] for name, r in found.items() if r["status"] in ("fail", "warn")}
    begins = {
        "key_is_sound_hub_org": "fail",
        "parents_are_present_link_org_repo": "warn",
        "versions_are_sound_sat_org_counter": "warn",
        "versions_are_sound_ma_sat_repo_traffic_paths": "warn",
    }
    assert {b: status for b in begins for name, status in at_fault.items() if name.startswith(b)} == begins
    assert len(at_fault) == len(begins)


def test_the_queries_of_the_data_models_page_can_be_asked(
    warehouse: Warehouse, built: dict[str, dict[str, Any]]
) -> None:
    queries = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(queries) == 2
    for query in queries:
        assert warehouse.ask(query) == []


def test_a_model_that_breaks_its_contract_is_not_loaded(warehouse: Warehouse, built: dict[str, dict[str, Any]]) -> None:
    for model, promised, other in (
        ("raw_vault/satellites/sat_label", "color\n    data_type: varchar(65535)", "color\n    data_type: bigint"),
        ("infomarts/data_quality_daily", "day\n    data_type: date", "day\n    data_type: timestamp"),
    ):
        described = warehouse.project / "models" / f"{model}.yml"
        text = described.read_text()
        assert promised in text
        schema, name = model.split("/")[0], model.split("/")[-1]
        warehouse.ask(f"drop table if exists {schema}.{name}")
        described.write_text(text.replace(promised, other))
        try:
            result = warehouse.dbt("run", "--select", name)[name]
        finally:
            described.write_text(text)
        assert result["status"] == "error"
        assert "contract" in result["message"]
        assert promised.split("\n")[0] in result["message"].lower()


def test_each_column_has_the_type_that_its_contract_promises(
    warehouse: Warehouse, built: dict[str, dict[str, Any]]
) -> None:
    for path in MODELS.rglob("*.yml"):
        if path != FILE:
            for column in yaml.safe_load(path.read_text())["models"][0]["columns"]:
                assert column["data_type"] in TYPES.values(), f"{path.stem}.{column['name']}"


def test_the_lineage_of_columns_is_what_the_models_say(warehouse: Warehouse, built: dict[str, dict[str, Any]]) -> None:
    """A part of the models: reading all of them takes a minute."""
    told = json.loads(column_lineage.FILE.read_text())
    assert {name.split("/")[1] for name in told} == {path.stem for path in MODELS.rglob("*.sql")}
    known = column_lineage.schema()
    tables = {
        f"{place}.{table}.{column}" for place, found in known.items() for table, of in found.items() for column in of
    }
    assert {source for columns in told.values() for sources in columns.values() for source in sources} <= tables
    if warehouse.env["OSS_DATASTORE_WAREHOUSE"] != "duckdb":
        return  # the file is made of what is compiled for DuckDB
    [compiled] = (warehouse.project / "target" / "compiled").glob("*/models")
    queries = [path for path in compiled.rglob("*.sql") if path.stem in {model.stem for model in MODELS.rglob("*.sql")}]
    for path in sorted(queries, key=lambda path: path.stem)[::30]:
        place = path.relative_to(compiled).parts[0]
        columns = list(told[f"{place}/{path.stem}"])
        assert column_lineage.sources_of(path.read_text(), columns, known) == told[f"{place}/{path.stem}"], path.stem
