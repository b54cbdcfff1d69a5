"""The raw store in an S3 bucket: conditional writes, checksums there and back, errors that say what to grant or set.

A request may be answered twice, late or never, and S3 may have done what was asked nonetheless: what is known of an
object is always found out from the object.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import random
import time
from collections.abc import Iterator
from datetime import UTC
from shlex import quote
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError, NoCredentialsError

from oss_datastore.staging.store.protocol import (
    ObjectDamaged,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    StoreUnavailable,
    checked_key,
)

_PART_SIZE = 16 * 1024 * 1024
_CONFLICT_ATTEMPTS = 6
_READ_ATTEMPTS = 4
_DIGEST = "sha256"
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})

_GRANT = (
    "grant the role s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects, "
    "s3:ListBucket on the bucket, and with OSS_DATASTORE_STORE_KMS_KEY kms:GenerateDataKey and kms:Decrypt on the key"
)
_CREDENTIALS = "renew or correct the AWS credentials of this process"
_CLOCK = "set this machine's clock, which differs too much from that of S3"
_REGION = "set AWS_DEFAULT_REGION to the bucket's region"
_KEY = "check OSS_DATASTORE_STORE_KMS_KEY: the key must exist in the bucket's region and be enabled"
_ADVICE = {
    "NoSuchBucket": "create the bucket or correct S3_ROOT_BUCKET",
    "AccessDenied": _GRANT,
    "AllAccessDisabled": _GRANT,
    "403": _GRANT,
    "ExpiredToken": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "RequestTimeTooSkewed": _CLOCK,
    "RequestExpired": _CLOCK,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "KMS.NotFoundException": _KEY,
    "KMS.DisabledException": _KEY,
    "KMS.KMSInvalidStateException": _KEY,
    "InvalidStorageClass": "correct OSS_DATASTORE_STORE_CLASS",
    "SlowDown": "S3 asks for fewer requests; the same command goes on later",
}
_CHECK = "check S3_ROOT_BUCKET, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL and the credentials"

Versions = list[dict[str, Any]]  # named here, because within the class `list` is the method


class S3Store:
    """Objects below `prefix` of a bucket, written with `If-None-Match: *` and a SHA-256 that S3 checks.

    The SHA-256 of the whole stays with the object as metadata and is compared on every read: of an object written in
    parts S3 itself keeps only a checksum over the parts' checksums, which no client compares.

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
                    self._put(name, data, IfNoneMatch="*")
                return
            except ClientError as problem:
                code = _code(problem)
                # The first try of a retried request may have been stored before its answer was lost; an upload in
                # parts that was completed so is unknown to the second try.
                looks_stored = code in ("PreconditionFailed", "412", "NoSuchUpload")
                if looks_stored and (ours := self._holds(key, data)) is not None:
                    if ours:
                        return
                    raise ObjectExists(f"{self.url(key)} exists with other content") from None
                # Two writers at the same moment; S3 asks the loser to look again. So does what is gone by now.
                again = looks_stored or code in ("ConditionalRequestConflict", "409")
                if again and attempt < _CONFLICT_ATTEMPTS:
                    _pause(attempt)
                    continue
                self._unavailable("write", key, problem)
            except BotoCoreError as problem:
                self._unavailable("write", key, problem)

    def get(self, key: str) -> bytes:
        try:
            return self._read(key)
        except ClientError as problem:
            if _code(problem) in _MISSING:
                raise ObjectMissing(f"{self.url(key)} does not exist") from None
            self._unavailable("read", key, problem)
        except BotoCoreError as problem:
            self._unavailable("read", key, problem)

    def head(self, key: str) -> ObjectInfo | None:
        try:
            answer = self._client.head_object(Bucket=self.bucket, Key=self._name(key))
        except ClientError as problem:
            if _code(problem) in _MISSING:
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
            self._put(self._name(key), data)
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("write", key, problem)

    def rewrite(self, key: str, data: bytes) -> None:
        name = self._name(key)
        try:
            self._put(name, data)
            self._remove([version for version in self._old_versions(name) if version["Key"] == name])
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("rewrite", key, problem)

    def purge(self, prefix: str) -> None:
        try:
            self._remove(self._old_versions(self.prefix + prefix))
        except (ClientError, BotoCoreError) as problem:
            self._unavailable("purge", prefix, problem)

    def url(self, key: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{key}"

    def _name(self, key: str) -> str:
        return self.prefix + checked_key(key)

    def _put(self, name: str, data: bytes, **condition: str) -> None:
        self._client.put_object(Key=name, Body=data, ChecksumSHA256=_sha256(data), **condition, **self._target(data))

    def _target(self, data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        return {
            "Bucket": self.bucket,
            "ChecksumAlgorithm": "SHA256",
            "Metadata": {_DIGEST: digest},
            **self._options,
        }

    def _put_parts(self, name: str, data: bytes) -> None:
        where = {"Bucket": self.bucket, "Key": name}
        upload = self._client.create_multipart_upload(Key=name, **self._target(data))["UploadId"]
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

    def _read(self, key: str) -> bytes:
        """An object's bytes, all of them and no others.

        The client repeats requests, but not the reading of an answer's body.
        """
        for attempt in range(1, _READ_ATTEMPTS + 1):
            answer = self._client.get_object(Bucket=self.bucket, Key=self._name(key))
            try:
                body: bytes = answer["Body"].read()
            except FlexibleChecksumError:
                pass
            except BotoCoreError:
                if attempt == _READ_ATTEMPTS:
                    raise
            else:
                if _digest(answer) in (None, hashlib.sha256(body).hexdigest()):
                    return body
            if attempt < _READ_ATTEMPTS:
                _pause(attempt)
        raise ObjectDamaged(
            f"{self.url(key)} came {_READ_ATTEMPTS} times with other bytes than were written (by its SHA-256); look "
            "for what changes them on the way, or put an older version or a copy of the object in its place"
        )

    def _holds(self, key: str, data: bytes) -> bool | None:
        """Whether the object is byte for byte ours: by size and SHA-256, else by reading it. None: there is none."""
        try:
            answer = self._client.head_object(ChecksumMode="ENABLED", Bucket=self.bucket, Key=self._name(key))
            if answer["ContentLength"] != len(data):
                return False
            if (known := _digest(answer)) is not None:
                return known == hashlib.sha256(data).hexdigest()
            if answer.get("ChecksumSHA256") == _sha256(data):
                return True
            return self._read(key) == data
        except (ClientError, BotoCoreError) as problem:
            if _code(problem) in _MISSING:
                return None
            self._unavailable("compare", key, problem)

    def _old_versions(self, prefix: str) -> Versions:
        """What a versioned bucket still has of objects that were replaced or deleted, deletions' markers last.

        All of them are known before the first is removed: without its marker an older version would be the newest.
        """
        old: Versions = []
        markers: Versions = []
        for page in self._client.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Prefix=prefix):
            old += [version for version in page.get("Versions", ()) if not version["IsLatest"]]
            markers += page.get("DeleteMarkers", ())
        return old + markers

    def _remove(self, versions: Versions) -> None:
        for version in versions:
            self._client.delete_object(Bucket=self.bucket, Key=version["Key"], VersionId=version["VersionId"])

    def _unavailable(self, verb: str, key: str, problem: ClientError | BotoCoreError) -> NoReturn:
        code = _code(problem)
        if isinstance(problem, ClientError):
            reason = f"{code or 'unknown'}: {problem.response.get('Error', {}).get('Message', '')}".rstrip(": .")
        else:
            reason = str(problem)
        reason = " ".join(reason.split())
        advice = _ADVICE.get(code, _CREDENTIALS if isinstance(problem, NoCredentialsError) else _CHECK)
        if code == "InvalidObjectState":
            advice = (
                "the object was moved to an archive class; restore it (aws s3api restore-object --bucket "
                f"{self.bucket} --key {quote(self.prefix + key)} --restore-request Days=7) and let the lifecycle "
                "rule of the bucket move objects to GLACIER_IR at most"
            )
        raise StoreUnavailable(
            f"Cannot {verb} {key!r} in s3://{self.bucket}/{self.prefix} (S3_ROOT_BUCKET): {reason}; {advice}"
        ) from problem


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311


def _digest(answer: dict[str, Any]) -> str | None:
    """The SHA-256 that was stored with an object, in hexadecimal digits; None where another program wrote it."""
    metadata: dict[str, str] = answer.get("Metadata", {})
    return next((value for name, value in metadata.items() if name.lower() == _DIGEST), None)


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def _code(problem: Exception) -> str:
    return str(problem.response.get("Error", {}).get("Code", "")) if isinstance(problem, ClientError) else ""
