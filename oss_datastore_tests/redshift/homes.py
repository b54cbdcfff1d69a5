"""A warehouse behind the shim, with a bucket of its own. No test stands here."""

from __future__ import annotations

import secrets

import boto3
import psycopg2

from oss_datastore.staging.store import S3Store
from oss_datastore.warehouse.redshift import RedshiftWarehouse

ROLE = "arn:aws:iam::123456789012:role/oss-datastore-copy"


def bucket(endpoint: str) -> str:
    """The name of a new bucket on the S3 stand-in."""
    name = f"load-{secrets.token_hex(8)}"
    _s3(endpoint).create_bucket(Bucket=name)
    return name


def redshift_warehouse(url: str, endpoint: str, *, wait_seconds: float = 600.0) -> RedshiftWarehouse:
    """The warehouse at an address of the shim's, loading through a new bucket."""
    store = S3Store(_s3(endpoint), bucket(endpoint))
    address = url.replace("redshift://", "postgresql://")
    return RedshiftWarehouse(lambda: psycopg2.connect(address), store, ROLE, wait_seconds=wait_seconds)


def _s3(endpoint: str) -> object:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
