"""Names come and go, ids stay: renamings, transfers, deletions and names that somebody else takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from oss_datastore.simulator import Simulator, World
from oss_datastore.simulator.world.changes import EXAMPLES, read_change
from oss_datastore.simulator.world.dice import seconds
from oss_datastore_tests.simulator.conftest import WIDE, Client

BEFORE = datetime(2026, 11, 10, 6, tzinfo=UTC)
AFTER = BEFORE + timedelta(hours=8)
CHANGES = (
    "acme/lantern renamed lamp on 2026-11-10",
    "acme/tidepool transferred umbrella/acme-tidepool on 2026-11-10",
    "acme/quarry deleted on 2026-11-10",
    "acme/lantern created on 2026-11-12",
    "amber-auk renamed brisk-owl on 2026-11-10",
    "ashen-badger renamed amber-auk on 2026-11-12",
)


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(now=BEFORE, limits=WIDE, orgs=("acme", "umbrella"), changes=CHANGES) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Simulator) -> Client:
    return Client(sim)


def test_a_renamed_repository_keeps_its_id_and_its_old_name_leads_there(sim: Simulator, client: Client) -> None:
    before = client.get("/repos/acme/lantern").json()
    sim.set_now(AFTER)
    moved = client.get("/repos/acme/lantern/traffic/views")
    assert moved.status_code == 301
    assert moved.headers["location"] == f"{sim.url}/repositories/{before['id']}/traffic/views"
    after = client.get("/repos/acme/lamp").json()
    assert (after["id"], after["created_at"]) == (before["id"], before["created_at"])


def test_a_transferred_repository_leaves_one_organisation_and_enters_the_other(sim: Simulator, client: Client) -> None:
    def listed(org: str) -> dict[str, int]:
        return {entry["name"]: entry["id"] for entry in client.pages(f"/orgs/{org}/repos?per_page=100")}

    identity = listed("acme")["tidepool"]
    issues = client.pages("/repos/acme/tidepool/issues?state=all&per_page=100")
    assert "acme-tidepool" not in listed("umbrella")
    sim.set_now(AFTER)
    assert "tidepool" not in listed("acme")
    assert listed("umbrella")["acme-tidepool"] == identity
    moved = client.get("/repos/acme/tidepool")
    assert (moved.status_code, moved.headers["location"]) == (301, f"{sim.url}/repositories/{identity}")
    there = client.get(moved.headers["location"]).json()
    assert there["full_name"] == "umbrella/acme-tidepool"
    assert there["owner"]["login"] == "umbrella"
    later = client.pages("/repos/umbrella/acme-tidepool/issues?state=all&per_page=100")
    assert {issue["id"] for issue in issues} <= {issue["id"] for issue in later}
    assert all("/umbrella/acme-tidepool/" in issue["url"] for issue in later)
    # Its namesake in the other organisation is somebody else.
    assert client.get("/repos/umbrella/tidepool").json()["id"] != identity


def test_a_deleted_repository_is_not_found_under_name_or_id(sim: Simulator, client: Client) -> None:
    identity = client.get("/repos/acme/quarry").json()["id"]
    sim.set_now(AFTER)
    assert client.get("/repos/acme/quarry").status_code == 404
    assert client.get(f"/repositories/{identity}").status_code == 404
    assert "quarry" not in {entry["name"] for entry in client.get("/orgs/acme/repos?per_page=100").json()}


def test_a_name_that_a_new_repository_takes_no_longer_leads_to_the_old_one(sim: Simulator, client: Client) -> None:
    old = client.get("/repos/acme/lantern").json()["id"]
    sim.set_now(AFTER + timedelta(days=2))
    new = client.get("/repos/acme/lantern")
    assert new.status_code == 200
    assert new.json()["id"] != old
    assert new.json()["created_at"] == "2026-11-12T09:30:00Z"
    assert client.get("/repos/acme/lamp").json()["id"] == old


def test_a_login_moves_with_its_account_and_may_be_taken_by_another(sim: Simulator, client: Client) -> None:
    first = client.get("/users/amber-auk").json()["id"]
    other = client.get("/users/ashen-badger").json()["id"]
    sim.set_now(AFTER)
    assert client.get("/users/amber-auk").status_code == 404
    assert client.get("/users/brisk-owl").json()["id"] == first
    assert client.get(f"/user/{first}").json()["login"] == "brisk-owl"
    sim.set_now(AFTER + timedelta(days=2))
    assert client.get("/users/amber-auk").json()["id"] == other
    assert client.get("/users/ashen-badger").status_code == 404


def test_a_change_without_a_time_happens_on_a_day_that_the_seed_picks() -> None:
    days = {read_change("acme/lantern renamed lamp", seed).at for seed in range(20)}
    assert len(days) > 10
    assert all(datetime.fromtimestamp(day, UTC).year == 2026 for day in days)
    assert read_change("acme/lantern renamed lamp", 3) == read_change("acme/lantern renamed lamp", 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("acme/lantern", "expected"),
        ("acme/lantern renamed", "expected"),
        ("acme/lantern busy some more", "two numbers"),
        ("acme/lantern deleted on Monday", "time"),
        ("acme/none deleted on 2026-11-10", "no repository acme/none"),
        ("none/lantern deleted on 2026-11-10", "no organisation none"),
        ("acme/lantern renamed quarry on 2026-11-10", "not free"),
        ("acme/lantern transferred umbrella on 2026-11-10", "not free"),
        ("acme/lantern transferred nowhere on 2026-11-10", "no other organisation"),
        ("nobody renamed somebody on 2026-11-10", "no account"),
        ("amber-auk renamed ashen-badger on 2026-11-10", "not free"),
    ],
)
def test_a_change_that_cannot_be_is_refused_with_what_was_expected(change: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        World(1, ("acme", "umbrella"), 12, changes=[change])


def test_the_examples_of_changes_fit_together() -> None:
    world = World(1, ("acme", "umbrella"), 12, changes=EXAMPLES)
    end = seconds(datetime(2027, 1, 1, tzinfo=UTC))
    assert {repository.name(end) for repository in world.orgs["umbrella"].repositories_at(end)} >= {
        "lamp",
        "acme-quarry",
    }


def test_in_an_idle_world_nothing_happens_but_what_is_planned() -> None:
    world = World(1, ("acme",), 40, idle=True, changes=["acme/lantern busy 20 10 on 2026-11-10"])
    morning = seconds(datetime(2026, 11, 10, tzinfo=UTC))
    night = seconds(datetime(2026, 11, 11, tzinfo=UTC)) - 1
    acme = world.orgs["acme"]
    for repository in acme.repositories_at(night):
        changed = [item for item in repository.items(night) if item.at(night).updated >= morning]
        pulls = sum(item.is_pull for item in changed)
        busy = repository.name(night) == "lantern"
        assert (len(changed) - pulls, pulls) == ((20, 10) if busy else (0, 0))
        assert busy or repository.head(night) == repository.head(morning)
        assert repository.growth.total("stars", night) == repository.growth.total("stars", morning)
        assert len(repository.alerts(night)) == len(repository.alerts(morning))
    assert any(repository.items(night) for repository in acme.repositories if repository.name(night) != "lantern")
    assert sum(repository.growth.seen("views", night // 86_400, night).count for repository in acme.repositories) > 40


def test_five_thousand_idle_repositories_are_there_at_once() -> None:
    with Simulator(now=BEFORE, limits=WIDE, repos=5_000, idle=True) as sim:
        entries = Client(sim).get("/orgs/acme/repos?per_page=100&page=50").json()
    assert len(entries) == 100
