"""Where raw answers lie: write-once objects under string keys, in a folder or in an S3 bucket.

Here belongs how bytes become durable and stay what they were. What the bytes mean (parts, generations,
ledger) does not: see the rest of `staging`. Both stores pass one suite of tests.
"""

from oss_datastore.staging.store.local import LocalStore
from oss_datastore.staging.store.protocol import (
    InvalidKey,
    ObjectDamaged,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    RawStore,
    StoreError,
    StoreUnavailable,
)
from oss_datastore.staging.store.s3 import S3Store

__all__ = [
    "InvalidKey",
    "LocalStore",
    "ObjectDamaged",
    "ObjectExists",
    "ObjectInfo",
    "ObjectMissing",
    "RawStore",
    "S3Store",
    "StoreError",
    "StoreUnavailable",
]
