"""The visuals of `dashboards.yml` as a dashboard of QuickSight. What a template around them needs is `template`.

Titles, definitions, dimensions, measures, aggregations, orders, `where`, `days`, `newest` and `top` are the page's.
What QuickSight has not, and the dashboard therefore does otherwise:

- `like_for_like`: a total over time adds whatever was observed on the day, so it moves when a repository comes or goes.
- `whole_when`: weeks that are not wholly covered are drawn with what there is of them.
- The sentences beside a chart on what it lacks, and the colours of `palette`.
- `audience`: whoever may open the dashboard sees all of it, private repositories included. The page for the public is
  the page. Data sets hold only the columns that visuals use, so no list of open alerts can be taken out of them.
- A repository bears the name of the row's day, so one that was renamed stands there twice where a visual spans both.
- "Now" is the last day of the mart for `days`, and the reader's clock for alerts that are due in seven days.
- A count counts rows whose column is not empty.
- `top` keeps the largest by the chart's first measure, and of a heat map rows and columns each by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.infomarts.contracts import Column, marts
from oss_datastore.report.dashboards import Dashboard, Field, Measure, Visual
from oss_datastore.report.frames import bucket_label

_DERIVED: Mapping[tuple[str, str], str] = {
    ("security_sla", "due"): "ifelse(isNull({due_at}), 'no due date', isNotNull({overdue_days}), 'past due', "
    "dateDiff(now(), {due_at}, 'DD') <= 7, 'due in 7 days', 'due later')",
    ("security_sla", "severity"): "ifelse(isNull({severity}), 'none', {severity})",
    ("user_access_current", "on_repository"): "ifelse(isNull({repo_id}), 'false', 'true')",
    ("user_access_current", "granted_by"): "ifelse({organization_path} = 'owner', 'ownership', "
    "strlen(coalesce({team_paths}, '')) > 0, 'team', strlen(coalesce({direct_path}, '')) > 0, 'direct', "
    "strlen(coalesce({organization_path}, '')) > 0, 'base permission', 'not known')",
    ("security_coverage_daily", "feature"): "replace({feature}, '_', ' ')",
    ("data_quality_daily", "dataset"): "replace({dataset}, '_', ' ')",
    ("data_quality_daily", "percent_whole"): "ifelse({scopes_planned} > 0, "
    "floor(100 * ({scopes_planned} - {scopes_missing}) / {scopes_planned}), NULL)",
}
"""Classes of rows that the page shows and no mart holds, as `frames` makes them, by mart and name."""

_BARS = {
    "grouped_bar": ("CLUSTERED", "VERTICAL"),
    "stacked_bar": ("STACKED", "HORIZONTAL"),
    "ranked_bar": ("CLUSTERED", "HORIZONTAL"),
}
_LINES = {"line": "LINE", "area": "STACKED_AREA"}
_ROWS_OF_A_VISUAL = 12
_COLUMNS_OF_A_SHEET = 36

Json = dict[str, Any]


@dataclass(frozen=True)
class _Calculated:
    """A column that the dashboard computes."""

    mart: str
    name: str
    expression: str


@dataclass
class _Maker:
    """Makes one visual, and notes the columns that it wants computed."""

    visual: Visual
    computed: dict[tuple[str, str], _Calculated]

    @property
    def types(self) -> dict[str, str]:
        return {column.name: column.in_quicksight for column in marts()[self.visual.mart]}

    def column(self, name: str) -> Json:
        return {"DataSetIdentifier": self.visual.mart, "ColumnName": name}

    def compute(self, name: str, expression: str) -> str:
        """The name of a computed column; the same one is not made twice."""
        mart = self.visual.mart
        self.computed[mart, name] = _Calculated(mart, name, expression)
        return name

    def named(self, field: str) -> str:
        """The column for a name of `dashboards.yml`. Raises KeyError for one that neither mart nor page has."""
        derived = _DERIVED.get((self.visual.mart, field))
        if derived is not None:
            return self.compute(f"{field}_shown", derived)
        if field == "repository":
            return "full_name"
        if field not in self.types:
            raise KeyError(f"visual {self.visual.id}: the mart {self.visual.mart} has no column {field}")
        return field

    def category(self, field: Field, role: str) -> Json:
        """A dimension: a day, a class of a number, or a text."""
        identifier = f"{self.visual.id}.{role}"
        if field.buckets:
            name = self.compute(f"{field.field}_class", _classes(field))
        elif field.bucket == "week":
            # Weeks of QuickSight begin on Sunday.
            day = "truncDate('WK', addDateTime(-1, 'DD', {%s}))" % field.field  # noqa: UP031
            name = self.compute(f"{field.field}_monday", f"addDateTime(1, 'DD', {day})")
            return _date(identifier, self.column(name), "DAY")
        else:
            name = self.named(field.field)
        if self.types.get(name) == "DATETIME":
            return _date(identifier, self.column(name), "MONTH" if field.bucket == "month" else "DAY")
        return {"CategoricalDimensionField": {"FieldId": identifier, "Column": self.column(name)}}

    def order(self, field: Field, role: str) -> Json:
        """How the values of a dimension follow each other."""
        if field.buckets:
            return self._by(field.field, "ASC")
        if field.order:
            name = self.named(field.field)
            steps = ", ".join(f"{{{name}}} = {_text(value)}, {n}" for n, value in enumerate(field.order))
            return self._by(self.compute(f"{field.field}_order", f"ifelse({steps}, {len(field.order)})"), "ASC")
        if self.visual.top:
            return {"FieldSort": {"FieldId": self.measures[0]["NumericalMeasureField"]["FieldId"], "Direction": "DESC"}}
        return {"FieldSort": {"FieldId": f"{self.visual.id}.{role}", "Direction": "ASC"}}

    def _by(self, column: str, direction: str) -> Json:
        least = {"NumericalAggregationFunction": {"SimpleNumericalAggregation": "MIN"}}
        return {
            "ColumnSort": {"SortBy": self.column(column), "Direction": direction, "AggregationFunction": least},
        }

    @property
    def measures(self) -> list[Json]:
        """The numbers, aggregated."""
        return [self._measure(n, measure) for n, measure in enumerate(self.visual.measures)]

    def _measure(self, number: int, measure: Measure) -> Json:
        name, function = self.named(measure.field), measure.aggregate.upper()
        if measure.aggregate == "last":
            newest = f"maxOver(ifelse(isNull({{{name}}}), NULL, {{{measure.by}}}), [{{repo_id}}], PRE_AGG)"
            expression = f"ifelse({{{measure.by}}} = {newest}, {{{name}}}, NULL)"
            name, function = self.compute(f"{name}_newest", expression), "MAX"
        return {
            "NumericalMeasureField": {
                "FieldId": f"{self.visual.id}.measure{number}",
                "Column": self.column(name),
                "AggregationFunction": {"SimpleNumericalAggregation": function},
            }
        }

    def filters(self) -> Iterator[Json]:
        """Which rows the visual has."""
        visual = self.visual
        for field, values in (visual.where or {}).items():
            kept = [_value(value) for value in values if value is not None]
            listed = {
                "MatchOperator": "CONTAINS",
                "CategoryValues": kept,
                "NullOption": "ALL_VALUES" if None in values else "NON_NULLS_ONLY",
            }
            yield {
                "CategoryFilter": {
                    "FilterId": f"{visual.id}-{field}",
                    "Column": self.column(self.named(field)),
                    "Configuration": {"FilterListConfiguration": listed},
                }
            }
        if visual.days:
            field, count = visual.days
            age = f"dateDiff({{{field}}}, maxOver({{{field}}}, [], PRE_FILTER), 'DD')"
            yield self._range(self.compute(f"{field}_age", age), count - 1)
        if visual.newest:
            seen = f"ifelse(isNull({{{visual.measures[0].field}}}), NULL, {{{visual.newest}}})"
            behind = f"dateDiff({{{visual.newest}}}, maxOver({seen}, [{{repo_id}}], PRE_FILTER), 'DD')"
            yield self._range(self.compute(f"{visual.newest}_behind", behind), 0)

    def _range(self, name: str, most: int) -> Json:
        return {
            "NumericRangeFilter": {
                "FilterId": f"{self.visual.id}-{name}",
                "Column": self.column(name),
                "NullOption": "NON_NULLS_ONLY",
                "IncludeMinimum": True,
                "IncludeMaximum": True,
                "RangeMinimum": {"StaticValue": 0},
                "RangeMaximum": {"StaticValue": most},
            }
        }

    def labels(self, fields: list[Json], names: list[str]) -> Json:
        """The words of the page for fields."""
        options = []
        for field, name in zip(fields, names, strict=True):
            [inner] = field.values()
            applied = {"FieldId": inner["FieldId"], "Column": inner["Column"]}
            options.append({"CustomLabel": name, "ApplyTo": applied})
        return {"AxisLabelOptions": options}

    def made(self) -> Json:
        """The visual."""
        visual = self.visual
        dimension, measures = self.category(visual.dimension, "dimension"), self.measures
        series = [self.category(visual.series, "series")] if visual.series else []
        values = self.labels(measures, [measure.label for measure in visual.measures])
        across = self.labels([dimension], [visual.dimension.label])
        limit = {"ItemsLimit": visual.top, "OtherCategories": "EXCLUDE"} if visual.top else None
        order = [self.order(visual.dimension, "dimension")]
        colours = [self.order(visual.series, "series")] if visual.series else []
        if visual.chart == "heatmap":
            if visual.series is None:
                raise ValueError(f"visual {visual.id}: a heat map needs a series")
            wells = {"Columns": [dimension], "Rows": series, "Values": measures}
            sort: Json = {"HeatMapColumnSort": order, "HeatMapRowSort": colours}
            if limit:
                sort |= {"HeatMapColumnItemsLimitConfiguration": limit, "HeatMapRowItemsLimitConfiguration": limit}
            configuration: Json = {
                "FieldWells": {"HeatMapAggregatedFieldWells": wells},
                "ColumnLabelOptions": across,
                "RowLabelOptions": self.labels(series, [visual.series.label]),
                "Legend": {"Visibility": "VISIBLE", "Title": {"CustomLabel": visual.measures[0].label}},
                "SortConfiguration": sort,
            }
            return self._titled("HeatMapVisual", configuration)
        wells = {"Category": [dimension], "Values": measures, "Colors": series}
        if visual.chart in _LINES:
            configuration = {
                "Type": _LINES[visual.chart],
                "FieldWells": {"LineChartAggregatedFieldWells": wells},
                "XAxisLabelOptions": across,
                "PrimaryYAxisLabelOptions": values,
                "SortConfiguration": {"CategorySort": order},
            }
            return self._titled("LineChartVisual", configuration)
        arrangement, orientation = _BARS[visual.chart]
        sort = {"CategorySort": order} | ({"ColorSort": colours} if colours else {})
        configuration = {
            "BarsArrangement": arrangement,
            "Orientation": orientation,
            "FieldWells": {"BarChartAggregatedFieldWells": wells},
            "CategoryLabelOptions": across,
            "ValueLabelOptions": values,
            "SortConfiguration": sort | ({"CategoryItemsLimit": limit} if limit else {}),
        }
        if visual.series:
            configuration["ColorLabelOptions"] = self.labels(series, [visual.series.label])
        return self._titled("BarChartVisual", configuration)

    def _titled(self, kind: str, configuration: Json) -> Json:
        def words(text: str) -> Json:
            return {"Visibility": "VISIBLE", "FormatText": {"PlainText": text}}

        titled = {"VisualId": self.visual.id, "Title": words(self.visual.title)}
        return {kind: titled | {"Subtitle": words(self.visual.definition), "ChartConfiguration": configuration}}


@dataclass(frozen=True)
class Drawn:
    """A dashboard's definition but for its data sets, and which columns of which mart it reads."""

    definition: Json
    columns: Mapping[str, tuple[str, ...]]


def draw(dashboard: Dashboard) -> Drawn:
    """Every visual, a sheet for each section that has any. Raises KeyError for a column that a mart does not have."""
    computed: dict[tuple[str, str], _Calculated] = {}
    sheets, groups = [], []
    for section in dashboard.sections:
        visuals = [visual for visual in dashboard.visuals if visual.section == section.id]
        if not visuals:
            continue
        makers = [_Maker(visual, computed) for visual in visuals]
        sheets.append(
            {
                "SheetId": section.id,
                "Name": section.title,
                "Visuals": [maker.made() for maker in makers],
                "Layouts": [{"Configuration": {"GridLayout": {"Elements": _places(visuals)}}}],
            }
        )
        groups += [group for maker in makers for group in _groups(maker, section.id)]
    fields = [
        {"DataSetIdentifier": one.mart, "Name": one.name, "Expression": one.expression}
        for _, one in sorted(computed.items())
    ]
    definition = {"Sheets": sheets, "CalculatedFields": fields, "FilterGroups": groups}
    return Drawn(definition, _read(definition))


def _groups(maker: _Maker, sheet: str) -> Iterator[Json]:
    visual = maker.visual.id
    for made in maker.filters():
        [inner] = made.values()
        scope = {"SheetId": sheet, "Scope": "SELECTED_VISUALS", "VisualIds": [visual]}
        yield {
            "FilterGroupId": inner["FilterId"],
            "Status": "ENABLED",
            "CrossDataset": "SINGLE_DATASET",
            "Filters": [made],
            "ScopeConfiguration": {"SelectedSheets": {"SheetVisualScopingConfigurations": [scope]}},
        }


def _places(visuals: list[Visual]) -> list[Json]:
    return [
        {
            "ElementId": visual.id,
            "ElementType": "VISUAL",
            "ColumnIndex": 0,
            "ColumnSpan": _COLUMNS_OF_A_SHEET,
            "RowIndex": n * _ROWS_OF_A_VISUAL,
            "RowSpan": _ROWS_OF_A_VISUAL,
        }
        for n, visual in enumerate(visuals)
    ]


def _read(definition: Json) -> dict[str, tuple[str, ...]]:
    """The columns of each mart that a definition names, by itself or in an expression."""
    named: dict[str, set[str]] = {}

    def look(part: Any) -> None:
        if isinstance(part, dict):
            if "ColumnName" in part:
                named.setdefault(part["DataSetIdentifier"], set()).add(part["ColumnName"])
            if "Expression" in part:
                named.setdefault(part["DataSetIdentifier"], set()).update(re.findall(r"\{(\w+)\}", part["Expression"]))
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(definition)
    return {mart: _in_order(marts()[mart], names) for mart, names in sorted(named.items())}


def _in_order(columns: tuple[Column, ...], names: set[str]) -> tuple[str, ...]:
    return tuple(column.name for column in columns if column.name in names)


def _date(identifier: str, column: Json, granularity: str) -> Json:
    return {"DateDimensionField": {"FieldId": identifier, "Column": column, "DateGranularity": granularity}}


def _classes(field: Field) -> str:
    steps = [f"isNull({{{field.field}}}), {_text(bucket_label(None, field))}"]
    steps += [f"{{{field.field}}} >= {low}, {_text(bucket_label(low, field))}" for low in reversed(field.buckets[1:])]
    return f"ifelse({', '.join(steps)}, {_text(bucket_label(field.buckets[0], field))})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "\\'") + "'"


def _value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
