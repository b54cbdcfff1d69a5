"""What every raw store promises, run over the folder and over S3, then what only one of them can do wrong."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oss_datastore.staging import store as store_module
from oss_datastore.staging.store import (
    InvalidKey,
    LocalStore,
    ObjectExists,
    ObjectMissing,
    RawStore,
    S3Store,
    StoreUnavailable,
)
from oss_datastore_tests.staging.store_fixtures import fresh_local_store, fresh_s3_store, s3_client


@pytest.fixture(params=["local", "s3", "s3 with prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RawStore:
    if request.param == "local":
        return fresh_local_store(tmp_path)
    endpoint = request.getfixturevalue("moto_s3")
    return fresh_s3_store(endpoint, prefix="team/raw" if "prefix" in request.param else "")


# --- every store ---


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
        monkeypatch.setattr(client, "get_paginator", lambda name: _SmallPages(original(name)))
    keys = [f"load_date=2026-11-01/part-{number:03d}" for number in range(25)]
    for key in keys:
        store.put_if_absent(key, b"x")
    assert list(store.list("load_date=2026-11-01/")) == keys


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


def test_large_objects_come_back_whole(store: RawStore) -> None:
    data = os.urandom(1024 * 1024) * 33
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


# --- the folder ---


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(max_size=40) | st.text(alphabet="./a\\~", max_size=12))
def test_no_key_whatever_writes_outside_the_root(tmp_path: Path, key: str) -> None:
    store = LocalStore(tmp_path / "inner" / "root")
    before = {path for path in tmp_path.rglob("*") if not path.is_relative_to(store.root)}
    try:
        store.put_if_absent(key, b"x")
    except (InvalidKey, ObjectExists, StoreUnavailable, UnicodeEncodeError):
        return
    finally:
        after = {path for path in tmp_path.rglob("*") if not path.is_relative_to(store.root)}
        assert after - before <= {store.root.parent}
    assert store.get(key) == b"x"
    assert key in list(store.list(""))
    store.delete(key)


def test_a_symbolic_link_does_not_lead_out_of_the_root(tmp_path: Path) -> None:
    store = fresh_local_store(tmp_path)
    store.put_if_absent("a", b"1")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (store.root / "link").symlink_to(outside)
    with pytest.raises(InvalidKey, match="leads out of"):
        store.get("link/secret")
    assert list(store.list("")) == ["a"]


def test_the_root_itself_may_be_a_link_to_another_disk(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "disk")
    store = LocalStore(tmp_path / "store")
    store.put_if_absent("a/b", b"1")
    assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"1"


def _failing(code: int) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("call", ["fsync", "link", "open"])
def test_a_full_disk_is_one_clear_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store = fresh_local_store(tmp_path)
    store.put_if_absent("a/first", b"1")
    with monkeypatch.context() as patch:
        patch.setattr(store_module.os, call, _failing(errno.ENOSPC))
        with pytest.raises(StoreUnavailable) as caught:
            store.put_if_absent("a/second", b"2")
    message = str(caught.value)
    assert "No space left on device" in message
    assert str(store.root) in message
    assert "OSS_DATASTORE_HOME" in message
    assert "\n" not in message
    assert list(store.list("")) == ["a/first"]
    assert list((store.root / ".incoming").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_really_full_device_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fresh_local_store(tmp_path)
    real_open = os.open
    monkeypatch.setattr(
        store_module.os,
        "open",
        lambda path, flags, *mode: (
            real_open("/dev/full", os.O_WRONLY) if flags & os.O_CREAT else real_open(path, flags, *mode)
        ),
    )
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        store.put_if_absent("a", b"2" * 100_000)
    assert list(store.list("")) == []


def test_an_unwritable_root_is_one_clear_line(tmp_path: Path) -> None:
    # A file where a folder must be: refused to every user, root included.
    (tmp_path / "taken").write_text("")
    store = LocalStore(tmp_path / "taken" / "store")
    with pytest.raises(StoreUnavailable, match=r"Cannot write 'a' in the store .*taken/store"):
        store.put_if_absent("a", b"1")
    assert store.head("a") is None
    assert list(store.list("")) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_clear_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreUnavailable, match="Permission denied"):
        fresh_local_store(tmp_path).put_if_absent("a", b"1")
    tmp_path.chmod(0o700)


def test_reading_from_a_root_that_is_not_there_finds_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "none")
    assert list(store.list("staging/")) == []
    assert store.head("a") is None
    with pytest.raises(ObjectMissing):
        store.get("a")


def test_leftovers_of_a_killed_writer_are_not_listed_and_are_swept_later(tmp_path: Path) -> None:
    fresh_local_store(tmp_path).put_if_absent("a", b"1")
    store = fresh_local_store(tmp_path)
    old, young = store.root / ".incoming" / "old", store.root / ".incoming" / "young"
    old.write_bytes(b"half")
    young.write_bytes(b"half")
    os.utime(old, (1, 1))
    assert list(store.list("")) == ["a"]
    store.put_if_absent("b", b"2")
    assert list((store.root / ".incoming").iterdir()) == [young]


def test_staged_files_are_for_their_owner_only(tmp_path: Path) -> None:
    store = fresh_local_store(tmp_path)
    store.put_if_absent("a/b", b"1")
    assert (store.root / "a" / "b").stat().st_mode & 0o077 == 0
    assert store.root.stat().st_mode & 0o077 == 0


# --- S3 ---


class _SmallPages:
    def __init__(self, paginator: Any) -> None:
        self._paginator = paginator

    def paginate(self, **where: Any) -> Any:
        return self._paginator.paginate(**where, PaginationConfig={"PageSize": 10})


class _Client:
    """A real client before which some calls fail with given errors; `after` ones are lost after the store."""

    def __init__(self, client: Any, call: str, codes: list[str], *, after: bool = False) -> None:
        self._client, self._call, self._codes, self._after = client, call, codes, after
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name != self._call:
            return real

        def perform(**arguments: Any) -> Any:
            self.calls += 1
            if not self._codes:
                return real(**arguments)
            code = self._codes.pop(0)
            if self._after:
                real(**arguments)
                return perform(**arguments)
            raise ClientError({"Error": {"Code": code, "Message": "told so"}}, name)

        return perform


def test_a_412_after_our_own_write_is_success(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3)
    store._client = _Client(store._client, "put_object", ["reset after the store"], after=True)
    store.put_if_absent("a", b"mine")
    assert store._client.calls == 2
    assert store.get("a") == b"mine"


def test_a_412_after_our_own_write_in_parts_is_success(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3)
    data = b"x" * (17 * 1024 * 1024)
    store.put_if_absent("a", data)
    store._client = _Client(store._client, "complete_multipart_upload", ["412"])
    store.put_if_absent("a", data)
    assert store._client.list_multipart_uploads(Bucket=store.bucket).get("Uploads", []) == []


def test_a_conflict_of_two_writers_is_tried_again(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module.time, "sleep", lambda _: None)
    store = fresh_s3_store(moto_s3)
    store._client = _Client(store._client, "put_object", ["ConditionalRequestConflict"] * 3)
    store.put_if_absent("a", b"1")
    assert store._client.calls == 4
    assert store.get("a") == b"1"


def test_a_conflict_without_end_is_reported(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module.time, "sleep", lambda _: None)
    store = fresh_s3_store(moto_s3)
    store._client = _Client(store._client, "put_object", ["ConditionalRequestConflict"] * 99)
    with pytest.raises(StoreUnavailable, match="ConditionalRequestConflict"):
        store.put_if_absent("a", b"1")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDenied", "grant the role"),
        ("NoSuchBucket", "S3_ROOT_BUCKET"),
        ("ExpiredToken", "credentials"),
    ],
)
def test_a_refusal_names_bucket_reason_and_remedy(moto_s3: str, code: str, advice: str) -> None:
    store = fresh_s3_store(moto_s3)
    store._client = _Client(store._client, "put_object", [code])
    with pytest.raises(StoreUnavailable) as caught:
        store.put_if_absent("a", b"1")
    message = str(caught.value)
    assert store.bucket in message
    assert code in message
    assert advice in message
    assert "\n" not in message


def test_a_bucket_that_is_not_there_is_reported_by_every_call(moto_s3: str) -> None:
    store = S3Store(s3_client(moto_s3), "no-such-bucket")
    for act in (
        lambda: store.put_if_absent("a", b"1"),
        lambda: store.get("a"),
        lambda: list(store.list("")),
        lambda: store.delete("a"),
    ):
        with pytest.raises(StoreUnavailable, match="no-such-bucket"):
            act()


def test_an_endpoint_that_nobody_serves_is_reported() -> None:
    store = S3Store(s3_client("http://127.0.0.1:9", connect_timeout=1), "bucket")
    with pytest.raises(StoreUnavailable, match="AWS_ENDPOINT_URL"):
        store.put_if_absent("a", b"1")


def test_key_and_class_of_the_bucket_go_with_every_object(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3, kms_key="alias/own", storage_class="STANDARD_IA")
    store.put_if_absent("a", b"1")
    store.put_if_absent("b", b"2" * (17 * 1024 * 1024))
    for key in ("a", "b"):
        told = store._client.head_object(Bucket=store.bucket, Key=key)
        assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", "alias/own")
        assert told["StorageClass"] == "STANDARD_IA"
