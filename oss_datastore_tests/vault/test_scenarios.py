"""Every scenario file of a folder, in every order of its batches, merged and doubled, on both engines."""

from __future__ import annotations

import pytest

from oss_datastore_tests.vault.conftest import scenario_folder
from oss_datastore_tests.vault.engine import Vault
from oss_datastore_tests.vault.invariants import assert_chain, assert_definition
from oss_datastore_tests.vault.scenarios import TABLE_OF_KIND, Scenario, found, stage, wanted, window


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" not in metafunc.fixturenames:
        return
    folder = scenario_folder(metafunc.config)
    # A file whose name begins with _ is an index of the others.
    files = sorted(path for path in folder.glob("*.json") if not path.name.startswith("_"))
    if files:
        metafunc.parametrize("scenario", [Scenario.read(path) for path in files], ids=[path.stem for path in files])
    else:
        reason = f"no scenario files in {folder.name}: give a folder with --scenarios"
        metafunc.parametrize("scenario", [pytest.param(None, marks=pytest.mark.skip(reason=reason))], ids=["none"])


def test_a_scenario_gives_its_table_in_every_order(
    vault: Vault, scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    table = TABLE_OF_KIND[scenario.kind]
    every = bool(request.config.getoption("--all-plans", default=False))
    for name, loads in scenario.orders(every=every):
        vault.empty(table)
        for batches in loads:
            span = window(batches)
            if span is None:
                continue
            for batch in batches:
                stage(vault, scenario, batch)
            vault.load(table, *span)
        assert found(scenario, vault) == wanted(scenario), name
        assert_definition(vault, table)
        if "sat" in scenario.kind:
            assert_chain(vault, table)
