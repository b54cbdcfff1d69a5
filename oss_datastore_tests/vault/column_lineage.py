"""sql/column_lineage.json: of which columns each column of vault and infomarts is made, as the compiled models say.

`python -m oss_datastore_tests.vault.column_lineage` writes the file; a test compares it. It is made here and not in a
run, since reading two hundred queries takes longer than loading a day.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml
from sqlglot import exp, parse_one
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope

from oss_datastore.warehouse.psa import PSA_TABLES
from oss_datastore_tests.vault.conftest import dbt_environment
from oss_datastore_tests.vault.engine import ROOT, dbt

MODELS = ROOT / "sql" / "models"
FILE = ROOT / "sql" / "column_lineage.json"

Sources = dict[str, list[str]]
"""By column, what it is made of: `schema.table.column`."""


def compiled(folder: Path) -> dict[str, str]:
    """The compiled query of each model, by name."""
    project = folder / "sql"
    shutil.copytree(ROOT / "sql", project, ignore=shutil.ignore_patterns("target", "logs", "dead_letter_queue"))
    env = dbt_environment(OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=str(folder / "none.duckdb"))
    done = dbt(project, "compile", "--no-populate-cache", "--no-introspect", env=env)
    if not done.success:
        raise RuntimeError(f"the project does not compile: {done.said[-2000:]}")
    [found] = (project / "target" / "compiled").glob("*/models")
    return {path.stem: path.read_text() for path in found.rglob("*.sql")}


def schema() -> dict[str, dict[str, dict[str, str]]]:
    """schema -> table -> column -> type: psa from the catalogue, models from their contracts."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for table in PSA_TABLES:
        found.setdefault(table.schema, {})[table.name] = {
            name: type_.replace("key", "uuid") for name, type_ in table.fields
        }
    for path in MODELS.rglob("*.yml"):
        if path.name != "psa.yml":
            model = yaml.safe_load(path.read_text())["models"][0]
            place = _schema_of(path)
            found.setdefault(place, {})[path.stem] = {c["name"]: c["data_type"] for c in model["columns"]}
    # The log of loads is no model; its view takes all its columns.
    found["metrics_vault"]["vault_load_log"] = found["metrics_vault"]["mv_load"]
    return found


def lineages() -> dict[str, Sources]:
    """By `schema/table`, the sources of each column that has any."""
    known = schema()
    with tempfile.TemporaryDirectory() as folder:
        queries = compiled(Path(folder))
    found = {}
    for path in sorted(MODELS.rglob("*.sql"), key=lambda path: path.stem):
        place = _schema_of(path)
        found[f"{path.relative_to(MODELS).parts[0]}/{path.stem}"] = sources_of(
            queries[path.stem], list(known[place][path.stem]), known
        )
    return found


def sources_of(sql: str, columns: list[str], known: dict[str, Any]) -> Sources:
    """What each of these columns of a compiled query is made of."""
    query = qualify(parse_one(sql, dialect="duckdb"), schema=known, dialect="duckdb", validate_qualify_columns=False)
    scope = build_scope(query)
    sources: Sources = {}
    for column in columns:
        leaves: set[str] = set()
        for node in lineage(column, query, dialect="duckdb", scope=scope, schema=known).walk():
            _add(node, leaves)
        if leaves:
            sources[column] = sorted(leaves)
    return sources


def _add(node: Node, leaves: set[str]) -> None:
    table = node.expression
    if node.downstream or not isinstance(table, exp.Table) or not table.db:
        return
    leaves.add(f"{table.db}.{table.name}.{node.name.split('.')[-1].strip(chr(34))}")


def _schema_of(model: Path) -> str:
    layer = model.relative_to(MODELS).parts[0]
    sql = model.with_suffix(".sql").read_text()
    return "raw_vault_pii" if "schema='raw_vault_pii'" in sql else layer


def text() -> str:
    """The text of the file."""
    return json.dumps(lineages(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
