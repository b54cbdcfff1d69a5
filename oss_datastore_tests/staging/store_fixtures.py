"""Stores to test against: a folder, a bucket on a loopback S3 server, and a real bucket where one is named."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from oss_datastore.staging.store import LocalStore, S3Store

_numbers = itertools.count(1)


def s3_client(endpoint: str, attempts: int = 3, **options: Any) -> Any:
    """A boto3 S3 client for a loopback endpoint that sends a request so many times at most."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "max_attempts": attempts}, **options),
    )


def fresh_s3_store(endpoint: str, **options: Any) -> S3Store:
    """A store in a new bucket of its own."""
    client = s3_client(endpoint, max_pool_connections=20)
    bucket = f"oss-datastore-test-{next(_numbers)}"
    client.create_bucket(Bucket=bucket)
    return S3Store(client, bucket, **options)


def fresh_local_store(folder: Path) -> LocalStore:
    return LocalStore(folder / "store")


class SmallPages:
    """A paginator of boto3's client that asks for so many keys at once."""

    def __init__(self, paginator: Any, size: int) -> None:
        self._paginator, self._size = paginator, size

    def paginate(self, **where: Any) -> Any:
        """The pages of a listing."""
        return self._paginator.paginate(**where, PaginationConfig={"PageSize": self._size})


@contextmanager
def real_s3_store() -> Iterator[S3Store]:
    """A store below a random prefix of the bucket OSS_DATASTORE_TEST_S3_BUCKET, which is emptied in the end.

    Skips the test where the variable is not set.
    """
    bucket = os.environ.get("OSS_DATASTORE_TEST_S3_BUCKET")
    if not bucket:
        pytest.skip("OSS_DATASTORE_TEST_S3_BUCKET names no bucket")
    client = boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 6}, max_pool_connections=20))
    prefix = f"oss-datastore-test/{secrets.token_hex(8)}/"
    try:
        yield S3Store(
            client,
            bucket,
            prefix=prefix,
            kms_key=os.environ.get("OSS_DATASTORE_TEST_KMS_KEY"),
            storage_class=os.environ.get("OSS_DATASTORE_TEST_STORE_CLASS"),
        )
    finally:
        where = {"Bucket": bucket, "Prefix": prefix}
        for page in client.get_paginator("list_object_versions").paginate(**where):
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                client.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        for upload in client.list_multipart_uploads(**where).get("Uploads", ()):
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
