"""Vault and infomarts: the models of the dbt project, one asset each.

How a table is made stands in its model under `sql/`; here only which window is loaded and what the UI shows.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from oss_datastore.assets.feeding import Graph
from oss_datastore.assets.figures import with_figures
from oss_datastore.assets.lineage import personal_columns, with_lineage
from oss_datastore.partitions import days_of
from oss_datastore.resources import WarehouseResource
from oss_datastore.resources.dbt import DbtResource
from oss_datastore.warehouse import PSA_TABLES


class LayerTranslator(DagsterDbtTranslator):
    """Asset keys and groups by layer: a model's folder, and `psa` for what dbt calls a source.

    `engine` is the warehouse's: the manifest names the engine of whoever parsed the project.
    """

    def __init__(self, engine: str) -> None:
        super().__init__(settings=DagsterDbtTranslatorSettings(enable_code_references=False))
        self._engine = engine

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The model, and by which engine its table is made."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        props = self.get_resource_props(manifest, unique_id)
        return spec.replace_attributes(kinds={"dbt", self._engine}).merge_attributes(
            metadata={
                "dagster/storage_kind": self._engine,
                "dagster/table_name": f"{props['schema']}.{props['name']}",
            }
        )

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """`raw_vault/hub_repo`, `infomarts/org_overview`, `psa/issues`."""
        return dg.AssetKey([_layer(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The layer."""
        return _layer(dbt_resource_props)

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The model's own sentence; its SQL stands in the project."""
        return str(dbt_resource_props.get("description") or "")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """Everything is kept by the programme office."""
        return ["team:open_source_programme_office"]

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """The layer, and whether personal data lies in it."""
        personal = "_pii" in str(dbt_resource_props.get("schema", ""))
        return {"layer": _layer(dbt_resource_props)} | ({"personal_data": "true"} if personal else {})

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetCheckSpec | None:
        """dbt's test with a sentence that says what it proves."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        return spec and spec._replace(description=check_sentence(manifest["nodes"][unique_id]))


def check_sentence(test: Mapping[str, Any]) -> str:
    """What a generic test of the project proves, with the columns it looks at; its own description, if it has one."""
    metadata = test.get("test_metadata") or {}
    arguments = metadata.get("kwargs") or {}
    column = arguments.get("column_name")
    match metadata.get("name"):
        case "key_is_sound":
            per = f" per {arguments['per']}" if arguments.get("per") else ""
            return f"Each {column} is given and stands there once{per}."
        case "parents_are_present":
            return f"Each key in {_and(arguments['parents'])} stands in its hub."
        case "versions_are_sound":
            parent = ", and the parent is there" if arguments.get("parent") else ""
            return (
                f"The versions of each {column} follow each other: no two on one day, none overlaps or equals the "
                f"next, the last is open or has its end{parent}."
            )
        case "unique_grain":
            return f"There is one row per {_and(arguments['columns'])}."
    return str(test.get("description") or f"The dbt test {test['name']} finds no row at fault.")


def _and(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _layer(props: Mapping[str, Any]) -> str:
    return "psa" if props["resource_type"] == "source" else str(props["fqn"][1])


def dbt_arguments(days: Sequence[date]) -> list[str]:
    """`dbt build` for a window of days: half-open, by flags that leave partial parsing alone (`--vars` would not).

    A check is made where all it looks at is being made: the check of a link against a hub that was left out would
    fail on a home where the hub was never loaded.
    """
    end = days[-1] + timedelta(days=1)
    window = ["--event-time-start", days[0].isoformat(), "--event-time-end", end.isoformat()]
    # Nobody reads the artefacts, and writing them takes a second of each run.
    return ["build", *window, "--indirect-selection", "cautious", "--no-write-json"]


def build_vault_assets(
    daily: dg.DailyPartitionsDefinition, manifest: Path, engine: str, above: Graph
) -> dg.AssetsDefinition:
    """Every model of the project as an asset; its tests as asset checks, those on keys blocking.

    `engine` is the warehouse's, `above` the graph of staging and psa.
    """

    @dbt_assets(
        manifest=manifest,
        project=DbtProject(manifest.parents[1]),
        name="vault",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
        dagster_dbt_translator=LayerTranslator(engine),
    )
    def vault(context: dg.AssetExecutionContext, dbt: DbtResource, warehouse: WarehouseResource) -> Iterator[Any]:
        # A table that no answer has filled yet is empty, not missing.
        opened = warehouse.open()
        opened.prepare(PSA_TABLES)
        days = days_of(context)
        events = with_figures(dbt.run(dbt_arguments(days), context, personal_columns), context, vault, above, opened)
        # Each day of a range has an event of its own per table: a year would hold the same lineage 365 times.
        yield from with_lineage(events) if len(days) == 1 else events

    return vault
