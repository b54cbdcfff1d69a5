"""What only S3 can do wrong: refusals, conflicts, archives, keys and classes; for lost answers see `test_s3_faults`."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID

from oss_datastore.staging.store import ObjectExists, S3Store, StoreUnavailable
from oss_datastore.staging.store import s3 as store_module
from oss_datastore_tests.staging.store_fixtures import SmallPages, fresh_s3_store, s3_client


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


def test_a_412_after_our_own_write_in_parts_is_success(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PART_SIZE", 5 * 1024 * 1024)
    store = fresh_s3_store(moto_s3)
    data = b"x" * (6 * 1024 * 1024)
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
        ("NoSuchBucket", "create the bucket"),
        ("ExpiredToken", "credentials"),
        ("RequestTimeTooSkewed", "this machine's clock"),
        ("PermanentRedirect", "AWS_DEFAULT_REGION"),
        ("KMS.DisabledException", "OSS_DATASTORE_STORE_KMS_KEY"),
        ("SomethingNew", "AWS_ENDPOINT_URL"),
    ],
)
def test_a_refusal_names_bucket_reason_and_remedy(moto_s3: str, code: str, advice: str) -> None:
    store = fresh_s3_store(moto_s3)
    store._client = _Client(store._client, "put_object", [code])
    with pytest.raises(StoreUnavailable) as caught:
        store.put_if_absent("a", b"1")
    message = str(caught.value)
    assert f"s3://{store.bucket}/ (S3_ROOT_BUCKET): {code}: told so; " in message
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


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "GLACIER_IR"])
def test_key_and_class_go_with_every_object_and_it_can_be_read_at_once(
    moto_s3: str, storage_class: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_PART_SIZE", 5 * 1024 * 1024)
    store = fresh_s3_store(moto_s3, kms_key="alias/own", storage_class=storage_class)
    large = b"2" * (6 * 1024 * 1024)
    store.put_if_absent("a", b"1")
    store.put_if_absent("b", large)
    store.overwrite("c", b"1")
    store.put_if_absent("d", b"2")
    store.rewrite("d", b"1")
    for key in "abcd":
        told = store._client.head_object(Bucket=store.bucket, Key=key)
        assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", "alias/own")
        # The stand-in does not keep it of an upload in parts.
        assert key == "b" or told["BucketKeyEnabled"] is True
        assert told["StorageClass"] == storage_class
        assert store.get(key) == (large if key == "b" else b"1")


def test_without_key_and_class_the_buckets_own_apply(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3)
    store.put_if_absent("a", b"1")
    told = store._client.head_object(Bucket=store.bucket, Key="a")
    assert "SSEKMSKeyId" not in told
    assert "StorageClass" not in told


def test_an_object_that_was_moved_to_an_archive_is_named_with_the_way_back(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3, prefix="kept")
    archive = S3Store(store._client, store.bucket, prefix="kept", storage_class="GLACIER")
    archive.put_if_absent("staging/it's old", b"1")
    with pytest.raises(StoreUnavailable) as caught:
        store.get("staging/it's old")
    message = str(caught.value)
    assert 'Cannot read "staging/it\'s old" in s3://' in message
    assert "InvalidObjectState" in message
    assert f"restore-object --bucket {store.bucket} --key 'kept/staging/it'\"'\"'s old'" in message
    assert "GLACIER_IR" in message
    assert "\n" not in message
    # A write that is repeated needs no byte of it.
    store.put_if_absent("staging/it's old", b"1")
    with pytest.raises(ObjectExists):
        store.put_if_absent("staging/it's old", b"2")


def test_an_object_of_another_program_is_read_and_compared_without_our_digest(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3)
    store._client.put_object(Bucket=store.bucket, Key="copied", Body=b"theirs")
    assert store.get("copied") == b"theirs"
    store.put_if_absent("copied", b"theirs")
    with pytest.raises(ObjectExists):
        store.put_if_absent("copied", b"others")


def test_a_bucket_of_more_than_a_page_is_listed_whole(moto_s3: str) -> None:
    store = fresh_s3_store(moto_s3, prefix="kept")
    # Put into the server's memory: by requests it would take much longer.
    backend = get_backend("s3")[DEFAULT_ACCOUNT_ID]["aws"]
    keys = [f"staging/part-{number:05d}" for number in range(1_050)]
    for key in keys:
        backend.put_object(store.bucket, f"kept/{key}", b"x")
    assert list(store.list("staging/")) == keys
    assert list(store.list("staging/part-010")) == keys[1000:]


def test_purging_leaves_nothing_old_when_versions_span_pages(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = fresh_s3_store(moto_s3, prefix="kept")
    client = store._client
    client.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
    for key in ("staging/a", "staging/b", "staging/c"):
        for data in (b"1", b"2", b"3"):
            store.overwrite(key, data)
    store.delete("staging/b")
    store.overwrite("elsewhere", b"1")
    store.overwrite("elsewhere", b"2")
    original = client.get_paginator
    monkeypatch.setattr(client, "get_paginator", lambda name: SmallPages(original(name), 2))
    store.purge("staging/")
    monkeypatch.undo()
    found = client.list_object_versions(Bucket=store.bucket)
    left = [(version["Key"], version["IsLatest"]) for version in found["Versions"]]
    assert sorted(left) == [
        ("kept/elsewhere", False),
        ("kept/elsewhere", True),
        ("kept/staging/a", True),
        ("kept/staging/c", True),
    ]
    assert "DeleteMarkers" not in found
    assert store.get("staging/c") == b"3"
