"""What every raw store promises: one suite over the folder, over S3 on loopback, and over a real bucket (`-m aws`)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oss_datastore.staging.store import InvalidKey, LocalStore, ObjectExists, ObjectMissing, RawStore, S3Store
from oss_datastore.staging.store import s3 as s3_module
from oss_datastore_tests.staging.store_fixtures import SmallPages, fresh_local_store, fresh_s3_store, real_s3_store


@pytest.fixture(params=["local", "s3", "s3 with prefix", pytest.param("real bucket", marks=pytest.mark.aws)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RawStore]:
    if request.param == "local":
        yield fresh_local_store(tmp_path)
    elif request.param == "real bucket":
        with real_s3_store() as real:
            yield real
    else:
        endpoint = request.getfixturevalue("moto_s3")
        yield fresh_s3_store(endpoint, prefix="team/raw" if "prefix" in request.param else "")


def test_what_was_put_is_got_back(store: RawStore) -> None:
    store.put_if_absent("staging/a/part-0.jsonl.gz", b"\x00\xffbytes")
    assert store.get("staging/a/part-0.jsonl.gz") == b"\x00\xffbytes"


def test_an_empty_object_is_an_object(store: RawStore) -> None:
    store.put_if_absent("empty", b"")
    assert store.get("empty") == b""
    info = store.head("empty")
    assert info is not None
    assert info.size == 0


def test_head_knows_size_and_utc_time(store: RawStore) -> None:
    assert store.head("a") is None
    store.put_if_absent("a", b"12345")
    info = store.head("a")
    assert info is not None
    assert info.size == 5
    assert info.modified.utcoffset() is not None
    assert info.modified.utcoffset().total_seconds() == 0  # type: ignore[union-attr]


def test_the_same_bytes_again_are_success(store: RawStore) -> None:
    store.put_if_absent("a/b", b"same")
    store.put_if_absent("a/b", b"same")
    assert list(store.list("")) == ["a/b"]


@pytest.mark.parametrize("other", [b"another", b"firsT", b""])
def test_other_bytes_under_the_key_are_refused_and_change_nothing(store: RawStore, other: bytes) -> None:
    store.put_if_absent("a/b", b"first")
    with pytest.raises(ObjectExists, match="a/b exists with other content"):
        store.put_if_absent("a/b", other)
    assert store.get("a/b") == b"first"


def test_what_is_made_anew_takes_the_place_of_what_was_there(store: RawStore) -> None:
    for data in (b"first", b"second", b"second"):
        store.overwrite("infomarts/latest/things.parquet", data)
        assert store.get("infomarts/latest/things.parquet") == data


def test_a_missing_object_is_named(store: RawStore) -> None:
    with pytest.raises(ObjectMissing, match="no/such/object"):
        store.get("no/such/object")


def test_a_folder_is_no_object(store: RawStore) -> None:
    store.put_if_absent("folder/a", b"1")
    assert store.head("folder") is None
    with pytest.raises(ObjectMissing):
        store.get("folder")


def test_delete_removes_and_forgives_a_missing_one(store: RawStore) -> None:
    store.put_if_absent("a/b", b"1")
    store.delete("a/b")
    store.delete("a/b")
    store.delete("never/was")
    assert list(store.list("")) == []
    store.put_if_absent("a/b", b"2")
    assert store.get("a/b") == b"2"


def test_list_is_sorted_by_whole_key_and_takes_any_prefix(store: RawStore) -> None:
    keys = ["a/b/c", "a.b", "a/b.c", "a/b-c", "ab", "a/bc/d", "b", "é/ü", "a/B"]
    for key in keys:
        store.put_if_absent(key, key.encode())
    assert list(store.list("")) == sorted(keys)
    for prefix in ("a", "a/", "a/b", "a/b/", "a/b/c", "a/bc", "é", "zzz", "zzz/y"):
        assert list(store.list(prefix)) == sorted(key for key in keys if key.startswith(prefix)), prefix


def test_more_objects_than_a_page_are_all_listed(store: RawStore, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(store, S3Store):
        client = store._client
        original = client.get_paginator
        monkeypatch.setattr(client, "get_paginator", lambda name: SmallPages(original(name), 10))
    keys = [f"load_date=2026-11-01/part-{number:03d}" for number in range(25)]
    for key in keys:
        store.put_if_absent(key, b"x")
    assert list(store.list("load_date=2026-11-01/")) == keys


@pytest.mark.parametrize(
    "key",
    [
        "with space/a b",
        " leading and trailing ",
        "plus+percent%2Fand%",
        "question?hash#amp&equals=semi;colon:",
        "quotes'\"`and<angles>",
        "scope=github.com\u2044acme/[x]{y}|^~$!*(),@",
        "ünïcödé/日本語/🚀",
        "combining/e\u0301",
        "dots/..a/b../...",
    ],
)
def test_a_key_of_any_characters_names_its_object_everywhere(store: RawStore, key: str) -> None:
    store.put_if_absent(key, b"1")
    store.put_if_absent(key, b"1")
    assert store.get(key) == b"1"
    assert store.head(key) is not None
    assert list(store.list("")) == [key]
    assert list(store.list(key[:-1])) == [key]
    store.overwrite(key, b"2")
    store.rewrite(key, b"3")
    assert store.get(key) == b"3"
    store.delete(key)
    assert store.head(key) is None


def test_what_is_rewritten_and_purged_is_there_as_it_is_now(store: RawStore) -> None:
    store.put_if_absent("staging/a", b"a person")
    store.put_if_absent("staging/ab", b"another")
    store.put_if_absent("staging/gone", b"a person")
    store.rewrite("staging/a", b"nobody")
    store.delete("staging/gone")
    store.purge("staging/")
    assert {key: store.get(key) for key in store.list("")} == {"staging/a": b"nobody", "staging/ab": b"another"}


def test_one_of_sixteen_writers_wins_and_the_object_is_whole(store: RawStore) -> None:
    start = threading.Barrier(16)

    def write(number: int) -> bool:
        start.wait()
        try:
            store.put_if_absent("race/part", bytes([number]) * 50_000)
        except ObjectExists:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        won = list(threads.map(write, range(16)))
    assert won.count(True) == 1
    assert store.get("race/part") == bytes([won.index(True)]) * 50_000
    assert list(store.list("")) == ["race/part"]


def test_sixteen_writers_of_the_same_bytes_all_succeed(store: RawStore) -> None:
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: store.put_if_absent("race/part", b"same" * 1000), range(16)))
    assert store.get("race/part") == b"same" * 1000


def test_large_objects_come_back_whole(store: RawStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_module, "_PART_SIZE", 5 * 1024 * 1024)  # the smallest that S3 takes
    data = os.urandom(1024 * 1024) * 11
    store.put_if_absent("large", data)
    store.put_if_absent("large", data)
    assert store.get("large") == data
    with pytest.raises(ObjectExists):
        store.put_if_absent("large", data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ObjectExists):
        store.put_if_absent("large", b"small")
    assert store.get("large") == data


BAD_KEYS = [
    "",
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a//b",
    "a/",
    "./a",
    "a/./b",
    "a\\..\\b",
    "nul\0byte",
    "line\nbreak",
    ".incoming/x",
    "x" * 256,
    "/".join(["x" * 200] * 6),
]


@pytest.mark.parametrize("key", BAD_KEYS)
def test_keys_that_could_leave_the_root_are_refused(store: RawStore, key: str) -> None:
    for act in (lambda: store.put_if_absent(key, b"x"), lambda: store.get(key), lambda: store.delete(key)):
        with pytest.raises(InvalidKey):
            act()
    assert list(store.list("")) == []


def test_the_address_is_for_people(store: RawStore) -> None:
    store.put_if_absent("a/b c", b"1")
    address = store.url("a/b c")
    assert address.startswith("file:///" if isinstance(store, LocalStore) else "s3://")
    assert "a/b" in address
