"""`infra/infomarts.yaml` is what contracts, grants and `dashboards.yml` say, and lacks no visual."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.generate import INFOMARTS
from infra.infomarts import template
from infra.infomarts.contracts import marts
from infra.infomarts.quicksight import draw
from oss_datastore.report.dashboards import Dashboard, Visual, dashboard
from oss_datastore.warehouse.redshift import grants

SQL = Path(__file__).resolve().parents[2] / "sql"
KEPT: dict[str, Any] = yaml.safe_load(INFOMARTS.read_text(encoding="utf-8"))
RESOURCES: dict[str, Any] = KEPT["Resources"]
DEFINITION: dict[str, Any] = RESOURCES["Dashboard"]["Properties"]["Definition"]
DATA_SETS = {
    resource["Properties"]["Name"]: resource["Properties"]
    for resource in RESOURCES.values()
    if resource["Type"] == "AWS::QuickSight::DataSet"
}
KINDS = {"line": "LineChart", "area": "LineChart", "heatmap": "HeatMap"}


def test_the_template_is_as_the_generator_makes_it() -> None:
    assert INFOMARTS.read_text(encoding="utf-8") == template.text(), "run: python -m infra.generate"


def drawn(visual: Visual) -> tuple[str, dict[str, Any]]:
    """Kind and content of a visual in the template, on the sheet of its section."""
    [sheet] = [sheet for sheet in DEFINITION["Sheets"] if sheet["SheetId"] == visual.section]
    [(kind, made)] = [
        (kind, made) for one in sheet["Visuals"] for kind, made in one.items() if made["VisualId"] == visual.id
    ]
    return kind.removesuffix("Visual"), made


def inside(part: Any, key: str) -> Iterator[Any]:
    """Every value of a key, at any depth."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from inside(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from inside(value, key)


@pytest.mark.parametrize("visual", dashboard().visuals, ids=lambda visual: visual.id)
def test_every_visual_of_the_page_is_on_the_dashboard(visual: Visual) -> None:
    kind, made = drawn(visual)
    assert kind == KINDS.get(visual.chart, "BarChart")
    assert made["Title"]["FormatText"]["PlainText"] == visual.title
    assert made["Subtitle"]["FormatText"]["PlainText"] == visual.definition
    [wells] = made["ChartConfiguration"]["FieldWells"].values()
    measures = [field["NumericalMeasureField"] for field in wells["Values"]]
    assert [field["AggregationFunction"]["SimpleNumericalAggregation"] for field in measures] == [
        {"sum": "SUM", "count": "COUNT", "last": "MAX"}[measure.aggregate] for measure in visual.measures
    ]
    fields = [visual.dimension, *visual.measures, *([visual.series] if visual.series else [])]
    assert sorted(inside(made, "CustomLabel")) == sorted(field.label for field in fields)
    filtered = [one for one in DEFINITION["FilterGroups"] if [visual.id] in inside(one, "VisualIds")]
    assert len(filtered) == len(visual.where or {}) + bool(visual.days) + bool(visual.newest)
    assert sorted(inside(filtered, "CategoryValues")) == sorted(
        [str(value).lower() for value in values if value is not None] for values in (visual.where or {}).values()
    )
    assert set(inside(made, "ItemsLimit")) == ({visual.top} if visual.top else set())


def test_no_visual_is_on_the_dashboard_that_the_page_has_not() -> None:
    assert sorted(inside(DEFINITION["Sheets"], "VisualId")) == sorted(visual.id for visual in dashboard().visuals)


def test_data_sets_read_the_columns_of_the_contract_and_keep_those_that_are_shown() -> None:
    assert set(DATA_SETS) == {visual.mart for visual in dashboard().visuals}
    for mart, made in DATA_SETS.items():
        [table] = inside(made, "RelationalTable")
        assert (table["Schema"], table["Name"]) == ("infomarts", mart)
        assert [column["Name"] for column in table["InputColumns"]] == [column.name for column in marts()[mart]]
    [kept] = inside(DATA_SETS["security_sla"], "ProjectedColumns")
    assert not {"subject", "full_name"} & set(kept)


def test_whatever_the_dashboard_names_is_in_its_data_set_or_computed_from_it() -> None:
    computed = {(one["DataSetIdentifier"], one["Name"]): one["Expression"] for one in DEFINITION["CalculatedFields"]}
    assert len(computed) == len(DEFINITION["CalculatedFields"])
    kept = {mart: next(inside(made, "ProjectedColumns")) for mart, made in DATA_SETS.items()}
    read = list(inside(DEFINITION, "Column")) + list(inside(DEFINITION, "SortBy"))
    assert read
    for column in read:
        mart, name = column["DataSetIdentifier"], column["ColumnName"]
        assert name in kept[mart] or (mart, name) in computed, f"{mart}.{name}"
    for (mart, name), expression in computed.items():
        for used in re.findall(r"\{(\w+)\}", expression):
            assert used in kept[mart] or (mart, used) in computed, f"{mart}.{name} uses {used}"


def test_a_column_that_no_mart_has_is_named_before_a_template_is_made() -> None:
    known = dashboard()
    [stars] = [visual for visual in known.visuals if visual.id == "stars"]
    broken = replace(stars, dimension=replace(stars.dimension, field="nowhere"))
    with pytest.raises(KeyError, match="visual stars: the mart repo_popularity_daily has no column nowhere"):
        draw(Dashboard(known.sections, (broken,)))


def test_spice_is_filled_once_a_day_for_every_data_set() -> None:
    filled = {
        str(resource["Properties"]["DataSetId"]): resource["Properties"]["Schedule"]["ScheduleFrequency"]["Interval"]
        for resource in RESOURCES.values()
        if resource["Type"] == "AWS::QuickSight::RefreshSchedule"
    }
    assert filled == {str(made["DataSetId"]): "DAILY" for made in DATA_SETS.values()}
    assert KEPT["Parameters"]["ImportMode"]["Default"] == "SPICE"


def test_the_code_is_the_handler_and_a_changed_handler_has_another_name() -> None:
    with zipfile.ZipFile(io.BytesIO(template.archive())) as files:
        assert files.namelist() == ["handler.py"]
        assert files.read("handler.py") == template.HANDLER.read_bytes()
    assert template.archive() == template.archive()
    assert KEPT["Parameters"]["CodeKey"]["Default"] == f"code/{template.archive_name()}"


def test_rights_are_those_that_the_pipeline_gives_and_data_outlives_the_stack() -> None:
    resource = RESOURCES["Infomarts"]
    assert resource["Properties"]["Grants"] == grants()
    assert len(resource["Properties"]["Grants"]) == (SQL / "warehouse" / "redshift_grants.sql").read_text().count(";\n")
    assert resource["DeletionPolicy"] == RESOURCES["ReaderSecret"]["DeletionPolicy"] == "Retain"
    assert RESOURCES["DataSource"]["Properties"]["SslProperties"] == {"DisableSsl": False}
