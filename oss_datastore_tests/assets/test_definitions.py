"""The graph explains itself, is one graph, and is the one we mean: its keys stand in a file beside this one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from oss_datastore.assets.feeding import datasets_of, graph_of
from oss_datastore.assets.psa import build_psa_assets
from oss_datastore.assets.vault import build_vault_assets, dbt_arguments
from oss_datastore.catalogue import ACTORS, DATASETS, TABLES
from oss_datastore.resources.dbt import prepare_manifest
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


def test_every_asset_says_what_it_is_whose_it_is_and_where_to_go_from_it(definitions: dg.Definitions) -> None:
    for spec in specs(definitions):
        name = spec.key.to_user_string()
        assert spec.description, name
        assert spec.group_name == spec.key.path[0], name
        assert spec.owners == ["team:open_source_programme_office"], name
        assert spec.tags["layer"] == spec.key.path[0], name
        assert spec.kinds, name
        assert spec.metadata["report"] == dg.MetadataValue.asset(dg.AssetKey(["report", "page"])), name
        assert str(spec.metadata["report_file"].value).endswith("report.html"), name
        assert spec.metadata["dead_letters"].startswith("oss-datastore dlq list"), name
        assert spec.metadata["retry_dead_letters"].job_name == "retry_dead_letters", name
        if spec.group_name != "report":  # a page has no columns, and the files have those of the infomarts
            assert spec.metadata["dagster/column_schema"].columns, name
        if spec.group_name not in ("report", "staging"):
            assert f"from {spec.metadata['dagster/table_name']} " in spec.metadata["first_query"], name


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_kinds_name_the_engine_that_the_settings_name(engine: str, tmp_path: Path, monkeypatch: Any) -> None:
    """Whoever parsed the project may have had another: what dbt wrote down then is not asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE", engine)
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    daily = dg.DailyPartitionsDefinition("2026-01-01")
    vault = build_vault_assets(daily, prepare_manifest(), engine, {})
    for spec in (spec for made in [*build_psa_assets(daily, engine), vault] for spec in made.specs):
        assert spec.kinds & {"duckdb", "postgres"} == {engine}, spec.key
    assert {spec.metadata["dagster/storage_kind"] for spec in vault.specs} == {engine}


@pytest.mark.parametrize(
    ("table", "few"),
    [
        ("infomarts/repo_traffic_daily", {"organizations", "repositories", "traffic_clones", "traffic_views"}),
        ("infomarts/repo_traffic_paths", {"organizations", "repositories", "traffic_paths"}),
        ("raw_vault/sat_org", {"organizations"}),
        ("psa/traffic_views_window", {"traffic_views"}),
        ("infomarts/metric_catalogue", set()),
        ("psa/fetch_ledger", set(DATASETS)),
        ("infomarts/data_quality_daily", set(DATASETS)),
        ("raw_vault/hub_user", set(DATASETS)),
    ],
)
def test_what_feeds_a_table_is_found_through_the_graph(definitions: dg.Definitions, table: str, few: set[str]) -> None:
    found = datasets_of(dg.AssetKey(table.split("/")), graph_of(specs(definitions)))
    assert set(found) == few


def test_a_hub_is_fed_by_what_brings_its_keys_and_lends_them_to_others(definitions: dg.Definitions) -> None:
    graph = graph_of(specs(definitions))
    assert len(datasets_of(dg.AssetKey(["raw_vault", "hub_repo"]), graph)) > 30
    assert dg.AssetKey(["raw_vault", "hub_repo"]) in graph[dg.AssetKey(["infomarts", "repo_traffic_daily"])]


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
