"""Where a Redshift is and by whom it is entered: with a password, or with credentials that AWS gives for an hour.

`redshift://user:password@host:5439/database`, or `redshift+iam://name/database`, where the name is a serverless
workgroup's or a provisioned cluster's; either may end with `?sslmode=`. The settings have checked the form.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from oss_datastore.redaction import remember_secret
from oss_datastore.warehouse.engine import WarehouseUnavailable

PORT = 5439
_HOUR = 3600
_EARLY = timedelta(minutes=10)
"""Credentials are asked for anew so long before they end: dbt takes them to its own process."""

AwsClient = Callable[[str], Any]
"""Gives the client of an AWS service by its name."""


@dataclass(frozen=True)
class RedshiftAddress:
    """What a driver needs to connect."""

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    sslmode: str = "require"
    until: datetime | None = None
    """When the password ends; None: it does not."""


class RedshiftLocator:
    """Resolves one URL, and keeps what AWS gave until shortly before it ends."""

    def __init__(self, url: str, aws: AwsClient) -> None:
        self._url = url
        self._aws = aws
        self._lock = Lock()
        self._known: RedshiftAddress | None = None

    def __call__(self) -> RedshiftAddress:
        """The address as it holds now. Raises WarehouseUnavailable where AWS refuses."""
        with self._lock:
            if self._known is None or (
                self._known.until is not None and self._known.until - _EARLY < datetime.now(UTC)
            ):
                self._known = _resolve(self._url, self._aws)
                remember_secret(self._known.password)
            return self._known


def _resolve(url: str, aws: AwsClient) -> RedshiftAddress:
    parts = urlsplit(url)
    sslmode = parse_qs(parts.query).get("sslmode", ["require"])[0]
    database = unquote(parts.path.strip("/"))
    name = parts.hostname or ""
    if parts.scheme == "redshift":
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return RedshiftAddress(name, parts.port or PORT, database, user, password, sslmode)
    try:
        return _of_workgroup(aws("redshift-serverless"), name, database, sslmode)
    except (ClientError, BotoCoreError) as why:
        if not _is_missing(why):
            raise _refused(name, why) from None
    try:
        return _of_cluster(aws("redshift"), name, database, sslmode)
    except (ClientError, BotoCoreError) as why:
        if _is_missing(why):
            raise WarehouseUnavailable(
                f"OSS_DATASTORE_WAREHOUSE_URL: there is no serverless workgroup and no cluster {name!r} in this region"
            ) from None
        raise _refused(name, why) from None


def _of_workgroup(client: Any, name: str, database: str, sslmode: str) -> RedshiftAddress:
    endpoint = client.get_workgroup(workgroupName=name)["workgroup"]["endpoint"]
    given = client.get_credentials(workgroupName=name, dbName=database, durationSeconds=_HOUR)
    return RedshiftAddress(
        endpoint["address"],
        endpoint["port"],
        database,
        given["dbUser"],
        given["dbPassword"],
        sslmode,
        given["expiration"],
    )


def _of_cluster(client: Any, name: str, database: str, sslmode: str) -> RedshiftAddress:
    [cluster] = client.describe_clusters(ClusterIdentifier=name)["Clusters"]
    given = client.get_cluster_credentials_with_iam(ClusterIdentifier=name, DbName=database, DurationSeconds=_HOUR)
    return RedshiftAddress(
        cluster["Endpoint"]["Address"],
        cluster["Endpoint"]["Port"],
        database,
        given["DbUser"],
        given["DbPassword"],
        sslmode,
        given["Expiration"],
    )


def _is_missing(why: ClientError | BotoCoreError) -> bool:
    code = why.response["Error"]["Code"] if isinstance(why, ClientError) else ""
    return code in ("ResourceNotFoundException", "ClusterNotFound", "ClusterNotFoundFault")


def _refused(name: str, why: Exception) -> WarehouseUnavailable:
    return WarehouseUnavailable(f"OSS_DATASTORE_WAREHOUSE_URL: AWS gives no credentials for {name!r}: {why}")
