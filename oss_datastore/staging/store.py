"""Where raw answers lie: write-once objects under string keys, in a folder or in an S3 bucket.

Here belongs how bytes become durable and stay what they were. What the bytes mean (parts, generations,
ledger) does not: see the rest of `staging`.

An object never changes: `put_if_absent` either creates it whole and durable, finds the very same bytes there
already (a repeated or retried write) or raises `ObjectExists`. Both stores pass one suite of tests.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import hashlib
import os
import random
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, Protocol

from botocore.exceptions import BotoCoreError, ClientError

_INCOMING = ".incoming"
_STALE_SECONDS = 3600.0
_LONGEST_KEY = 1024  # bytes; the limit of S3
_LONGEST_NAME = 255  # bytes between two slashes; the limit of common file systems
_PART_SIZE = 16 * 1024 * 1024
_CONFLICT_ATTEMPTS = 6
_READ_ATTEMPTS = 4


class StoreError(Exception):
    """The object store could not do what was asked; the message is one line for people."""


class ObjectExists(StoreError):
    """Another object lies under the key already; nothing was changed."""


class ObjectMissing(StoreError):
    """No object lies under the key."""


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
        """The bytes; `ObjectMissing` if there are none."""

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
        or names[0] == _INCOMING
        or len(key.encode()) > _LONGEST_KEY
        or any(ord(character) < 32 or character in "\\\x7f" for character in key)
    ):
        raise InvalidKey(f"Object key {key[:200]!r} is not a plain relative path of at most {_LONGEST_KEY} bytes")
    return key


class LocalStore:
    """Objects as files below `root`, which is made on the first write.

    A write goes to a temporary file, is flushed, and gets its name by a hard link: a link fails where the
    name exists, so one of several writers wins, and a crash leaves either the whole object or none.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._swept = False

    def __repr__(self) -> str:
        return f"LocalStore({self.root})"

    def put_if_absent(self, key: str, data: bytes) -> None:
        path = self._path(key)
        temporary: Path | None = None
        try:
            self._make_directories(path.parent)
            temporary = self._write_temporary(data)
            try:
                os.link(temporary, path)
            except FileExistsError:
                if not path.is_file() or path.read_bytes() != data:
                    raise ObjectExists(f"{self.url(key)} exists with other content") from None
            _flush_directory(path.parent)
        except OSError as problem:
            self._unavailable("write", key, problem)
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectMissing(f"{self.url(key)} does not exist") from None
        except OSError as problem:
            self._unavailable("read", key, problem)

    def head(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            self._unavailable("read", key, problem)
        if path.is_dir():
            return None
        return ObjectInfo(size=status.st_size, modified=datetime.fromtimestamp(status.st_mtime, UTC))

    def list(self, prefix: str) -> Iterator[str]:
        folder = prefix.rpartition("/")[0]
        start = self._path(folder) if folder else self.root
        try:
            yield from _walk(start, f"{folder}/" if folder else "", prefix)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as problem:
            self._unavailable("list", prefix, problem)

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
            _flush_directory(path.parent)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return
        except OSError as problem:
            self._unavailable("delete", key, problem)

    def overwrite(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            self._make_directories(path.parent)
        except OSError as problem:
            self._unavailable("write", key, problem)
        self.rewrite(key, data)

    def rewrite(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            os.replace(self._write_temporary(data), path)
            _flush_directory(path.parent)
        except OSError as problem:
            self._unavailable("rewrite", key, problem)

    def purge(self, prefix: str) -> None:
        """A folder keeps no older versions."""

    def url(self, key: str) -> str:
        return (self.root / key).as_uri()

    def _path(self, key: str) -> Path:
        path = self.root / checked_key(key)
        # A link inside the root could point out of it; the root itself may be a link to a larger disk.
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            raise InvalidKey(f"Object key {key!r} leads out of {self.root}")
        return path

    def _make_directories(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            # The name of a new folder is durable only when its parent is flushed.
            _flush_directory(path.parent)

    def _write_temporary(self, data: bytes) -> Path:
        incoming = self.root / _INCOMING
        self._make_directories(incoming)
        self._sweep(incoming)
        temporary = incoming / f"{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _sweep(self, incoming: Path) -> None:
        """Remove what killed writers left behind, once per process."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - _STALE_SECONDS
        for path in incoming.iterdir():
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:  # another process swept at the same time
                continue

    def _unavailable(self, verb: str, key: str, problem: OSError) -> NoReturn:
        advice = {
            errno.ENOSPC: "free some space or move OSS_DATASTORE_HOME to a larger disk",
            errno.EDQUOT: "raise the quota or move OSS_DATASTORE_HOME to another disk",
        }.get(problem.errno or 0, "check the folder's owner and permissions, or set OSS_DATASTORE_HOME")
        raise StoreUnavailable(
            f"Cannot {verb} {key!r} in the store {self.root}: {problem.strerror or problem}; {advice}"
        ) from problem


class S3Store:
    """Objects below `prefix` of a bucket, written with `If-None-Match: *` and a SHA-256 that S3 checks.

    `client` is a boto3 S3 client whose own retries handle 5xx and lost connections.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        prefix: str = "",
        kms_key: str | None = None,
        storage_class: str | None = None,
    ) -> None:
        self._client = client
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options: dict[str, Any] = {}
        if kms_key:
            self._options |= {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": kms_key,
                "BucketKeyEnabled": True,
            }
        if storage_class:
            self._options["StorageClass"] = storage_class

    def __repr__(self) -> str:
        return f"S3Store(s3://{self.bucket}/{self.prefix})"

    def put_if_absent(self, key: str, data: bytes) -> None:
        name = self._name(key)
        for attempt in range(1, _CONFLICT_ATTEMPTS + 1):
            try:
                if len(data) > _PART_SIZE:
                    self._put_parts(name, data)
                else:
                    self._client.put_object(
                        Key=name, Body=data, IfNoneMatch="*", ChecksumSHA256=_sha256(data), **self._target()
                    )
                return
            except ClientError as problem:
                code = _code(problem)
                # The first try of a retried request may have been stored before its answer was lost; an upload in
                # parts that was completed so is unknown to the second try.
                looks_stored = code in ("PreconditionFailed", "412", "NoSuchUpload")
                if looks_stored and (ours := self._holds(name, data)) is not None:
                    if ours:
                        return
                    raise ObjectExists(f"{self.url(key)} exists with other content") from None
                # Two writers at the same moment; S3 asks the loser to look again. So does what is gone by now.
                again = looks_stored or code in ("ConditionalRequestConflict", "409")
                if again and attempt < _CONFLICT_ATTEMPTS:
                    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311
                    continue
                self._unavailable("write", key, problem)
            except BotoCoreError as problem:
                self._unavailable("write", key, problem)

    def get(self, key: str) -> bytes:
        try:
            return self._read(self._name(key))
        except ClientError as problem:
            if _code(problem) in ("NoSuchKey", "404"):
                raise ObjectMissing(f"{self.url(key)} does not exist") from None
            self._unavailable("read", key, problem)
        except BotoCoreError as problem:
            self._unavailable("read", key, problem)

    def head(self, key: str) -> ObjectInfo | None:
        try:
            answer = self._client.head_object(Bucket=self.bucket, Key=self._name(key))
        except ClientError as problem:
            if _code(problem) in ("NoSuchKey", "404", "NotFound"):
                return None
            self._unavailable("read", key, problem)
        except BotoCoreError as problem:
            self._unavailable("read", key, problem)
        return ObjectInfo(size=answer["ContentLength"], modified=answer["LastModified"].astimezone(UTC))

    def list(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + prefix)
        try:
            for page in pages:
                for item in page.get("Contents", ()):
                    yield item["Key"].removeprefix(self.prefix)
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("list", prefix, problem)

    def delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self.bucket, Key=self._name(key))
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("delete", key, problem)

    def overwrite(self, key: str, data: bytes) -> None:
        try:
            self._client.put_object(Key=self._name(key), Body=data, ChecksumSHA256=_sha256(data), **self._target())
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("write", key, problem)

    def rewrite(self, key: str, data: bytes) -> None:
        name = self._name(key)
        try:
            self._client.put_object(Key=name, Body=data, ChecksumSHA256=_sha256(data), **self._target())
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=name)
            for page in pages:
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    if version["Key"] == name and not version["IsLatest"]:
                        self._client.delete_object(Bucket=self.bucket, Key=name, VersionId=version["VersionId"])
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("rewrite", key, problem)

    def purge(self, prefix: str) -> None:
        try:
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                old = [v for v in page.get("Versions", ()) if not v["IsLatest"]]
                for version in (*old, *page.get("DeleteMarkers", ())):
                    self._client.delete_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("purge", prefix, problem)

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{key}"

    def _name(self, key: str) -> str:
        return self.prefix + checked_key(key)

    def _target(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "ChecksumAlgorithm": "SHA256", **self._options}

    def _put_parts(self, name: str, data: bytes) -> None:
        where = {"Bucket": self.bucket, "Key": name}
        upload = self._client.create_multipart_upload(Key=name, **self._target())["UploadId"]
        try:
            parts = []
            for number, start in enumerate(range(0, len(data), _PART_SIZE), start=1):
                piece = data[start : start + _PART_SIZE]
                checksum = _sha256(piece)
                answer = self._client.upload_part(
                    UploadId=upload, PartNumber=number, Body=piece, ChecksumSHA256=checksum, **where
                )
                parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
            self._client.complete_multipart_upload(
                UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*", **where
            )
        except (ClientError, BotoCoreError):
            # The first failure is the one to report; the lifecycle rule of the bucket ends what stays.
            with contextlib.suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(UploadId=upload, **where)
            raise

    def _read(self, name: str) -> bytes:
        """An object's bytes, all of them. The client repeats requests, but not the reading of an answer's body."""
        for attempt in range(1, _READ_ATTEMPTS + 1):
            answer = self._client.get_object(Bucket=self.bucket, Key=name)
            try:
                body: bytes = answer["Body"].read()
                return body
            except BotoCoreError:
                if attempt == _READ_ATTEMPTS:
                    raise
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311
        raise AssertionError("the last attempt returns or raises")

    def _holds(self, name: str, data: bytes) -> bool | None:
        """Whether the object is byte for byte ours: by size and SHA-256, else by reading it. None: there is none."""
        where = {"Bucket": self.bucket, "Key": name}
        try:
            answer = self._client.head_object(ChecksumMode="ENABLED", **where)
            if answer["ContentLength"] != len(data):
                return False
            if answer.get("ChecksumSHA256") == _sha256(data):
                return True
            # Of an object written in parts S3 may know only a checksum over their checksums.
            return self._read(name) == data
        except (ClientError, BotoCoreError) as problem:
            if _code(problem) in ("NoSuchKey", "404", "NotFound"):
                return None
            self._unavailable("compare", name, problem)

    def _unavailable(self, verb: str, key: str, problem: ClientError | BotoCoreError) -> NoReturn:
        if isinstance(problem, ClientError):
            error = problem.response.get("Error", {})
            reason = f"{error.get('Code', 'unknown')}: {error.get('Message', '')}".rstrip(": .")
        else:
            reason = str(problem)
        advice = {
            "NoSuchBucket": "create the bucket or correct S3_ROOT_BUCKET",
            "AccessDenied": "grant the role s3:GetObject, PutObject, DeleteObject and ListBucket on it",
            "403": "grant the role s3:GetObject, PutObject, DeleteObject and ListBucket on it",
            "InvalidObjectState": "the object is archived; restore it first",
        }.get(_code(problem), "check S3_ROOT_BUCKET, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL and the credentials")
        raise StoreUnavailable(
            f"Cannot {verb} {key!r} in s3://{self.bucket}/{self.prefix}: {reason}; {advice}"
        ) from problem


def _walk(folder: Path, before: str, prefix: str) -> Iterator[str]:
    """Keys below a folder in the order of the whole key: `a.b` before `a/b`, hence the slash on folders."""
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""), entry.path)
            for entry in entries
            if not entry.is_symlink() and not (before == "" and entry.name == _INCOMING)
        )
    for name, path in found:
        key = before + name
        if name.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                yield from _walk(Path(path), key, prefix)
        elif key.startswith(prefix):
            yield key


def _flush_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _code(problem: Exception) -> str:
    return str(problem.response.get("Error", {}).get("Code", "")) if isinstance(problem, ClientError) else ""
