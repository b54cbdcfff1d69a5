"""What every raw store promises: write-once objects under plain keys, and the errors that tell why it could not.

How a folder or a bucket keeps the promise does not belong here.

An object never changes: `put_if_absent` either creates it whole and durable, finds the very same bytes there
already (a repeated or retried write) or raises `ObjectExists`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

INCOMING = ".incoming"
"""Where a folder keeps what is being written; no key begins so, on any store."""

_LONGEST_KEY = 1024  # bytes; the limit of S3
_LONGEST_NAME = 255  # bytes between two slashes; the limit of common file systems


class StoreError(Exception):
    """The object store could not do what was asked; the message is one line for people."""


class ObjectExists(StoreError):
    """Another object lies under the key already; nothing was changed."""


class ObjectMissing(StoreError):
    """No object lies under the key."""


class ObjectDamaged(StoreError):
    """The object is there, but its bytes are not those that were written."""


class InvalidKey(StoreError, ValueError):
    """The key is not a plain relative path: it could leave the root or not be written on every store."""


class StoreUnavailable(StoreError):
    """Full disk, no permission, no such bucket, no connection: nothing was stored."""


@dataclass(frozen=True)
class ObjectInfo:
    """What is known of an object without reading it: length in bytes and UTC time of writing."""

    size: int
    modified: datetime


class RawStore(Protocol):
    """Write-once objects. Keys are relative paths with `/`; every method may raise `StoreUnavailable`."""

    def put_if_absent(self, key: str, data: bytes) -> None:
        """Store durably. Same bytes under the key already: success. Others: `ObjectExists`."""

    def get(self, key: str) -> bytes:
        """The bytes; `ObjectMissing` if there are none, `ObjectDamaged` if they are known to be others."""

    def head(self, key: str) -> ObjectInfo | None:
        """Size and time, or None if there is no such object."""

    def list(self, prefix: str) -> Iterator[str]:
        """Full keys that start with the prefix (any string, not only a folder), sorted by code point."""

    def delete(self, key: str) -> None:
        """Remove the object; a missing one is fine."""

    def overwrite(self, key: str, data: bytes) -> None:
        """Store bytes under a key, whatever is there: for what is made of the record and can be made again."""

    def rewrite(self, key: str, data: bytes) -> None:
        """Put other bytes in the place of an object, older versions included: only to forget a person."""

    def purge(self, prefix: str) -> None:
        """Remove for good what a versioned store still has of objects that were rewritten or deleted."""

    def url(self, key: str) -> str:
        """Where it lies, for people: file://… or s3://…"""


def checked_key(key: str) -> str:
    """The key itself if it is safe on every store, else `InvalidKey`."""
    names = key.split("/")
    if (
        any(name in ("", ".", "..") or len(name.encode()) > _LONGEST_NAME for name in names)
        or names[0] == INCOMING
        or len(key.encode()) > _LONGEST_KEY
        or any(ord(character) < 32 or character in "\\\x7f" for character in key)
    ):
        raise InvalidKey(f"Object key {key[:200]!r} is not a plain relative path of at most {_LONGEST_KEY} bytes")
    return key
