"""Stores to test against: a folder, and a bucket on a loopback S3 server."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import boto3
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
