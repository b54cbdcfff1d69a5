"""Every scenario file of a folder, in every order of its batches, merged and doubled, on both engines."""

from __future__ import annotations

import pytest

from oss_datastore_tests.vault.conftest import scenario_files
from oss_datastore_tests.vault.engine import Vault
from oss_datastore_tests.vault.invariants import assert_chain, assert_definition
from oss_datastore_tests.vault.scenarios import TABLE_OF_KIND, Scenario, found, stage, wanted, window


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" not in metafunc.fixturenames:
        return
    files = scenario_files(metafunc.config)
    metafunc.parametrize("scenario", [Scenario.read(path) for path in files], ids=[path.stem for path in files])


def test_a_scenario_gives_its_table_in_every_order(
    vault: Vault, scenario: Scenario, request: pytest.FixtureRequest
) -> None:
    table = TABLE_OF_KIND[scenario.kind]
    every = request.config.getoption("--scenarios", default=None) is not None
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
