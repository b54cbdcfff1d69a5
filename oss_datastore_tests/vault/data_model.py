"""docs/data-model.md and its diagrams as models and catalogue give them.

`python -m oss_datastore_tests.vault.data_model` writes the files; a test compares them.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import yaml

from oss_datastore.catalogue import DATASETS

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "sql" / "models"
PAGE = ROOT / "docs" / "data-model.md"
PICTURES = ROOT / "docs" / "pictures"
TENTATIVE = ROOT / "docs" / "tentative-model.tsv"

SUBJECTS = {
    "repositories": "Organisations and repositories",
    "people": "People, teams and access",
    "issues": "Issues, labels and milestones",
    "pull_requests": "Pull requests and reviews",
    "commits": "Commits",
    "releases": "Releases",
    "popularity": "Stars, watchers and forks",
    "traffic": "Traffic",
    "statistics": "Statistics",
    "security": "Security",
    "rules": "Rules, keys, hooks and Apps",
    "discussions": "Discussions and projects",
    "events": "Events and dependencies",
    "files": "Files of people",
}
"""Chapters, in the order of the page, by the catalogue's subject."""
_SHARED_CHAPTERS = {
    "integrations": "rules",
    "projects": "discussions",
    "dependencies": "events",
    "users": "people",
}
_OF_HUB = {
    "hub_org": "repositories",
    "hub_repo": "repositories",
    "hub_license": "repositories",
    "hub_user": "people",
    "hub_team": "people",
    "hub_issue": "issues",
    "hub_label": "issues",
    "hub_milestone": "issues",
    "hub_pull_request": "pull_requests",
    "hub_commit": "commits",
    "hub_release": "releases",
    "hub_release_asset": "releases",
    "hub_project": "discussions",
    "hub_discussion": "discussions",
    "hub_webhook": "rules",
    "hub_advisory": "security",
}
_KINDS = (
    ("hub_", "hub"),
    ("nh_link_", "non-historised link"),
    ("link_", "link"),
    ("eff_sat_", "effectivity satellite"),
    ("ma_sat_", "multi-active satellite"),
    ("sat_", "satellite"),
    ("ref_", "reference"),
    ("pit_", "point in time"),
)
_COLOURS = {"hub": "#1f6feb", "link": "#2da44e", "satellite": "#bf8700"}
_BOX, _ROW, _GAP = 335, 26, 100
_MARGIN = 16
_OF_HUBS = ("#1f6feb", "#cf222e", "#8250df", "#0a7ea4", "#bc4c00", "#bf3989", "#116329", "#57606a")
"""Each hub has a colour of its own, so that its lines can be followed where they cross."""

INTRODUCTION = (Path(__file__).with_name("data_model.md")).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Model:
    """One table: where it lies, what a row is, what feeds it and what it hangs on."""

    name: str
    schema: str
    kind: str
    grain: str
    columns: tuple[str, ...]
    sources: tuple[str, ...]
    hubs: tuple[str, ...]
    parent: str
    subject: str

    @property
    def shape(self) -> str:
        """hub, link or satellite: the box it is drawn in."""
        if self.kind == "hub":
            return "hub"
        return "link" if "link" in self.kind else "satellite"


def models() -> list[Model]:
    """Every model of the project."""
    return [_model(path) for path in sorted(MODELS.rglob("*.sql"))]


def _model(path: Path) -> Model:
    sql = path.read_text(encoding="utf-8")
    described = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))["models"][0]
    name = path.stem
    layer = path.relative_to(MODELS).parts[0]
    columns = tuple(column["name"] for column in described["columns"])
    kind = next((word for prefix, word in _KINDS if name.startswith(prefix)), "infomart")
    sources = tuple(dict.fromkeys(re.findall(r"source(?:s=\[|=|'?: )\s*'(?:psa_pii\.)?(\w+)'", sql)))
    sources += tuple(s for s in re.findall(r"'(?:psa_pii\.)?(\w+)'", sql.partition("sources=")[2]) if s in _TABLES)
    sources = tuple(dict.fromkeys(s for s in sources if s in _TABLES))
    hubs = tuple(re.findall(r"'(\w+)'", re.search(r"hubs=\[(.*?)\]", sql).group(1))) if "hubs=[" in sql else ()  # type: ignore[union-attr]
    key = re.search(r"key='(\w+?)_hk'", sql)
    parent = _parent(name, key.group(1) if key else "", columns)
    subject = _OF_HUB.get(name) or (_subject(sources[0]) if sources else "")
    schema = "raw_vault_pii" if "raw_vault_pii" in sql else layer
    grain = str(described["description"]).split(". ")[0].rstrip(".") + "."
    return Model(name, schema, kind, grain, columns, sources, hubs, parent, subject)


def _parent(name: str, key: str, columns: Sequence[str]) -> str:
    """The hub or link a satellite hangs on."""
    if key == name:  # keyed by the parent and a child: the parent's key stands among its columns
        key = next((c.removesuffix("_hk") for c in columns[5:] if c.endswith("_hk")), "")
    return key if key.startswith(("link_", "nh_link_")) else f"hub_{key}"


_TABLES = {table.name: dataset for dataset in DATASETS.values() for table in dataset.tables} | {"actors": None}


def _subject(source: str) -> str:
    dataset = _TABLES[source]
    subject = dataset.subject if dataset is not None else "people"
    return _SHARED_CHAPTERS.get(subject, subject)


def page(found: Sequence[Model]) -> str:
    """The text of docs/data-model.md."""
    parts = [INTRODUCTION]
    for subject, title in SUBJECTS.items():
        some = [m for m in found if m.subject == subject and m.schema.startswith("raw_vault")]
        parts.append(
            f"\n### {title}\n\n![{title}: tables and what they hang on](pictures/data-model-{subject}.svg)\n\n"
        )
        parts.append("| table | kind | one row per | fed by |\n|---|---|---|---|\n")
        parts.extend(_line(model) for model in some)
    for schema, title in (
        ("business_vault", "Business vault"),
        ("metrics_vault", "Metrics vault"),
        ("infomarts", "Infomarts"),
    ):
        parts.append(f"\n## {title}\n\n| table | one row per |\n|---|---|\n")
        parts.extend(f"| `{m.name}` | {_per(m)} |\n" for m in found if m.schema == schema)
    parts.append(_mapping())
    return "".join(parts)


def _per(model: Model) -> str:
    return escape(model.grain.removeprefix("One row per ").rstrip(".")).replace("|", "\\|")


def _line(model: Model) -> str:
    name = f"`{model.name}`" + (" (personal data)" if model.schema.endswith("_pii") else "")
    fed = ", ".join(model.sources[:3]) + (f" and {len(model.sources) - 3} more" if len(model.sources) > 3 else "")
    return f"| {name} | {model.kind} | {_per(model)} | {fed} |\n"


def tentative() -> list[dict[str, str]]:
    """Rows of docs/tentative-model.tsv: table, column, now (schema.table.column) or reason."""
    with TENTATIVE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _mapping() -> str:
    rows = tentative()
    lines = [
        "\n## Where the tentative model's columns live\n\n"
        "The project began with a tentative model of 73 tables. Each of its columns is in the table named here, under "
        "the same name unless another is given, or is not kept, for the reason given. The same as data: "
        "[tentative-model.tsv](tentative-model.tsv).\n\n| table | columns now |\n|---|---|\n"
    ]
    for table in dict.fromkeys(row["table"] for row in rows):
        lines.append(f"| `{table}` | {'; '.join(_moved([row for row in rows if row['table'] == table]))} |\n")
    return "".join(lines)


def _moved(rows: Sequence[Mapping[str, str]]) -> Iterator[str]:
    places: dict[str, list[str]] = {}
    for row in rows:
        if row["now"]:
            place, _, column = row["now"].rpartition(".")
            places.setdefault(f"`{place}`", []).append(
                row["column"] if row["column"] == column else f"{row['column']} as {column}"
            )
        else:
            places.setdefault(row["reason"].rstrip("."), []).append(row["column"])
    for place, columns in places.items():
        yield f"{place}: {', '.join(columns)}"


def picture(found: Sequence[Model], subject: str) -> str:
    """A diagram of a subject: hubs at the left, links in the middle, satellites beside what they hang on."""
    mine = [m for m in found if m.subject == subject and m.schema.startswith("raw_vault")]
    links = [m for m in mine if m.shape == "link"]
    parents = [*(m.parent for m in mine if m.shape == "satellite"), *(f"hub_{_hub(h)}" for m in links for h in m.hubs)]
    names = dict.fromkeys([*(m.name for m in mine if m.kind == "hub"), *(p for p in parents if p.startswith("hub_"))])
    hubs = [m for m in found if m.name in names]
    links += [m for m in found if m.name in parents and m not in links and m.shape == "link"]
    drawn = _Drawing(hubs, links, [m for m in mine if m.shape == "satellite"])
    return drawn.svg()


def overview(found: Sequence[Model]) -> str:
    """All hubs in a circle, and a line between two that a link joins."""
    hubs = sorted((m for m in found if m.kind == "hub"), key=lambda m: (list(SUBJECTS).index(m.subject), m.name))
    radius, middle = 330.0, (520.0, 380.0)
    at = {}
    for place, hub in enumerate(hubs):
        turn = 2 * math.pi * place / len(hubs) - math.pi / 2
        at[hub.name] = (middle[0] + radius * math.cos(turn) * 1.25, middle[1] + radius * math.sin(turn))
    joined: dict[tuple[str, ...], list[str]] = {}
    for link in found:
        ends = tuple(f"hub_{_hub(key)}" for key in link.hubs)
        if len(set(ends)) == 2:
            joined.setdefault(tuple(sorted(ends)), []).append(link.name)
    lines = [
        f'<path d="M{at[one][0]:.0f} {at[one][1]:.0f}L{at[other][0]:.0f} {at[other][1]:.0f}" '
        f'stroke-width="{1 + len(links) / 2:g}"><title>{escape(", ".join(links))}</title></path>'
        for (one, other), links in sorted(joined.items())
    ]
    boxes = [
        f'<rect x="{x - 75:.0f}" y="{y - 14:.0f}" width="150" height="28" rx="14" fill="#ffffff" stroke="#1f6feb" '
        f'stroke-width="1.6"/><text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle">{escape(name)}</text>'
        for name, (x, y) in at.items()
    ]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1040 760" width="1040" '
        'font-family="ui-monospace, Consolas, monospace" font-size="12" fill="#1f2328">\n'
        '<rect width="100%" height="100%" fill="#f6f8fa"/>\n<g fill="none" stroke="#2da44e" stroke-opacity="0.55">\n'
        + "\n".join(lines)
        + "\n</g>\n"
        + "\n".join(boxes)
        + "\n</svg>\n"
    )


def _hub(key: str) -> str:
    name = key.removesuffix("_hk")
    roles = {
        "author": "user", "committer": "user", "assignee": "user", "reviewer": "user", "merged_by": "user",
        "actor": "user", "creator": "user", "owner": "user", "fork_repo": "repo", "head_repo": "repo",
        "reviewer_team": "team", "parent_team": "team",
    }  # fmt: skip
    return roles.get(name, name)


class _Drawing:
    """Three columns of boxes. Rows are given to satellites first; who they hang on stands beside the first of them."""

    def __init__(self, hubs: Sequence[Model], links: Sequence[Model], satellites: Sequence[Model]) -> None:
        self.rows = 0
        self.boxes: list[str] = []
        self.lines: list[str] = []
        self.at: dict[str, tuple[float, float]] = {}
        self.colour = {hub.name: _OF_HUBS[place % len(_OF_HUBS)] for place, hub in enumerate(hubs)}
        hung: dict[str, list[Model]] = {}
        for satellite in satellites:
            hung.setdefault(satellite.parent, []).append(satellite)
        for link in links:
            self._block(link, 1, hung.get(link.name, []))
        below = max(self.rows, 1)
        self.rows = 0
        free = [hub for hub in hubs if hung.get(hub.name)]
        top = below if links and free else 0
        for place, hub in enumerate([h for h in hubs if h not in free]):
            self._box(hub, 0, place * max(1.0, below / max(1, len(hubs) - len(free))))
        self.rows = top
        for hub in free:
            self._block(hub, 0, hung[hub.name])
        self.height = max(self.rows, below) * (_ROW + 8) + 2 * _MARGIN
        for link in links:
            for key in link.hubs:
                self._join(f"hub_{_hub(key)}", link.name)

    def _block(self, owner: Model, column: int, satellites: Sequence[Model]) -> None:
        first = self.rows
        for satellite in satellites:
            self._box(satellite, 2, self.rows)
            self.rows += 1
        self.rows = max(self.rows, first + 1)
        self._box(owner, column, first)
        for satellite in satellites:
            self._join(owner.name, satellite.name)

    def _box(self, model: Model, column: int, row: float) -> None:
        x, y = _MARGIN + column * (_BOX + _GAP), _MARGIN + row * (_ROW + 8)
        self.at[model.name] = (x, y)
        colour = self.colour.get(model.name, _COLOURS[model.shape])
        radius = {"hub": 13, "link": 4, "satellite": 0}[model.shape]
        dash = ' stroke-dasharray="4 2"' if model.schema.endswith("_pii") else ""
        self.boxes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{_BOX}" height="{_ROW}" rx="{radius}" fill="#ffffff" '
            f'stroke="{colour}" stroke-width="1.6"{dash}/>'
            f'<text x="{x + 10:g}" y="{y + 17:g}">{escape(model.name)}</text>'
        )

    def _join(self, one: str, other: str) -> None:
        if one not in self.at or other not in self.at:
            return
        (x1, y1), (x2, y2) = self.at[one], self.at[other]
        x1, y1, y2 = x1 + _BOX, y1 + _ROW / 2, y2 + _ROW / 2
        half = (x1 + x2) / 2
        colour = self.colour.get(one, "#8c959f")
        self.lines.append(f'<path stroke="{colour}" d="M{x1:g} {y1:g}C{half:g} {y1:g} {half:g} {y2:g} {x2:g} {y2:g}"/>')

    def svg(self) -> str:
        """The picture as text; white behind the boxes, so that it reads on dark pages, too."""
        width = 3 * _BOX + 2 * _GAP + 2 * _MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {self.height:g}" width="{width}" '
            'font-family="ui-monospace, Consolas, monospace" font-size="12" fill="#1f2328">\n'
            f'<rect width="100%" height="100%" fill="#f6f8fa"/>\n<g fill="none">'
            + "\n".join(self.lines)
            + "</g>\n"
            + "\n".join(self.boxes)
            + "\n</svg>\n"
        )


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    found = models()
    made: dict[Path, Any] = {PAGE: page(found), PICTURES / "data-model.svg": overview(found)}
    for subject in SUBJECTS:
        if _is_drawn(found, subject):
            made[PICTURES / f"data-model-{subject}.svg"] = picture(found, subject)
    return made


def _is_drawn(found: Sequence[Model], subject: str) -> bool:
    return any(m.subject == subject and m.kind != "reference" for m in found)


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
