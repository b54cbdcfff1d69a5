"""A column declared later: in psa and satellite by that declaration, for all days, as if it had always been there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oss_datastore.catalogue import ANSWER_SET_OF, ANSWER_SETS, DATASETS, TABLES
from oss_datastore.catalogue.model import Table
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import PSA_TABLES, DuckDbWarehouse, PsaLoader
from oss_datastore.warehouse.declarations import contiguous, declaration_of
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, fetcher
from oss_datastore_tests.vault import psa_sources
from oss_datastore_tests.vault.conftest import dbt_environment
from oss_datastore_tests.vault.engine import ROOT, dbt
from oss_datastore_tests.warehouse.digests import digests

DAYS = [DAY + timedelta(days=n) for n in range(4)]
CHANGES = (f"acme/tidepool renamed lagoon on {DAYS[1]}", f"acme/lantern renamed beacon on {DAYS[2]}")
LATER = "name"
"""The column of `repositories` that these tests take to be declared later."""


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Staging:
    """Four days of an organisation's repositories, two of which are renamed."""
    folder = tmp_path_factory.mktemp("staged")
    with Simulator(orgs=("acme",), repos=3, now=after(DAYS[0]), limits=PLENTY, changes=CHANGES) as github:
        for day in DAYS:
            github.set_now(after(day))
            fetch = fetcher(github, folder / "store", now=after(day), organizations=("acme",))
            for name in ("organizations", "repositories"):
                fetch.fetch(name, day)
    return fetch.staging


class Home:
    """A warehouse and a copy of the dbt project, as some state of the catalogue makes them."""

    def __init__(self, folder: Path, staging: Staging) -> None:
        self.path = folder / "warehouse.duckdb"
        self.project = folder / "sql"
        shutil.copytree(
            ROOT / "sql", self.project, ignore=shutil.ignore_patterns("target", "logs", "dead_letter_queue")
        )
        self.warehouse = DuckDbWarehouse(self.path)
        self.loader = PsaLoader(staging, self.warehouse, MemoryLetters())

    def load(self, *days: Any) -> int:
        """One load of these days through psa and vault; how many other days were parsed again."""
        psa_sources.write(self.project / "models")
        self.warehouse.prepare(psa_sources.PSA_TABLES)
        report = self.loader.load("repositories", list(days))
        window = ["--event-time-start", f"{days[0]}", "--event-time-end", f"{days[-1] + timedelta(days=1)}"]
        env = dbt_environment(OSS_DATASTORE_WAREHOUSE="duckdb", OSS_DATASTORE_WAREHOUSE_PATH=str(self.path))
        done = dbt(self.project, "run", *window, "--select", "hub_repo", "sat_repo", "sat_repo_counter", env=env)
        assert done.success, done.said
        return report.days_parsed_again

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.path), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def undeclare(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the column out of the catalogue until the test declares it again by `monkeypatch.undo`."""

    def without(table: Table) -> Table:
        return replace(
            table,
            columns=tuple(c for c in table.columns if c.name != LATER),
            hash_diffs={name: tuple(c for c in kept if c != LATER) for name, kept in table.hash_diffs.items()},
        )

    def take_out() -> None:
        answer_set = ANSWER_SET_OF["repositories"]
        datasets = tuple(
            replace(d, table=without(d.table)) if d.name == "repositories" else d for d in answer_set.datasets
        )
        older = next(d for d in datasets if d.name == "repositories")
        monkeypatch.setitem(ANSWER_SETS, "repositories", replace(answer_set, datasets=datasets))
        monkeypatch.setitem(DATASETS, "repositories", older)
        monkeypatch.setitem(TABLES, "repositories", older.table)
        tables = tuple(older.table if t.name == "repositories" else t for t in PSA_TABLES)
        monkeypatch.setattr(psa_sources, "PSA_TABLES", tables)

    return take_out


@pytest.mark.soak
def test_a_column_declared_later_is_filled_for_all_days_as_by_a_rebuild(
    tmp_path: Path, staging: Staging, undeclare: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "grown").mkdir()
    grown = Home(tmp_path / "grown", staging)
    undeclare()
    assert LATER not in dict(TABLES["repositories"].fields)
    assert grown.load(DAYS[0]) == 0
    assert grown.load(*DAYS[1:3]) == 0
    versions = grown.ask("select count(*) from raw_vault.sat_repo")

    monkeypatch.undo()
    assert grown.load(DAYS[3]) == 3
    # Both renames are told by full_name, too: the new column fills versions and makes none.
    assert grown.ask("select count(*) from raw_vault.sat_repo") == versions
    assert {name for (name,) in grown.ask(f"select distinct {LATER} from raw_vault.sat_repo")} >= {
        "tidepool",
        "lagoon",
        "lantern",
        "beacon",
    }
    assert grown.load(DAYS[3]) == 0, "days are parsed again once"

    (tmp_path / "fresh").mkdir()
    fresh = Home(tmp_path / "fresh", staging)
    fresh.load(*DAYS)
    compared = ("psa", "raw_vault")
    assert digests(grown.warehouse, compared) == digests(fresh.warehouse, compared)


def test_a_table_that_is_new_is_filled_from_all_days_that_are_staged(tmp_path: Path, staging: Staging) -> None:
    home = Home(tmp_path, staging)
    home.load(*DAYS[:3])
    with duckdb.connect(str(home.path)) as connection:
        wanted = connection.execute("select * from raw_vault.sat_repo order by all").fetchall()
        connection.execute("drop table raw_vault.sat_repo")
    home.load(DAYS[2])
    assert home.ask("select * from raw_vault.sat_repo order by all") == wanted


def test_a_description_is_no_declaration(monkeypatch: pytest.MonkeyPatch) -> None:
    before = declaration_of("members")
    answer_set = ANSWER_SETS["members"]
    dataset = answer_set.datasets[0]

    def declare(table: Table) -> None:
        changed = (replace(dataset, table=table), *answer_set.datasets[1:])
        monkeypatch.setitem(ANSWER_SETS, "members", replace(answer_set, datasets=changed))

    first, *rest = dataset.table.columns
    declare(replace(dataset.table, description="In other words."))
    assert declaration_of("members") == before
    declare(replace(dataset.table, columns=(replace(first, description="In other words."), *rest)))
    assert declaration_of("members") == before
    declare(replace(dataset.table, columns=(replace(first, paths=("elsewhere",)), *rest)))
    assert declaration_of("members") != before


def test_runs_without_gaps() -> None:
    assert contiguous([DAYS[3], DAYS[0], DAYS[1]]) == [[DAYS[0], DAYS[1]], [DAYS[3]]]
    assert contiguous([]) == []
