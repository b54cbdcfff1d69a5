"""Putting the page together: sentences, charts and lists of one audience into one file that asks no other host.

The page carries its own drawing library, so it opens from a disk, a bucket or an e-mail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

import jinja2
import vl_convert
from markupsafe import Markup

from oss_datastore.report.charts import key_of, specification
from oss_datastore.report.dashboards import Section, Visual, dashboard
from oss_datastore.report.frames import Gathered, gather, last_day
from oss_datastore.report.lacking import notices
from oss_datastore.report.listing import Listing
from oss_datastore.report.marts import Audience, Marts, Seen
from oss_datastore.report.sentences import first_screen
from oss_datastore.report.tables import listings
from oss_datastore.report.words import cell, day_text, leading_somewhere

LONGEST_TABLE = 200
"""Rows of the table behind a chart; of a longer one the newest."""


@dataclass(frozen=True)
class Figure:
    """A chart with the table that says the same."""

    visual: Visual
    gathered: Gathered
    key: tuple[tuple[str, str], ...]
    """What the colours mean: (name, colour)."""
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    cut: int
    """Rows that the table leaves out."""


@dataclass(frozen=True)
class Part:
    """One section of the page, ready to be written."""

    section: Section
    notices: list[str]
    figures: list[Figure]
    listings: list[Listing]


def build_report(
    marts: Marts,
    *,
    audience: Audience | str = Audience.internal,
    title: str = "Open source, this week",
    links: Mapping[str, str] | None = None,
) -> str:
    """The page as HTML text. `links` are addresses for the foot of the page, by what they are called."""
    audience = Audience(audience)
    seen = Seen(marts, audience)
    now = last_day(seen)
    parts = [
        Part(section, notices(section.datasets, seen), _figures(section, seen), listings(section.id, seen))
        for section in dashboard().sections
        if audience.sees(section.audience)
    ]
    specifications = {
        figure.visual.id: specification(figure.visual, figure.gathered)
        for part in parts
        for figure in part.figures
        if not figure.gathered.is_empty
    }
    places = {ident for part in parts for ident in _ids(part)}
    template = _templates().get_template("page.html")
    return template.render(
        title=title,
        audience=audience.value,
        day=day_text(now) if now else "no day yet",
        sentences=[replace(sentence, text=leading_somewhere(sentence.text, places)) for sentence in first_screen(seen)],
        parts=parts,
        links=[(name, address) for name, address in (links or {}).items() if _is_safe(address)],
        style=Markup(_file("page.css")),  # noqa: S704 - a file of ours
        library=_library(),
        specifications=Markup(_inside_script(specifications)),  # noqa: S704 - escaped for a script
    )


def _ids(part: Part) -> tuple[str, ...]:
    figures, lists = (figure.visual.id for figure in part.figures), (listing.id for listing in part.listings)
    return (part.section.id, *figures, *lists)


def _figures(section: Section, seen: Seen) -> list[Figure]:
    return [
        _figure(visual, gather(visual, seen))
        for visual in dashboard().visuals
        if visual.section == section.id and seen.audience.sees(visual.audience)
    ]


def _figure(visual: Visual, gathered: Gathered) -> Figure:
    """The chart's numbers as a table: one row per value of the dimension, one column per series."""
    values = {(r.dimension, r.series): r.value for r in gathered.rows.itertuples()}
    rows = tuple((d, *(cell(values.get((d, s))) for s in gathered.series)) for d in gathered.dimensions)
    kept = rows[-LONGEST_TABLE:]
    return Figure(
        visual,
        gathered,
        key_of(visual, gathered),
        (visual.dimension.label, *gathered.series),
        kept,
        len(rows) - len(kept),
    )


def _is_safe(address: str) -> bool:
    scheme = address.partition(":")[0].lower() if ":" in address else ""
    return scheme in ("", "http", "https", "file")


def _inside_script(value: object) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).translate(
        {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}
    )


@cache
def _library() -> Markup:
    # The bundle takes seconds to make and is always the same.
    bundle = vl_convert.javascript_bundle()  # type: ignore[call-arg] # the snippet is optional
    return Markup(bundle.replace("</script", "<\\/script"))  # noqa: S704 - a library of ours


@cache
def _file(name: str) -> str:
    return (files("oss_datastore.report") / name).read_text()


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
