"""S3 that goes wrong: an object is there once and whole, or the store says plainly that it could not be kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import SETTLED
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore, ObjectDamaged, ObjectExists, S3Store, StoreUnavailable
from oss_datastore.staging.store import s3 as store_module
from oss_datastore_tests.staging.fetching import DAY, after, differences, fetcher, load
from oss_datastore_tests.staging.s3_faults import KINDS, FaultyS3
from oss_datastore_tests.staging.store_fixtures import fresh_s3_store, s3_client

SETS = ("organizations", "repositories", "traffic_views", "issues")


@pytest.fixture
def faulty(moto_s3: str) -> Iterator[FaultyS3]:
    with FaultyS3(moto_s3, slow_seconds=0.05) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of botocore between two tries are not what is judged here."""
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda self, context: 0.01)


def through(proxy: FaultyS3, straight: S3Store) -> S3Store:
    return S3Store(s3_client(proxy.url, attempts=6, max_pool_connections=20), straight.bucket)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parts", [False, True], ids=["one request", "in parts"])
def test_an_object_is_there_once_and_whole_after_a_fault_of_each_request(
    kind: str, parts: bool, faulty: FaultyS3, moto_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = fresh_s3_store(moto_s3)
    store = through(faulty, straight)
    if parts:
        monkeypatch.setattr(store_module, "_PART_SIZE", 5 * 1024 * 1024)
    data = os.urandom(6 * 1024 * 1024 if parts else 20_000)
    # However many requests went well before: the fault meets each kind of request once.
    for number in range(4 if parts else 2):
        key = f"object-{number}"
        faulty.declare({kind: 0.5}, times=2)
        store.put_if_absent(key, data)
        assert store.get(key) == data
        assert store.head(key).size == len(data)  # type: ignore[union-attr]
        faulty.declare()
        assert straight.get(key) == data
    assert list(straight.list("")) == [f"object-{number}" for number in range(4 if parts else 2)]


@pytest.mark.parametrize("parts", [False, True], ids=["one request", "in parts"])
def test_the_answer_to_the_last_request_of_a_write_may_be_lost(
    parts: bool, faulty: FaultyS3, moto_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight = fresh_s3_store(moto_s3)
    store = through(faulty, straight)
    if parts:
        monkeypatch.setattr(store_module, "_PART_SIZE", 5 * 1024 * 1024)
    data = os.urandom(6 * 1024 * 1024 if parts else 20_000)
    seen = []
    strike = faulty.strike

    def only_the_last(method: str, conditional: bool, reads: bool) -> str | None:
        strike(method, conditional, reads)
        seen.append(conditional)
        return "reset_after" if conditional and seen.count(True) == 1 else None

    monkeypatch.setattr(faulty, "strike", only_the_last)
    store.put_if_absent("object", data)
    assert seen.count(True) == 2, "the write was not sent again: the test shows nothing"
    assert straight.get("object") == data


def test_another_writers_object_is_not_taken_for_ones_own(faulty: FaultyS3, moto_s3: str) -> None:
    straight = fresh_s3_store(moto_s3)
    straight.put_if_absent("object", b"theirs")
    store = through(faulty, straight)
    for kind in ("reset_after", "sent_twice", "conflict", "slow_down"):
        faulty.declare({kind: 1.0}, times=1)
        with pytest.raises(ObjectExists, match="object exists with other content"):
            store.put_if_absent("object", b"ours!!")
    assert straight.get("object") == b"theirs"


def test_of_many_writers_through_faults_one_wins_and_no_object_is_half(faulty: FaultyS3, moto_s3: str) -> None:
    straight = fresh_s3_store(moto_s3)
    store = through(faulty, straight)
    faulty.declare(dict.fromkeys(KINDS, 0.03))

    def write(number: int) -> tuple[int, bool]:
        for _ in range(20):
            try:
                store.put_if_absent(f"key-{number % 10}", bytes([number]) * 20_000)
            except ObjectExists:
                return number, False
            except StoreUnavailable:
                continue
            return number, True
        raise AssertionError("S3 was never there")

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(write, range(40)))
    faulty.declare()
    assert sum(faulty.struck.values()) > 10
    for key in range(10):
        winners = [number for number, won in outcomes if won and number % 10 == key]
        assert len(winners) == 1
        assert straight.get(f"key-{key}") == bytes([winners[0]]) * 20_000


@pytest.mark.parametrize("kind", ["slow_down", "reset_before", "truncated"])
def test_an_s3_that_stays_away_is_told_in_one_line(kind: str, faulty: FaultyS3, moto_s3: str) -> None:
    straight = fresh_s3_store(moto_s3)
    straight.put_if_absent("kept", b"x" * 1000)
    store = through(faulty, straight)
    faulty.declare({kind: 1.0})
    with pytest.raises(StoreUnavailable, match="Cannot read 'kept' in s3://") as read:
        store.get("kept")
    assert "\n" not in str(read.value)
    if kind != "truncated":
        with pytest.raises(StoreUnavailable, match="Cannot write 'new' in s3://") as written:
            store.put_if_absent("new", b"1")
        assert "S3_ROOT_BUCKET" in str(written.value)
        with pytest.raises(StoreUnavailable, match="Cannot list"):
            list(store.list(""))
    faulty.declare()
    assert list(store.list("")) == ["kept"]


@pytest.mark.parametrize("parts", [False, True], ids=["one request", "in parts"])
@pytest.mark.parametrize("answers_checksums", [True, False])
def test_bytes_that_always_come_changed_are_never_taken_for_the_object(
    parts: bool, answers_checksums: bool, faulty: FaultyS3, moto_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if parts:
        monkeypatch.setattr(store_module, "_PART_SIZE", 5 * 1024 * 1024)
    client = s3_client(
        faulty.url, response_checksum_validation="when_supported" if answers_checksums else "when_required"
    )
    straight = fresh_s3_store(moto_s3)
    store = S3Store(client, straight.bucket)
    store.put_if_absent("object", os.urandom(6 * 1024 * 1024 if parts else 20_000))
    faulty.declare({"flipped": 1.0})
    with pytest.raises(ObjectDamaged, match=r"/object came 4 times with other bytes than were written") as caught:
        store.get("object")
    assert "\n" not in str(caught.value)


def test_a_day_staged_through_a_faulty_s3_is_the_day_staged_in_a_folder(
    github: Simulator, faulty: FaultyS3, moto_s3: str, tmp_path: Path
) -> None:
    straight = fresh_s3_store(moto_s3)
    faulty.declare(dict.fromkeys(KINDS, 0.06))
    in_folder = Staging(LocalStore(tmp_path))
    for staging in (in_folder, Staging(through(faulty, straight))):
        fetch = fetcher(github, tmp_path, now=after(DAY), staging=staging)
        for name in SETS:
            fetch.fetch(name, DAY)
    assert len(faulty.struck) >= 3, "too few faults struck: the test shows nothing"
    faulty.declare()
    plain = Staging(straight)
    for name in SETS:
        ledger = plain.ledger(name, DAY)
        assert ledger
        assert {entry.state for entry in ledger.values()} <= SETTLED
    rows = load(in_folder, [DAY])
    assert all(rows[name] for name in SETS[1:])
    assert differences(load(plain, [DAY]), rows) == {}
