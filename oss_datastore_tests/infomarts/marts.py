"""The marts of a world: their SQL, compiled once by dbt, run on a real engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml

from oss_datastore_tests.infomarts.world import World, shapes
from oss_datastore_tests.parsed import parsed_for

ROOT = Path(__file__).resolve().parents[2]

_ARROW = {
    "uuid": pa.string(),
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "boolean": pa.bool_(),
    "decimal(38,6)": pa.decimal128(38, 6),
}

Row = dict[str, Any]
AFFILIATION = "bsat_user_affiliation"
"""The one table of the business vault whose rule is a definition of the marts: what somebody is to us."""
SCHEMAS = ("psa", "raw_vault", "raw_vault_pii", "business_vault", "metrics_vault", "infomarts")


def dbt(folder: Path, *arguments: str, **settings: str) -> None:
    """Run dbt on the project with nothing of the caller's settings; what it writes lies in `folder`/target."""
    target = folder / "target"
    if not target.exists() and "OSS_DATASTORE_WAREHOUSE_PATH" in settings:
        parsed_for(Path(settings["OSS_DATASTORE_WAREHOUSE_PATH"]), target)
    places = ["--project-dir", ROOT / "sql", "--profiles-dir", ROOT / "sql", "--target-path", target]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OSS_DATASTORE_", "DBT_"))}
    code = (
        "import sys; from dbt.cli.main import dbtRunner; sys.exit(0 if dbtRunner().invoke(sys.argv[1:]).success else 1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, *places, "--log-path", target],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def project(mart: str) -> dict[str, Any]:
    """What the project says of a mart beside its SQL."""
    declared: dict[str, Any] = yaml.safe_load((ROOT / f"sql/models/infomarts/{mart}.yml").read_text())["models"][0]
    return declared


def compiled(folder: Path, **settings: str) -> dict[str, str]:
    """The SQL of every mart by name, in the order in which they build on each other."""
    dbt(folder, "compile", "--select", "infomarts", AFFILIATION, **settings)
    manifest = json.loads((folder / "target/manifest.json").read_text())
    nodes = {k: n for k, n in manifest["nodes"].items() if n["resource_type"] == "model" and n["schema"] == "infomarts"}
    texts = folder / "target" / "compiled"
    ordered: dict[str, str] = {}
    while len(ordered) < len(nodes):
        for node in nodes.values():
            waits = [d for d in node["depends_on"]["nodes"] if d in nodes and nodes[d]["name"] not in ordered]
            if node["name"] not in ordered and not waits:
                ordered[node["name"]] = (texts / node["package_name"] / node["original_file_path"]).read_text()
    return ordered


def fill(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Make the vault tables of a world."""
    declared = "".join(
        "create or replace table {} ({});".format(name, ", ".join(f'"{c}" {t}' for c, t in columns.items()))
        for name, columns in shapes().items()
    )
    connection.execute("begin;" + "".join(f"create schema if not exists {schema};" for schema in SCHEMAS) + declared)
    for name, rows in world.tables().items():
        if rows:
            columns = shapes()[name]
            table = pa.table({c: pa.array([r.get(c) for r in rows], _ARROW[t]) for c, t in columns.items()})
            connection.register("incoming", table)
            selected = ", ".join(f'cast("{c}" as {t})' for c, t in columns.items())
            connection.execute(f"insert into {name} select {selected} from incoming")
            connection.unregister("incoming")
    connection.execute("commit")


class Marts:
    """The marts of one world on DuckDB; each is built when it is first read, with those it builds on."""

    def __init__(self, sql: Mapping[str, str], world: World) -> None:
        # The compiled SQL names the database, which is called after its file.
        self._folder = tempfile.TemporaryDirectory()
        self.connection = duckdb.connect(f"{self._folder.name}/warehouse.duckdb")
        fill(self.connection, world)
        self._sql = sql
        self._built: set[str] = set()

    def build(self, name: str) -> None:
        """Make a mart and those it builds on."""
        if name in self._built:
            return
        for other in self._sql:
            if other != name and f'"infomarts"."{other}"' in self._sql[name]:
                self.build(other)
        self.connection.execute(f"create table infomarts.{name} as {self._sql[name]}")
        self._built.add(name)

    def rows(self, name: str, where: str = "true", order: str = "1") -> list[Row]:
        """Rows of a mart as dictionaries."""
        self.build(name)
        found = self.connection.execute(f"select * from infomarts.{name} where {where} order by {order}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def row(self, name: str, where: str) -> Row:
        """The one row for which the condition holds."""
        found = self.rows(name, where)
        assert len(found) == 1, f"{len(found)} rows of {name} where {where}"
        return found[0]
