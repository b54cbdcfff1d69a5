"""Each declared visual, drawn by itself from real rows; a declaration that fits no mart is refused by its name."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import vl_convert

from oss_datastore.report import Audience, SqlMarts
from oss_datastore.report.charts import key_of, specification
from oss_datastore.report.dashboards import NotDeclarable, Visual, dashboard
from oss_datastore.report.frames import gather
from oss_datastore.report.marts import Seen
from oss_datastore_tests.infomarts.marts import Marts

VISUALS = {visual.id: visual for visual in dashboard().visuals}


@pytest.fixture(scope="module")
def seen(marts: Marts) -> Seen:
    return Seen(SqlMarts(marts.connection.cursor), Audience.security)


@pytest.mark.parametrize("visual", VISUALS.values(), ids=VISUALS)
def test_it_is_drawn_from_the_rows_of_its_mart(seen: Seen, visual: Visual) -> None:
    gathered = gather(visual, seen)
    assert not gathered.is_empty
    plain = json.dumps(specification(visual, gathered))
    colours = {f"@{name}@" for _, name in key_of(visual, gathered)}
    assert all(colour in plain for colour in colours)
    drawn = vl_convert.vegalite_to_svg(json.loads(re.sub("@[a-z0-9-]+@", "#123456", plain)) | {"width": 600})
    marks = re.findall(r'aria-roledescription="(?:bar|rect mark|point|line mark|symbol mark|area mark)[^"]*"', drawn)
    assert len(marks) >= min(2, int(gathered.rows["value"].notna().sum())), drawn[:2000]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"dimension": replace(VISUALS["stars"].dimension, field="weekday")}, "weekday"),
        ({"measures": (replace(VISUALS["stars"].measures[0], field="stars"),)}, "stars"),
        ({"where": {"is_mirror": (True,)}}, "is_mirror"),
        ({"days": ("date", 7)}, "date"),
        ({"newest": "as_of"}, "as_of"),
        ({"whole_when": "missing"}, "missing"),
        ({"series": replace(VISUALS["referrers"].series, field="site")}, "site"),
    ],
)
def test_a_column_that_is_not_there_is_named_with_its_visual(
    seen: Seen, change: dict[str, object], column: str
) -> None:
    wrong = replace(VISUALS["stars"], **change)  # type: ignore[arg-type]
    with pytest.raises(NotDeclarable, match=f"visual stars: the mart repo_popularity_daily has no column {column}"):
        gather(wrong, seen)
