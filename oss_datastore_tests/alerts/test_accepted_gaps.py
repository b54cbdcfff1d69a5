"""Accepted gaps: what they cover, and which file counts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from oss_datastore.accepted_gaps import AcceptedGap, accepted_gaps, accepting
from oss_datastore.staging.ledger import State
from oss_datastore_tests.alerts.conftest import DAY, Watch, entry

NEXT = DAY + timedelta(days=1)


@pytest.mark.parametrize(
    ("dataset", "scope", "day", "covered"),
    [
        ("traffic_views", "github.com/repository/31", date(2026, 10, 14), True),
        ("traffic_views", "github.com/repository/31", date(2026, 10, 15), False),
        ("traffic_views", "github.com/repository/311", date(2026, 10, 14), False),
        ("traffic_views", "githubXcom/repository/31", date(2026, 10, 14), False),
        ("a_traffic_views", "github.com/repository/31", date(2026, 10, 14), False),
    ],
)
def test_a_gap_covers_what_its_globs_name_up_to_its_end(dataset: str, scope: str, day: date, covered: bool) -> None:
    gap = AcceptedGap("traffic_*", "github.com/repository/3?", "no rights", "ada", date(2026, 10, 15))
    assert (accepting([gap], dataset, scope, day) is gap) is covered


def test_the_newest_file_counts(watch: Watch) -> None:
    watch.accept(DAY, ("members", "*", "2026-12-01"))
    watch.accept(NEXT, ("teams", "*", "2026-12-01"))
    assert [gap.dataset for gap in accepted_gaps(watch.staging, NEXT)] == ["teams"]
    assert [gap.dataset for gap in accepted_gaps(watch.staging, DAY)] == ["members"]


def test_a_file_that_could_not_be_read_ends_nothing_and_one_that_is_gone_ends_all(watch: Watch) -> None:
    watch.accept(DAY, ("members", "*", "2026-12-01"))
    watch.stage(entry("accepted_gaps", "file/1", State.failed, day=NEXT))
    assert [gap.dataset for gap in accepted_gaps(watch.staging, NEXT)] == ["members"]
    watch.stage(entry("accepted_gaps", "file/1", State.disabled, day=NEXT + timedelta(days=1)))
    assert accepted_gaps(watch.staging, NEXT + timedelta(days=1)) == ()
