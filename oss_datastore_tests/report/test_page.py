"""What the page says to whom, what it says where data is missing, and that strangers' text stays text."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from types import SimpleNamespace

import pandas as pd  # type: ignore[import-untyped]
import pytest

from oss_datastore.report import Audience, SqlMarts, build_report
from oss_datastore.report.dashboards import NotDeclarable, dashboard, parse
from oss_datastore.report.marts import Seen
from oss_datastore.report.periods import _change
from oss_datastore.report.sentences import first_screen
from oss_datastore.report.waiting import promise
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.infomarts.world import World
from oss_datastore_tests.report.organisation import LAST, NASTY, organisation
from oss_datastore_tests.report.reading import Page

Pages = Callable[[str], str]


def specifications(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="specifications">(.*?)</script>', page, re.S)
    assert found
    plain: dict[str, object] = json.loads(found[1])
    return plain


def test_text_of_strangers_makes_no_element(page: Pages) -> None:
    for audience in Audience:
        text = page(audience)
        read = Page(text)
        assert not [tag for tag, attributes in read.tags if tag == "img" or any(a.startswith("on") for a in attributes)]
        assert [tag for tag, _ in read.tags].count("script") == 4
        assert NASTY not in text
        assert any(NASTY in cell for table in read.tables.values() for row in table for cell in row)


def test_an_address_that_is_a_program_is_no_link(page: Pages) -> None:
    addresses = [a["href"] for tag, a in Page(page("internal")).tags if tag == "a"]
    assert "http://127.0.0.1:3000/queue" in addresses
    assert not [a for a in addresses if a is None or a.startswith("javascript")]


def test_the_public_page_has_nothing_of_people_security_or_private_repositories(page: Pages) -> None:
    text = page("public")
    read = Page(text)
    assert not {"access", "security", "access_by_role", "alerts_open", "alerts_due"} & read.ids
    for word in ("person-", "dependabot", "outside_collaborators", "critical", "secret-plans", "renovate", "guest-"):
        assert word not in re.sub(r"<script>.*?</script>", "", text, flags=re.S), word
    assert "cli" in read.table("stars_by_repository")


def test_two_factor_state_and_open_alerts_are_for_security_only(page: Pages) -> None:
    internal, security = Page(page("internal")), Page(page("security"))
    assert {"two_factor", "open_alerts"} <= security.ids
    assert not {"two_factor", "open_alerts"} & internal.ids
    assert "jackson-databind" in page("security")
    assert "jackson-databind" not in page("internal")
    assert "wo-factor" not in re.sub(r"<script>.*?</script>", "", page("internal"), flags=re.S)


def test_what_is_missing_is_said_in_the_section_it_misleads(page: Pages) -> None:
    text = page("internal")
    sections = dict(re.findall(r'<section class="part" id="(\w+)"(.*?)</section>', text, re.S))
    assert "traffic views and traffic clones, each 1 of 12 scopes (1 failed)" in sections["traffic"]
    assert "issue comments, 1 of 12 scopes (1 pending)" in sections["conversations"]
    assert "members, 1 of 1 scope (1 partial)" in sections["access"]
    assert 'class="notice"' not in sections["popularity"]


def test_a_line_breaks_where_a_day_was_not_observed(page: Pages) -> None:
    stars = specifications(page("internal"))["stars"]
    assert isinstance(stars, dict)
    gap = [v["d"] for v in stars["data"]["values"] if v["v"] is None]
    assert gap == ["2026-11-02"]
    assert "1 day without data: the line is broken there." in page("internal")


def test_every_chart_has_its_table_and_every_link_its_place(page: Pages) -> None:
    read = Page(page("internal"))
    assert set(specifications(page("internal"))) <= set(read.tables)
    targets = [str(a["href"])[1:] for tag, a in read.tags if tag == "a" and str(a.get("href")).startswith("#")]
    assert set(targets) <= read.ids


def test_no_percentage_of_a_handful(mart_sql: dict[str, str]) -> None:
    marts = Marts(mart_sql, organisation(days=10, repositories=2))
    for name in mart_sql:
        marts.build(name)
    text = build_report(SqlMarts(marts.connection.cursor))
    waiting = re.search(r"Waiting for us</a></dt>\s*<dd>(.*?)</dd>", text, re.S)
    assert waiting
    assert "%" not in waiting[1]
    assert re.search(r"of <a href=.#answers_due.><b[^>]*>\d+</b></a> due in the last 28 days", waiting[1])


def test_an_empty_warehouse_gives_a_page_that_says_so(mart_sql: dict[str, str]) -> None:
    marts = Marts(mart_sql, World())
    for name in mart_sql:
        marts.build(name)
    for audience in Audience:
        assert "No day has been loaded yet." in build_report(SqlMarts(marts.connection.cursor), audience=audience)


def test_many_repositories_and_months_stay_small_and_quick(mart_sql: dict[str, str]) -> None:
    """A quarter of what `benchmarks.report` measures against 20 seconds and 3 MB."""
    marts = Marts(mart_sql, organisation(days=90, repositories=50))
    for name in mart_sql:
        marts.build(name)
    begun = time.process_time()
    text = build_report(SqlMarts(marts.connection.cursor), audience=Audience.security)
    assert time.process_time() - begun < 10
    assert len(text.encode()) < 2_000_000


def test_no_other_mart_can_be_read(marts: Marts) -> None:
    with pytest.raises(KeyError, match="no mart is called"):
        SqlMarts(marts.connection.cursor).read("x; drop table y")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mart": "nothing"}, "visual stars: there is no mart nothing"),
        ({"section": "nowhere"}, "visual stars: there is no section nowhere"),
        ({"chart": "pie"}, "visual stars: a chart is one of"),
        ({"colour": "red"}, "visual stars: .*colour"),
    ],
)
def test_a_wrong_declaration_names_the_visual(change: dict[str, str], message: str) -> None:
    visual = {
        "id": "stars",
        "section": "s",
        "title": "Stars",
        "definition": "Stars.",
        "mart": "repo_popularity_daily",
        "chart": "line",
        "dimension": {"field": "day", "label": "Day"},
        "measures": [{"field": "stargazers_count", "label": "Stars"}],
    }
    section = {"id": "s", "title": "S", "audience": "public", "datasets": []}
    with pytest.raises(NotDeclarable, match=message):
        parse({"sections": [section], "visuals": [visual | change]})


def test_a_share_stands_only_beside_what_is_large_enough_and_compared_over_all(marts: Marts) -> None:
    def row(**values: object) -> SimpleNamespace:
        usual = {"delta": 5, "previous": 20, "change_ratio": 0.25, "is_comparable": True}
        return SimpleNamespace(**(usual | values))

    assert _change(row()) == "+5 (+25 %)"
    assert _change(row(is_comparable=False)) == "+5"
    assert _change(row(change_ratio=None)) == "+5"
    assert _change(row(change_ratio=0.004)) == "+5"
    assert _change(row(delta=None, change_ratio=None)) is None
    shown = "select count(*) from infomarts.metric_period where change_ratio is not null and previous < 20"
    assert marts.connection.execute(shown).fetchall() == [(0,)]


def test_a_period_without_one_before_is_compared_with_nothing(page: Pages, marts: Marts) -> None:
    header, *rows = Page(page("internal")).tables["period_month"]
    compared = "select max(n_compared) from infomarts.metric_period where period = 'month'"
    assert marts.connection.execute(compared).fetchall() == [(0,)]
    assert header == ["Metric", "Value", "Repositories"]
    assert rows
    assert "The month before is not known whole of any: nothing to compare with." in page("internal")


def test_nothing_is_added_that_does_not_add_up() -> None:
    """Medians, percentiles, shares and uniques are shown one by one or not at all."""
    alone = re.compile("median|p90|ratio|uniques")
    for visual in dashboard().visuals:
        for measure in visual.measures:
            assert measure.aggregate == "last" or not alone.search(measure.field), visual.id


def test_people_are_listed_for_action_and_never_ranked(page: Pages) -> None:
    """No chart is drawn by person, and no list of people has a number by which one could be sorted."""
    for visual in dashboard().visuals:
        assert not {visual.dimension.field, visual.series.field if visual.series else ""} & {"login", "user_id"}
    of_people = {
        ident: header
        for ident, [header, *_] in Page(page("security")).tables.items()
        if {"Person", "Who"} & set(header)
    }
    assert {"first_timers", "new_access", "leavers", "owners", "two_factor", "access_changes"} <= set(of_people)
    for ident in of_people:
        table = re.search(rf'<table data-table="{ident}">.*?</thead>', page("security"), re.S)
        assert table
        assert 'class="n"' not in table[0], ident


def test_who_seems_new_is_not_called_so_where_the_past_was_not_read(marts: Marts) -> None:
    class HalfRead(Seen):
        def read(self, mart: str) -> pd.DataFrame:
            rows = super().read(mart)
            return rows.assign(is_history_complete=False) if "is_history_complete" in rows else rows

    of = SqlMarts(marts.connection.cursor), Audience.security
    said = {
        kind: next(str(sentence.text) for sentence in first_screen(kind(*of)) if sentence.heading == "People")
        for kind in (Seen, HalfRead)
    }
    assert "merged again within 90 days" in said[Seen]
    assert "Some may not be new" not in said[Seen]
    assert "Some may not be new: of acme not all has been read yet." in said[HalfRead]
    assert "merged again within 90 days" not in said[HalfRead]


@pytest.mark.parametrize(
    ("since", "due", "told"),
    [
        ("2026-11-18T10:00", "2026-11-20T10:00", "2-day promise"),
        ("2026-11-20T10:00", "2026-11-24T10:00", "2-day promise"),
        ("2026-11-21T09:00", "2026-11-25T00:00", "2-day promise"),
        ("2026-11-16T10:00", "2026-11-23T10:00", "5-day promise"),
    ],
    ids=["within a week", "over a weekend", "from a Saturday", "of a week"],
)
def test_a_promise_is_named_by_its_business_days(since: str, due: str, told: str) -> None:
    waiting = pd.DataFrame({"waiting_since": [pd.Timestamp(since)], "waiting_due_at": [pd.Timestamp(due)]})
    assert promise(SimpleNamespace(read=lambda mart: waiting)) == told  # type: ignore[arg-type]
    assert promise(SimpleNamespace(read=lambda mart: waiting.iloc[0:0])) == "promise"  # type: ignore[arg-type]


def test_the_first_screen_names_the_promise_of_the_settings(page: Pages) -> None:
    assert "exceed our 2-day promise; oldest: " in page("internal")


def test_a_dataset_that_is_asked_weekly_lacks_nothing_in_between(marts: Marts) -> None:
    """Statistics were whole six days before the last; webhooks were never had, and are missing each day."""
    days = pd.date_range(end=pd.Timestamp(LAST), periods=8)
    usual = SqlMarts(marts.connection.cursor).read("data_quality_daily")
    of = {"statistics_contributors": [0, 1, 0, 0, 0, 0, 0, 0], "webhooks": [0] * 8}
    rows = [
        usual.iloc[0].to_dict()
        | {"dataset": name, "day": day.date(), "scopes_planned": planned, "is_whole": bool(planned)}
        for name, counts in of.items()
        for day, planned in zip(days, counts, strict=True)
    ]
    source = SimpleNamespace(read=lambda mart: pd.DataFrame(rows))
    seen = Seen(source, Audience.internal).read("data_quality_daily")  # type: ignore[arg-type]
    lacking = seen[~seen["is_whole"]].groupby("dataset")["day"].agg(list).to_dict()
    assert lacking == {
        "statistics_contributors": [days[0].date()],
        "webhooks": [day.date() for day in days],
    }
