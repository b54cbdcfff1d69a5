"""What a day costs: an idle repository nothing but its traffic, a busy one a few lists more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import LedgerEntry
from oss_datastore_tests.staging.fetching import DAY, PLENTY, after, entries, fetch_all, fetcher

REPOSITORIES = 20
NEXT = DAY + timedelta(days=1)
BUSY = NEXT + timedelta(days=1)
TRAFFIC = ("/traffic/views", "/traffic/clones", "/traffic/popular/referrers", "/traffic/popular/paths")
CHANGED = ("issues", "pull_requests")


@dataclass(frozen=True)
class Asked:
    """What was asked on a day, and the ledger's entries of it."""

    paths: list[str]
    ledger: list[LedgerEntry]

    @property
    def of_repositories(self) -> list[str]:
        """What was asked about one repository by itself."""
        return [path for path in self.paths if path.startswith(("/repos/", "/repositories/"))]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Asked]:
    """Two idle days, and one on which twenty issues and ten pull requests are opened in one repository."""
    folder, found = tmp_path_factory.mktemp("cost"), {}
    change = f"acme/tidepool busy 20 10 on {BUSY}"
    with Simulator(repos=REPOSITORIES, now=after(DAY), idle=True, changes=(change,), limits=PLENTY) as github:
        for day in (DAY, NEXT, BUSY):
            github.set_now(after(day))
            github.application.log.clear()
            fetch = fetcher(github, folder, now=after(day))
            fetch_all(fetch, day)
            paths = [entry.target.partition("?")[0] for entry in github.log]
            found[day] = Asked(paths, entries(fetch.staging, day))
    return found


def test_an_idle_repository_is_asked_for_nothing_but_its_traffic(days: dict[date, Asked]) -> None:
    asked = days[NEXT].of_repositories
    assert len(asked) == len(TRAFFIC) * REPOSITORIES
    assert all(path.endswith(TRAFFIC) for path in asked)


def test_what_a_hundred_idle_repositories_share_is_less_than_a_request_and_half_a_point_each(
    days: dict[date, Asked],
) -> None:
    shared = len(days[NEXT].paths) - len(days[NEXT].of_repositories)
    assert shared < 100
    assert sum(entry.points for entry in days[NEXT].ledger) < 50


def test_a_busy_repository_is_asked_for_its_traffic_and_four_lists(days: dict[date, Asked]) -> None:
    asked = {path for path in days[BUSY].of_repositories if "/tidepool/" in path and "/stats/" not in path}
    rows = {dataset: [e for e in days[BUSY].ledger if e.dataset == dataset and e.rows] for dataset in CHANGED}
    assert [entry.rows for entry in rows["issues"]] == [30]
    assert rows["pull_requests"][0].rows >= 10
    assert rows["pull_requests"][0].requests == 1
    lists = {path.removeprefix("/repos/acme/tidepool") for path in asked} - set(TRAFFIC)
    # A pull request was merged: the default branch moved, and with it, perhaps, what the repository depends on.
    assert lists == {"/issues", "/issues/comments", "/issues/events", "/dependency-graph/sbom"}


def test_the_ledger_holds_every_request_of_a_day_but_those_of_the_run_itself(days: dict[date, Asked]) -> None:
    paths = days[NEXT].paths
    of_the_run = [path for path in paths if path.startswith(("/user/memberships/", "/rate_limit"))]
    is_graphql_there = 1
    assert sum(entry.requests for entry in days[NEXT].ledger) == len(paths) - len(of_the_run) - is_graphql_there
