"""Every statement that dbt makes of this project for Redshift is within the reviewed vocabulary.

dbt compiles without a server. What the vault materialization runs beside a model's definition is rendered by the same
macros for every table and path; the statements that make a mart are put together as dbt-redshift does.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from oss_datastore_tests.redshift.vocabulary import Refused, judge
from oss_datastore_tests.vault.conftest import dbt_environment
from oss_datastore_tests.vault.engine import PROJECT, ROOT, dbt

PROFILE = {
    "oss_datastore": {
        "target": "redshift",
        "outputs": {
            "redshift": {
                "type": "redshift",
                "host": "127.0.0.1",
                "port": 5439,
                "user": "nobody",
                "password": "none",
                "dbname": "oss_datastore",
                "schema": "raw_vault",
                "threads": 1,
            }
        },
    }
}
pytestmark = pytest.mark.timeout(900)

NO_TABLE = "{{ config(materialized='table', contract={'enforced': false}, tags=[]) }}\n"


@dataclass(frozen=True)
class Compiled:
    """The project as dbt compiles it for Redshift: models and tests by name, and the plan of each vault table."""

    models: dict[str, str]
    tests: dict[str, str]
    plans: dict[str, dict[str, Any]]
    standing: list[str]
    nodes: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Compiled once for this module: it takes 25 s of CPU time."""
    project = tmp_path_factory.mktemp("redshift") / "project"
    shutil.copytree(ROOT / "sql", project, ignore=shutil.ignore_patterns("target", "logs"))
    (project / "profiles.yml").write_text(yaml.safe_dump(PROFILE))
    names = [path.stem for path in sorted((project / "models").rglob("*.sql"))]
    hints = "".join(f"-- depends_on: {{{{ ref('{name}') }}}}\n" for name in names)
    plans = (PROJECT / "models" / "plans" / "plans.sql").read_text()
    (project / "models" / "plans").mkdir()
    for name, text in (
        ("plans", re.sub(r"\{%- set hint = .*? -%\}\n", "", plans)),
        ("standing", (Path(__file__).parent / "standing.sql").read_text()),
    ):
        (project / "models" / "plans" / f"{name}.sql").write_text(NO_TABLE + hints + text)
    done = dbt(
        project,
        "compile",
        *("--target", "redshift", "--no-populate-cache", "--no-introspect"),
        env=dbt_environment(OSS_DATASTORE_WAREHOUSE="redshift"),
    )
    assert done.success, done.said[-4000:]
    nodes = json.loads((project / "target" / "manifest.json").read_text())["nodes"].values()
    by_kind = {
        kind: {node["name"]: node for node in nodes if node["resource_type"] == kind} for kind in ("model", "test")
    }
    lines = {
        name: [json.loads(line) for line in by_kind["model"].pop(name)["compiled_code"].splitlines() if line[:1] == "{"]
        for name in ("plans", "standing")
    }
    return Compiled(
        {name: node["compiled_code"] for name, node in by_kind["model"].items()},
        {name: node["compiled_code"] for name, node in by_kind["test"].items()},
        {plan["name"]: plan for plan in lines["plans"]},
        lines["standing"][0]["standing"],
        by_kind["model"],
    )


def refusals(statements: Iterator[tuple[str, str]]) -> list[str]:
    """What the gate says of the statements that it refuses, by what they belong to."""
    found = []
    for name, statement in statements:
        try:
            judge(statement)
        except Refused as why:
            found.append(f"{name}: {str(why).splitlines()[0]}")
    return sorted(set(found))


def test_every_definition_is_within_the_vocabulary(compiled: Compiled) -> None:
    assert len(compiled.models) > 200
    assert refusals(iter(compiled.models.items())) == []


def test_every_check_is_within_the_vocabulary(compiled: Compiled) -> None:
    """As dbt asks: a check counts the rows of a query within a query."""
    assert len(compiled.tests) > 200
    asked = (
        (name, f"select count(*) as failures from ({sql}) dbt_internal_test") for name, sql in compiled.tests.items()
    )
    assert refusals(asked) == []


def test_every_step_of_every_vault_table_is_within_the_vocabulary(compiled: Compiled) -> None:
    assert {plan["meta"]["kind"] for plan in compiled.plans.values()} == {
        *("hub", "link", "nh_link", "satellite", "multi_active_satellite", "effectivity_satellite", "pit", "computed")
    }

    def statements() -> Iterator[tuple[str, str]]:
        for name, plan in compiled.plans.items():
            paths = [statement for path in ("in_order", "late", "one_day") for _, statement in plan[path]]
            for statement in [*plan["create"], plan["lateness"], *paths]:
                filled = statement.replace("<definition>", compiled.models[name])
                yield name, filled.replace("<start>", "2026-01-01 00:00:00").replace("<end>", "2026-01-02 00:00:00")
            assert plan["settle"] is None

    assert refusals(statements()) == []


def test_what_the_materialization_asks_and_notes_is_within_the_vocabulary(compiled: Compiled) -> None:
    assert refusals(("standing", statement) for statement in compiled.standing) == []


def test_every_statement_that_makes_a_mart_is_within_the_vocabulary(compiled: Compiled) -> None:
    def statements() -> Iterator[tuple[str, str]]:
        for name, node in compiled.nodes.items():
            if node["config"]["materialized"] != "table" or name not in compiled.models:
                continue
            columns = {f'"{c}"' if of["quote"] else c: of["data_type"] for c, of in node["columns"].items()}
            target = f'"oss_datastore"."{node["schema"]}"."{name}__dbt_tmp"'
            yield name, f"create table {target} ({', '.join(f'{c} {type_}' for c, type_ in columns.items())})"
            yield (
                name,
                f"insert into {target} (select {', '.join(columns)} from ({compiled.models[name]}) as model_subq)",
            )

    assert refusals(statements()) == []


def test_a_model_that_redshift_would_refuse_is_found(compiled: Compiled) -> None:
    name = "dim_date"
    broken = compiled.models[name].replace("date_trunc('quarter'", "date_trunc('isoyear'")
    assert refusals(iter([(name, broken), (name, compiled.models[name])])) == [
        f"{name}: not in Redshift's reviewed vocabulary: the date part isoyear"
    ]
    assert refusals(iter([(name, "select string_agg(a, ',') from t")]))
