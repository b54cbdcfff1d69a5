"""Whom the page tells what: whatever an audience may not know changes nothing in its file, drawn or hidden.

Each test makes a page twice, the second time from marts in which the secret is another one. Where both files are equal
to the letter, nothing of it is in any sentence, table, chart or embedded number.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from oss_datastore.report import Audience, SqlMarts, build_report
from oss_datastore.report.dashboards import dashboard
from oss_datastore.report.marts import PUBLIC_DATASETS
from oss_datastore_tests.infomarts.marts import Marts

Change = Callable[[str, pd.DataFrame], pd.DataFrame]
MARKER = "planted"
PEOPLE = ("login", "author_login", "assignees", "awaited_reviewers", "reviewer", "team", "team_paths", "owner")
OPEN_ALERTS = ("subject", "package_name", "advisory_summary", "ghsa_id", "cve_id", "manifest_path")
INSIDE = (
    "user_access_current",
    "user_access_changes",
    "access_review",
    "security_alerts_current",
    "security_alerts_daily",
    "security_sla",
    "security_remediation",
    "security_coverage_daily",
    "contributors",
    "contributor_funnel",
    "repo_health_current",
    "org_overview",
    "metric_period",
)


class Otherwise:
    """The marts, each changed after it was read."""

    def __init__(self, marts: Marts, *changes: Change) -> None:
        self.source = SqlMarts(marts.connection.cursor)
        self.changes = changes

    def read(self, mart: str) -> pd.DataFrame:
        frame = self.source.read(mart)
        for change in self.changes:
            frame = change(mart, frame.copy())
        return frame


def no_private_repositories(mart: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["visibility"] != "private"] if "visibility" in frame.columns else frame


def other_names(*columns: str) -> Change:
    def change(mart: str, frame: pd.DataFrame) -> pd.DataFrame:
        for column in columns:
            if column in frame.columns:
                frame[column] = frame[column].where(frame[column].isna(), MARKER)
        return frame

    return change


def other_second_factors(mart: str, frame: pd.DataFrame) -> pd.DataFrame:
    if "two_factor_enabled" in frame.columns:
        frame["two_factor_enabled"] = False
    return frame


def nobody_inside(mart: str, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[0:0] if mart in INSIDE else frame


def more_scopes(mart: str, frame: pd.DataFrame) -> pd.DataFrame:
    if mart == "data_quality_daily":
        for column in [c for c in frame.columns if c.startswith("scopes_")]:
            frame[column] *= 2
    return frame


def report(marts: Marts, audience: str, *changes: Change) -> str:
    return build_report(Otherwise(marts, *changes), audience=audience)


@pytest.fixture(scope="module")
def plain(marts: Marts) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def of(audience: str) -> str:
        if audience not in made:
            made[audience] = report(marts, audience)
        return made[audience]

    return of


def test_the_public_page_knows_neither_private_repositories_nor_how_many_there_are(
    marts: Marts, plain: Callable[[str], str]
) -> None:
    assert report(marts, "public", no_private_repositories, more_scopes) == plain("public")


def test_the_public_page_names_nobody_and_knows_nothing_of_access_and_security(
    marts: Marts, plain: Callable[[str], str]
) -> None:
    assert report(marts, "public", other_names(*PEOPLE, *OPEN_ALERTS), nobody_inside) == plain("public")


def test_the_internal_page_knows_neither_what_alerts_are_about_nor_second_factors(
    marts: Marts, plain: Callable[[str], str]
) -> None:
    assert report(marts, "internal", other_names(*OPEN_ALERTS), other_second_factors) == plain("internal")


def test_whoever_may_know_is_told(marts: Marts, plain: Callable[[str], str]) -> None:
    """That the tests above could fail: each secret does stand on the page of those who may read it."""
    security = report(marts, "security", other_names(*OPEN_ALERTS), other_second_factors)
    assert MARKER in security
    assert MARKER not in plain("security")
    assert "Members without two-factor authentication" in security
    assert report(marts, "internal", no_private_repositories, more_scopes) != plain("internal")
    assert MARKER in report(marts, "internal", other_names(*PEOPLE))


def test_the_public_reads_of_no_datasets_but_those_of_its_sections() -> None:
    public = [section for section in dashboard().sections if section.audience is Audience.public]
    assert set(PUBLIC_DATASETS) == {name for section in public for name in section.datasets}


def test_nothing_of_drafts_of_advisories_reaches_a_mart_of_the_page(mart_sql: dict[str, str]) -> None:
    assert [name for name, sql in mart_sql.items() if "sat_repository_advisory" in sql] == []
