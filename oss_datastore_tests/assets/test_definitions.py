"""The graph explains itself, is one graph, and is the one we mean: its keys stand in a file beside this one."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from oss_datastore.assets.vault import dbt_arguments
from oss_datastore.catalogue import ACTORS, DATASETS, TABLES
from oss_datastore_tests.staging.fetching import DAY

KEYS = Path(__file__).with_name("asset_keys.txt")


def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    graph = definitions.resolve_asset_graph()
    own = graph.materializable_asset_keys
    return [spec for spec in definitions.resolve_all_asset_specs() if spec.key in own]


def test_definitions_can_be_loaded(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_the_asset_keys_are_those_of_the_snapshot(definitions: dg.Definitions) -> None:
    """A key that goes is a history that Dagster loses: write the file anew (SNAPSHOT=1) only when that is meant."""
    keys = "".join(f"{key}\n" for key in sorted(spec.key.to_user_string() for spec in specs(definitions)))
    if os.environ.get("SNAPSHOT"):
        KEYS.write_text(keys, encoding="utf-8")
    assert keys == KEYS.read_text(encoding="utf-8")


def test_every_dataset_is_staged_and_every_table_loaded(definitions: dg.Definitions) -> None:
    keys = {spec.key.to_user_string() for spec in specs(definitions)}
    assert {f"staging/{name}" for name in DATASETS} <= keys
    assert {f"psa/{name}" for name in TABLES} | {"psa/fetch_ledger"} <= keys
    assert f"psa/{ACTORS.name}" in keys


def test_every_asset_says_what_it_is_where_it_belongs_and_whose_it_is(definitions: dg.Definitions) -> None:
    for spec in specs(definitions):
        name = spec.key.to_user_string()
        assert spec.description, name
        assert spec.group_name == spec.key.path[0], name
        assert spec.kinds, name
        assert spec.owners, name


def test_there_is_one_partitions_definition_and_a_backfill_is_one_run(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    found = {graph.get(spec.key).partitions_def for spec in specs(definitions)}
    assert len(found) == 1
    assert isinstance(found.pop(), dg.DailyPartitionsDefinition)
    for spec in specs(definitions):
        assert graph.get(spec.key).backfill_policy == dg.BackfillPolicy.single_run(), spec.key


def test_layers_come_in_order(definitions: dg.Definitions) -> None:
    order = ["staging", "psa", "raw_vault", "business_vault", "metrics_vault", "infomarts", "report"]
    for spec in specs(definitions):
        for dep in spec.deps:
            assert order.index(dep.asset_key.path[0]) <= order.index(spec.key.path[0]), (spec.key, dep.asset_key)


def test_each_staged_dataset_has_a_check_that_it_is_whole(definitions: dg.Definitions) -> None:
    checks = {key.asset_key.to_user_string() for key in definitions.resolve_asset_graph().asset_check_keys}
    assert {f"staging/{name}" for name in DATASETS} <= checks


def test_dbt_is_given_a_half_open_window_by_flags_that_leave_partial_parsing_alone() -> None:
    arguments = dbt_arguments([DAY])
    assert "--vars" not in arguments
    assert arguments[2:5] == ["2026-10-14", "--event-time-end", "2026-10-15"]
