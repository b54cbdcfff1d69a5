"""Names pass from one to another, numbers stay: what is renamed, transferred or founded anew keeps its own rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.ledger import State
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, MemoryWarehouse, after, fetcher

NEXT = DAY + timedelta(days=1)
CHANGES = (
    f"acme/tidepool renamed lagoon on {NEXT}",
    f"acme/lantern transferred globex/beaconry on {NEXT}",
    f"acme/gantry-cli deleted on {NEXT}",
    f"acme/gantry-cli created on {NEXT}T15:00",
)
"""What happens to three repositories on the day after the first; one name is another's before the day is over."""


@pytest.fixture(scope="module")
def moving() -> Iterator[Simulator]:
    with Simulator(orgs=("acme", "globex"), repos=3, now=after(DAY), limits=PLENTY, changes=CHANGES) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def days(moving: Simulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Fetcher, dict[date, dict[str, Any]]]:
    """The day before the changes and the day of them, fetched in their order; their inventories by full name."""
    folder: Path = tmp_path_factory.mktemp("identity")
    found = {}
    for day in (DAY, NEXT):
        fetch = at(moving, folder, day)
        for name in ("organizations", "repositories", "issues", "repository_shelf", "traffic_views"):
            fetch.fetch(name, day)
        found[day] = {row["full_name"]: row for row in rows(fetch, "repositories", day)}
    return fetch, found


def at(simulator: Simulator, folder: Path, day: date, now: date | None = None) -> Fetcher:
    moment = after(now or day)
    simulator.set_now(moment)
    return fetcher(simulator, folder, now=moment, organizations=("acme", "globex"))


def rows(fetch: Fetcher, table: str, day: date) -> list[dict[str, Any]]:
    warehouse = MemoryWarehouse()
    PsaLoader(fetch.staging, cast(DuckDbWarehouse, warehouse), MemoryLetters()).load(table, [day])
    return warehouse.rows[table]


def organization(fetch: Fetcher, login: str) -> str:
    return next(str(row["scope"]) for row in rows(fetch, "organizations", NEXT) if row["login"] == login)


def test_a_renamed_repository_keeps_its_hub_key(days: Any) -> None:
    _, found = days
    before, now = found[DAY]["acme/tidepool"], found[NEXT]["acme/lagoon"]
    assert (before["repo_id"], before["repo_hk"]) == (now["repo_id"], now["repo_hk"])
    assert "acme/tidepool" not in found[NEXT]


def test_a_name_that_is_used_again_does_not_merge_two_repositories(days: Any) -> None:
    fetch, found = days
    before, now = found[DAY]["acme/gantry-cli"], found[NEXT]["acme/gantry-cli"]
    assert before["repo_id"] != now["repo_id"]
    assert before["repo_hk"] != now["repo_hk"]
    planned = {e.scope: e.state for e in fetch.staging.ledger("issues", NEXT).values()}
    assert f"127.0.0.1/repository/{before['repo_id']}" not in planned
    assert planned[f"127.0.0.1/repository/{now['repo_id']}"] is State.complete


def test_a_transfer_leaves_one_organisation_and_enters_the_other_on_its_day(days: Any) -> None:
    fetch, found = days
    before, now = found[DAY]["acme/lantern"], found[NEXT]["globex/beaconry"]
    assert before["repo_hk"] == now["repo_hk"]
    acme, globex = organization(fetch, "acme"), organization(fetch, "globex")
    assert (before["scope"], now["scope"]) == (acme, globex)
    assert before["link_org_repo_hk"] != now["link_org_repo_hk"]
    assert "acme/lantern" not in found[NEXT]
    ledger = fetch.staging.ledger("repositories", NEXT)
    assert {ledger["repositories", scope].state for scope in (acme, globex)} == {State.complete}
    issues = rows(fetch, "issues", DAY)
    mine = {row["issue_hk"] for row in issues if row["repo_id"] == before["repo_id"]}
    assert mine
    assert len([e for e in fetch.staging.ledger("issues", NEXT) if e[1].endswith(f"/{before['repo_id']}")]) == 1


def test_an_older_day_is_never_told_by_the_repository_that_took_the_name(
    days: Any, moving: Simulator, tmp_path: Path
) -> None:
    """Traffic of the first day is asked late, when `gantry-cli` is another repository: its rows must not appear."""
    _, found = days
    for name in ("organizations", "repositories"):
        at(moving, tmp_path, DAY).fetch(name, DAY)
    late = at(moving, tmp_path, DAY, NEXT)
    for name in ("issues", "traffic_views"):
        late.fetch(name, DAY)
        old = f"127.0.0.1/repository/{found[DAY]['acme/gantry-cli']['repo_id']}"
        assert late.staging.ledger(name, DAY)[name, old].state is State.gone
        assert old not in {row["scope"] for row in rows(late, name, DAY)}
        born = found[NEXT]["acme/gantry-cli"]["repo_id"]
        assert born not in {row["repo_id"] for row in rows(late, name, DAY)}
        for full_name in ("acme/tidepool", "acme/lantern"):
            mine = f"127.0.0.1/repository/{found[DAY][full_name]['repo_id']}"
            assert late.staging.ledger(name, DAY)[name, mine].state is State.complete, full_name
