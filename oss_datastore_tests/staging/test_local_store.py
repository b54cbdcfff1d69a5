"""What only the folder can do wrong: links, full disks, permissions, and what killed writers leave."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oss_datastore.staging.store import InvalidKey, LocalStore, ObjectExists, ObjectMissing, StoreUnavailable
from oss_datastore.staging.store import local as store_module
from oss_datastore_tests.staging.store_fixtures import fresh_local_store


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
