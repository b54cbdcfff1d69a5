"""The tables of `project/` on a real engine, loaded without starting dbt for each load.

dbt compiles the project once per engine; `plans.sql` there holds every statement that the materialization would run,
with placeholders for the window. Here they are run as the materialization runs them: lateness first, then the steps of
the path it chooses, in one transaction. `test_dbt.py` proves that dbt itself does the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).parent / "project"

PSA = """
create table psa.thing (
  load_date timestamp, scope varchar(100), rec_src varchar(100), thing_hk uuid, thing_key varchar(1000),
  driving_hk uuid, row_hd uuid, child varchar(1000), v varchar(1000)
);
create table psa.once (
  load_date timestamp, scope varchar(100), rec_src varchar(100), thing_hk uuid, thing_key varchar(1000),
  driving_hk uuid, row_hd uuid, child varchar(1000), v varchar(1000)
);
create table psa.other (
  load_date timestamp, scope varchar(100), rec_src varchar(100), other_hk uuid, other_key varchar(1000),
  other_driving_hk uuid, driving_hk uuid
);
create table psa.fetch_ledger (
  load_date timestamp, dataset varchar(100), scope varchar(100), state varchar(20), coverage varchar(20)
);
create table psa.declarations (
  fetched_at timestamp, answer_set varchar(100), parsed_again_from date, parsed_again_to date
);
"""
THING = ("load_date", "scope", "rec_src", "thing_hk", "thing_key", "driving_hk", "row_hd", "child", "v")
OTHER = ("load_date", "scope", "rec_src", "other_hk", "other_key", "other_driving_hk", "driving_hk")
LEDGER = ("load_date", "dataset", "scope", "state", "coverage")
COLUMNS = {"thing": THING, "once": THING, "other": OTHER, "fetch_ledger": LEDGER}


class Connection(Protocol):
    """What the two drivers have in common here."""

    def run(self, sql: str) -> None: ...
    def write(self, sql: str) -> int: ...
    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...
    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None: ...


def uuid_of(*parts: object) -> str:
    """A hash in the form both engines give for a uuid."""
    text = hashlib.md5(json.dumps(parts).encode(), usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True)
class Plan:
    """The statements of one table; `<start>` and `<end>` stand for the window."""

    name: str
    create: list[str]
    lateness: str
    in_order: list[tuple[str, str]]
    late: list[tuple[str, str]]
    definition: str
    one_day: list[tuple[str, str]]
    settle: str | None

    def steps(self, start: datetime, end: datetime, *, late: bool) -> list[tuple[str, str]]:
        """The steps of the path that the materialization takes for a window."""
        if late:
            return self.late
        return self.one_day if end - start == timedelta(days=1) else self.in_order


class Vault:
    """One engine with the staged tables and the vault tables of the project, all empty until filled."""

    def __init__(self, engine: str, connection: Connection, plans: Mapping[str, Plan]) -> None:
        self.engine = engine
        self.connection = connection
        self.plans = plans
        self._columns: dict[str, list[str]] = {}
        for schema in ("psa", "raw_vault"):
            connection.run(f"create schema if not exists {schema}")
        for statement in PSA.strip().split(";\n"):
            connection.run(statement)
        for name in sorted(plans, key=lambda name: name.startswith(("pit_", "bridge_", "bsat_"))):
            for statement in plans[name].create:
                connection.run(statement.replace("<definition>", plans[name].definition))

    def empty(self, *names: str) -> None:
        """Nothing staged, nothing loaded in the tables named (all, where none is)."""
        for table in (
            "psa.thing",
            "psa.once",
            "psa.other",
            "psa.fetch_ledger",
            *(f"raw_vault.{name}" for name in names or self.plans),
        ):
            self.connection.run(f"delete from {table}")

    def stage(self, rows: Iterable[Mapping[str, Any]], table: str = "thing") -> None:
        """Add rows to a staged table."""
        self.connection.insert(f"psa.{table}", COLUMNS[table], rows)

    def unstage(self, start: datetime, end: datetime) -> None:
        """Take the days of a window out of every staged table."""
        for table in COLUMNS:
            self.connection.run(
                f"delete from psa.{table} where load_date >= timestamp '{start}' and load_date < timestamp '{end}'"
            )

    def load(self, name: str, start: datetime, end: datetime, *, late: bool | None = None) -> int:
        """Load a window [start, end) as the materialization does; the number of rows it wrote, ended or deleted."""
        plan = self.plans[name]
        literal = {"<definition>": plan.definition, "<start>": f"{start}", "<end>": f"{end}"}

        def filled(sql: str) -> str:
            for mark, value in literal.items():
                sql = sql.replace(mark, value)
            return sql

        if late is None:
            late = self.connection.rows(filled(plan.lateness))[0][0] > 0
        written = 0
        self.connection.run("begin")
        try:
            for what, statement in plan.steps(start, end, late=late):
                if what == "prepare":
                    self.connection.run(filled(statement))
                else:
                    written += self.connection.write(filled(statement))
            if plan.settle and written:
                self.connection.run(plan.settle)
        except Exception:
            self.connection.run("rollback")
            raise
        self.connection.run("commit")
        return written

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """All rows of a vault table, columns in the order of the table."""
        return self.connection.rows(f"select * from raw_vault.{name}")

    def dicts(self, name: str) -> list[dict[str, Any]]:
        """All rows of a vault table by column name."""
        names = self._columns.get(name)
        if names is None:
            names = [
                str(row[0])
                for row in self.connection.rows(
                    "select column_name from information_schema.columns where table_schema = 'raw_vault'"
                    f" and table_name = '{name}' order by ordinal_position"
                )
            ]
            self._columns[name] = names
        return [dict(zip(names, row, strict=True)) for row in self.table(name)]

    def definition(self, name: str) -> list[tuple[Any, ...]]:
        """What the table must be by its definition: the model's compiled SQL, run over everything staged."""
        return self.connection.rows(self.plans[name].definition)


class DuckDB:
    """DuckDB in memory."""

    def __init__(self) -> None:
        import duckdb

        self.handle = duckdb.connect(":memory:", config={"threads": "1"})

    def run(self, sql: str) -> None:
        self.handle.execute(sql)

    def write(self, sql: str) -> int:
        return int(self.handle.execute(sql).fetchall()[0][0])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return [
            tuple(str(v) if hasattr(v, "hex") and hasattr(v, "bytes") else v for v in row)
            for row in self.handle.execute(sql).fetchall()
        ]

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        _insert(self.run, table, columns, rows)


class PostgreSQL:
    """A database of its own on a PostgreSQL server."""

    def __init__(self, url: str) -> None:
        import psycopg2

        self.handle = psycopg2.connect(url)
        self.handle.autocommit = True
        self.cursor = self.handle.cursor()
        self.cursor.execute("set synchronous_commit = off")
        self.cursor.execute("set jit = off")

    def run(self, sql: str) -> None:
        self.cursor.execute(sql)

    def write(self, sql: str) -> int:
        self.cursor.execute(sql)
        return int(self.cursor.rowcount)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        self.cursor.execute(sql)
        return list(self.cursor.fetchall())

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
        _insert(self.run, table, columns, rows)


def _insert(run: Any, table: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    def literal(value: Any) -> str:
        return "null" if value is None else "'" + str(value).replace("'", "''") + "'"

    values = [f"({', '.join(literal(row.get(column)) for column in columns)})" for row in rows]
    if values:
        run(f"insert into {table} ({', '.join(columns)}) values {', '.join(values)}")


def project_copy(home: Path, models: Path = PROJECT) -> Path:
    """A dbt project folder with the models of a folder (the scenarios') and the macros, tests and profiles of sql/."""
    project = home / "project"
    shutil.copytree(models, project)
    for part in ("macros", "tests"):
        shutil.copytree(ROOT / "sql" / part, project / part)
    shutil.copy(ROOT / "sql" / "profiles.yml", project)
    return project


@dataclass(frozen=True)
class Ran:
    """What one dbt command said and did."""

    success: bool
    said: str


def dbt(project: Path, *arguments: str, env: Mapping[str, str]) -> Ran:
    """One dbt command inside this process: a process of its own would cost seconds each time."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    said: list[str] = []
    runner = dbtRunner(callbacks=[lambda event: said.append(event.info.msg)])
    folders = ["--project-dir", str(project), "--profiles-dir", str(project), "--log-path", str(project / "logs")]
    with patch.dict(os.environ, env, clear=True):
        done = runner.invoke([*arguments, *folders, "--quiet"])
    # dbt-duckdb keeps the file open, and nobody else could.
    DuckDBConnectionManager.close_all_connections()
    if done.exception:
        said.append(str(done.exception))
    return Ran(done.success, "\n".join(said))


def compiled_plans(project: Path, target: str, env: Mapping[str, str]) -> dict[str, Plan]:
    """Every table's statements and definition, rendered by dbt for an engine."""
    done = dbt(project, "compile", "--target", target, "--no-populate-cache", "--no-introspect", env=env)
    assert done.success, done.said
    [folder] = (project / "target" / "compiled").glob("*/models")
    plans = {}
    for line in (folder / "plans" / "plans.sql").read_text().splitlines():
        if not line.startswith("{"):
            continue
        plan = json.loads(line)
        definition = (folder / f"{plan['name']}.sql").read_text()
        plans[plan["name"]] = Plan(
            plan["name"],
            plan["create"],
            plan["lateness"],
            plan["in_order"],
            plan["late"],
            definition,
            plan["one_day"],
            plan["settle"],
        )
    return plans
