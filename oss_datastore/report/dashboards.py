"""The declared visuals: what `dashboards.yml` may say, checked when it is read.

Only shapes live here. How a visual's numbers are gathered is `frames`, how it is drawn is `charts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml  # type: ignore[import-untyped]

from oss_datastore.report.marts import MARTS, Audience

ChartKind = Literal["line", "area", "grouped_bar", "stacked_bar", "ranked_bar", "heatmap"]
_CHARTS = ("line", "area", "grouped_bar", "stacked_bar", "ranked_bar", "heatmap")


@dataclass(frozen=True)
class Field:
    """A column that gives a chart's positions or colours."""

    field: str
    label: str
    order: tuple[str, ...] = ()
    buckets: tuple[int, ...] = ()
    """Lower bounds of classes of a whole number, from the lowest."""
    bucket: str = ""
    """`week`: whole weeks from Monday to Sunday. `month`: months, by any day of them."""
    unit: str = ""


@dataclass(frozen=True)
class Measure:
    """A number: added up, counted in rows, or the newest one (`last`, by the column `by`)."""

    field: str
    label: str
    aggregate: Literal["sum", "count", "last"] = "sum"
    by: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Visual:
    """One chart with its numbers."""

    id: str
    section: str
    title: str
    definition: str
    mart: str
    chart: ChartKind
    dimension: Field
    measures: tuple[Measure, ...]
    series: Field | None = None
    where: Mapping[str, tuple[Any, ...]] | None = None
    days: tuple[str, int] | None = None
    """(column, count): only the last so many days of the marts."""
    newest: str = ""
    """Of each repository only the rows of the newest day that has any; the column that holds the day."""
    top: int = 0
    like_for_like: bool = False
    whole_when: str = ""
    """Column that counts what a row leaves out: a bucket with any of it is left out."""
    palette: str = "category"
    audience: Audience = Audience.public


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str
    title: str
    audience: Audience
    datasets: tuple[str, ...]
    """What it rests on: where one of them is not whole, the section says so."""


@dataclass(frozen=True)
class Dashboard:
    """All sections and visuals in their order."""

    sections: tuple[Section, ...]
    visuals: tuple[Visual, ...]


class NotDeclarable(ValueError):
    """`dashboards.yml` says something that means nothing."""


@cache
def dashboard() -> Dashboard:
    """The visuals that `dashboards.yml` declares. Raises NotDeclarable."""
    return parse(yaml.safe_load((files("oss_datastore.report") / "dashboards.yml").read_text()))


def parse(declared: Mapping[str, Any]) -> Dashboard:
    """A dashboard from the plain values of the file. Raises NotDeclarable, naming the visual."""
    sections = tuple(
        Section(s["id"], s["title"], Audience(s["audience"]), tuple(s["datasets"])) for s in declared["sections"]
    )
    visuals = tuple(_visual(v) for v in declared["visuals"])
    known = {section.id for section in sections}
    for visual in visuals:
        if visual.section not in known:
            raise NotDeclarable(f"visual {visual.id}: there is no section {visual.section}")
        if visual.mart not in MARTS:
            raise NotDeclarable(f"visual {visual.id}: there is no mart {visual.mart}")
        if visual.chart not in _CHARTS:
            raise NotDeclarable(f"visual {visual.id}: a chart is one of {', '.join(_CHARTS)}, not {visual.chart}")
    if len({visual.id for visual in visuals}) < len(visuals):
        raise NotDeclarable("two visuals have the same id")
    return Dashboard(sections, visuals)


def _visual(declared: Mapping[str, Any]) -> Visual:
    try:
        plain = dict(declared)
        plain["dimension"] = _field(plain["dimension"])
        plain["series"] = _field(plain["series"]) if "series" in plain else None
        plain["measures"] = tuple(Measure(**m) for m in plain["measures"])
        plain["where"] = {column: tuple(values) for column, values in plain.get("where", {}).items()}
        plain["days"] = (plain["days"]["field"], plain["days"]["count"]) if "days" in plain else None
        plain["audience"] = Audience(plain.get("audience", Audience.public))
        return Visual(**plain)
    except (KeyError, TypeError, ValueError) as why:
        raise NotDeclarable(f"visual {declared.get('id', '(without id)')}: {why}") from why


def _field(declared: Mapping[str, Any]) -> Field:
    plain = dict(declared)
    for name in ("order", "buckets"):
        plain[name] = tuple(plain.get(name, ()))
    return Field(**plain)
