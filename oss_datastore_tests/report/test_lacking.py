"""A day with troubles the real way, from a GitHub that fails to the page: each is said where it would mislead.

Of three repositories and three days, the first day came whole and nobody fetched on the second; on the third, traffic
and issues of one repository failed, alerts of another were refused, and so was the list of members.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.report import Audience, SqlMarts, build_report
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.parsed import parsed_home
from oss_datastore_tests.recorded.homes import environment
from oss_datastore_tests.recorded.loading import load_windows
from oss_datastore_tests.report.reading import Page
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, fetch_all, fetcher

FIRST = DAY - timedelta(days=2)
FAILING, REFUSING = "lantern", "tidepool"
TROUBLES = ",".join(
    f"{trouble}=1:sticky"
    for trouble in (
        f"server_error@/repos/acme/{FAILING}/traffic/*",
        f"server_error@/repos/acme/{FAILING}/issues*",
        "forbidden@/orgs/acme/dependabot/alerts",
        f"forbidden@/repos/acme/{REFUSING}/dependabot/alerts",
        "server_error@/graphql/Members*",
        "server_error@/orgs/acme/members",
    )
)


@dataclass(frozen=True)
class Told:
    """The page of everything, and the marts it was made of."""

    text: str
    warehouse: Path

    @property
    def page(self) -> Page:
        return Page(self.text)

    def sentence(self, heading: str) -> str:
        found = re.search(rf">{heading}</a></dt>\s*<dd>(.*?)</dd>", self.text, re.S)
        assert found, heading
        return re.sub("<.*?>", "", found[1])

    def notes(self, visual: str) -> str:
        found = re.search(rf'<figure id="{visual}"(.*?)</figure>', self.text, re.S)
        assert found, visual
        return " ".join(re.findall(r'<p class="n\w+">(.*?)</p>', found[1]))

    def notices(self, section: str) -> str:
        found = re.search(rf'<section class="part" id="{section}"(.*?)</section>', self.text, re.S)
        assert found, section
        return " ".join(re.findall(r'<p class="notice">(.*?)</p>', found[1]))

    def drawn(self, visual: str) -> list[dict[str, Any]]:
        found = re.search(r'id="specifications">(.*?)</script>', self.text, re.S)
        assert found
        values: list[dict[str, Any]] = json.loads(found[1])[visual]["data"]["values"]
        return values

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, postgres: EmbeddedPostgres) -> Told:
    home = parsed_home(tmp_path_factory.mktemp("lacking") / "home")
    queue = postgres.ensure_database("lacking")
    with (
        Simulator(repos=3, now=after(FIRST), limits=PLENTY) as github,
        environment(home, github.url, "acme", queue, OSS_DATASTORE_NOW=after(DAY).isoformat()),
    ):
        _live(home, github)
        load_windows([(FIRST, DAY)], list(ANSWER_SETS), checks=False)
    warehouse = home / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return Told(build_report(SqlMarts(connection.cursor), audience=Audience.security), warehouse)


def _live(home: Path, github: Simulator) -> None:
    """The first day is fetched after its close; both others after the last one's, while GitHub is in trouble."""
    letters = MemoryLetters()
    whole = fetcher(github, home / "store", letters, now=after(FIRST))
    fetch_all(whole, FIRST)
    assert letters.failures == {}
    github.set_now(after(DAY))
    github.set_faults(TROUBLES)
    troubled = fetcher(github, home / "store", letters, now=after(DAY))
    for name in ANSWER_SETS:
        for day in (FIRST, FIRST + timedelta(days=1), DAY):
            troubled.fetch(name, day)
    assert letters.failures != {}


def test_the_first_sentence_says_what_is_whole_and_until_when_the_rest_can_be_had(told: Told) -> None:
    trust = told.sentence("Trust")
    assert "counts and traffic of 2 of 3 repositories are complete" in trust
    assert "1 lacks traffic since 13 Oct; retry before 26 Oct or the first of these days is lost" in trust
    assert "Not whole that day: dependabot alerts, issue comments, issue events, issues, members" in trust


def test_a_day_nobody_fetched_breaks_the_line_and_is_in_no_sum(told: Told) -> None:
    missing = [value["d"] for value in told.drawn("stars") if value["v"] is None]
    assert missing == [(DAY - timedelta(days=1)).isoformat()]
    assert "1 day without data: the line is broken there." in told.notes("stars")
    assert "Nothing to draw" in told.notes("stars_by_repository")
    assert {row["Days counted"] for row in told.page.table("repositories").values()} == {"0 of 28"}
    assert told.sentence("Grew") == "No two comparable weeks have been observed yet."


def test_traffic_that_failed_is_a_gap_of_its_repository_and_the_sums_say_how_many_days_they_have(told: Told) -> None:
    rows = told.page.table("traffic_by_repository")
    assert {name: row["Days counted"] for name, row in rows.items()} == {
        FAILING: "12 of 14",
        REFUSING: "14 of 14",
        "gantry-cli": "14 of 14",
    }
    [(views,)] = told.ask(
        f"""select sum(views_count) from infomarts.repo_traffic_daily
        where full_name = 'acme/{FAILING}' and is_final and traffic_date > date '{DAY}' - 14"""
    )
    assert rows[FAILING]["Views"] == f"{views:,}"
    assert "Like for like over 2 of 3 repositories" in told.notes("views")
    others = told.ask(
        f"""select cast(traffic_date as varchar), sum(views_count) from infomarts.repo_traffic_daily
        where full_name <> 'acme/{FAILING}' and is_final group by 1"""
    )
    assert {v["d"]: v["v"] for v in told.drawn("views") if v["s"] == "Views"} == dict(others)
    assert "traffic views" in told.notices("traffic")
    assert told.page.table("losing").keys() == {FAILING}


def test_what_was_refused_is_unknown_and_never_none(told: Told) -> None:
    assert "Dependabot is unknown in 1 of 3 repositories." in told.sentence("At risk")
    assert "1 forbidden" in told.notices("security")
    assert "Like for like over 2 of 3 repositories" in told.notes("alerts_open")
    sums = told.ask(
        f"""select cast(day as varchar), sum(open_critical) from infomarts.security_alerts_daily
        where alert_kind = 'dependabot' and full_name <> 'acme/{REFUSING}' group by 1"""
    )
    assert {v["d"]: v["v"] for v in told.drawn("alerts_open") if v["s"] == "Critical"} == dict(sums)


def test_the_sentence_on_what_waits_names_the_repository_it_does_not_cover(told: Told) -> None:
    waiting = told.sentence("Waiting for us")
    assert f"1 of 3 repositories has not been read to the end: {FAILING}" in waiting
    [(due,)] = told.ask(
        f"""select count(*) from infomarts.pull_request_attention where author_kind = 'community'
        and due_at >= date '{DAY}' - 27 and due_at < date '{DAY}' + 1 and full_name <> 'acme/{FAILING}'"""
    )
    assert f"of {due} due in the last 28 days" in waiting or not due
    assert "issues" in told.notices("conversations")


def test_the_sentence_on_access_says_since_when_members_are_unknown(told: Told) -> None:
    access = told.sentence("Access")
    assert re.search(r"acme: members unknown since 1[34] Oct, the list did not come \(\w+\)", access)
    assert "as last seen" in access
    assert "leaver" not in access
    assert "members" in told.notices("access")


def test_no_period_is_compared_with_one_that_is_not_whole(told: Told) -> None:
    compared = told.ask("select count(*) from infomarts.metric_period where n_compared = 0 and delta is not null")
    assert compared == [(0,)]
    for ident in ("period_week", "period_month", "period_quarter"):
        if ident in told.page.tables:
            header = told.page.tables[ident][0]
            [(pairs,)] = told.ask(
                f"""select max(n_compared) from infomarts.metric_period
                where scope_kind = 'organization' and period = '{ident.removeprefix("period_")}'"""
            )
            assert ("Change" in header) == bool(pairs)


def test_every_trouble_is_in_the_list_of_what_is_missing(told: Told) -> None:
    states: dict[str, list[str]] = {}
    for dataset, _, state, *_ in told.page.tables["lacking"][1:]:
        states.setdefault(dataset, []).append(state)
    assert states["members"][0] == "failed"
    assert states["dependabot alerts"][0] in ("partial", "forbidden")
    assert {"traffic views", "issues", "repositories"} <= set(states)
