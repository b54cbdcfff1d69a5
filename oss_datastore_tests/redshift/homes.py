"""Warehouses to try: behind the shim with a bucket of its own, or a real one with a database. No test stands here."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import boto3
import psycopg2
import pytest

from oss_datastore.staging.store import S3Store
from oss_datastore.warehouse.redshift import RedshiftWarehouse
from oss_datastore_tests.staging.store_fixtures import fresh_s3_store, s3_client

ROLE = "arn:aws:iam::123456789012:role/oss-datastore-copy"


def bucket(endpoint: str) -> str:
    """The name of a new bucket on the S3 stand-in."""
    name = f"load-{secrets.token_hex(8)}"
    s3_client(endpoint).create_bucket(Bucket=name)
    return name


def redshift_warehouse(url: str, endpoint: str, *, wait_seconds: float = 600.0) -> RedshiftWarehouse:
    """The warehouse at an address of the shim's, loading through a new bucket."""
    store = fresh_s3_store(endpoint)
    return RedshiftWarehouse(lambda: psycopg2.connect(_as_postgresql(url)), store, ROLE, wait_seconds=wait_seconds)


@contextmanager
def real_database() -> Iterator[str]:
    """A new database of the Redshift that OSS_DATASTORE_TEST_REDSHIFT_URL names, removed at the end."""
    url = os.environ.get("OSS_DATASTORE_TEST_REDSHIFT_URL")
    if not url:
        pytest.skip("OSS_DATASTORE_TEST_REDSHIFT_URL is not set")
    name = f"oss_datastore_test_{secrets.token_hex(8)}"
    with closing(psycopg2.connect(_as_postgresql(url))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"create database {name}")
        try:
            yield urlsplit(url)._replace(path=f"/{name}").geturl()
        finally:
            connection.cursor().execute(f"drop database {name} force")


def real_warehouse(url: str, *, wait_seconds: float) -> RedshiftWarehouse:
    """The warehouse in such a database, loading through the bucket and by the role that the environment names."""
    name, role = os.environ.get("OSS_DATASTORE_TEST_S3_BUCKET"), os.environ.get("OSS_DATASTORE_TEST_COPY_ROLE")
    if not name or not role:
        pytest.skip("OSS_DATASTORE_TEST_S3_BUCKET and OSS_DATASTORE_TEST_COPY_ROLE are not set")
    store = S3Store(boto3.client("s3"), name, prefix=f"oss-datastore-test/{secrets.token_hex(8)}")
    return RedshiftWarehouse(lambda: psycopg2.connect(_as_postgresql(url)), store, role, wait_seconds=wait_seconds)


def _as_postgresql(url: str) -> str:
    return url.replace("redshift://", "postgresql://", 1)
