"""Where a Redshift is and by whom it is entered; what AWS answers is written after its published descriptions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from oss_datastore.connections import redshift_address
from oss_datastore.redaction import redact_text
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore.warehouse import WarehouseUnavailable
from oss_datastore.warehouse.redshift_address import RedshiftAddress, RedshiftLocator

HOST = "main.123456789012.eu-west-1.redshift-serverless.amazonaws.com"
NEEDED = {
    "OSS_DATASTORE_WAREHOUSE": "redshift",
    "OSS_DATASTORE_WAREHOUSE_URL": "redshift://me:hunter2hunter2@db.example:5440/office",
    "OSS_DATASTORE_COPY_ROLE": "default",
    "S3_ROOT_BUCKET": "kept",
}


def workgroup(stub: Stubber, password: str, *, minutes: int) -> None:
    stub.add_response("get_workgroup", {"workgroup": {"endpoint": {"address": HOST, "port": 5439}}})
    stub.add_response(
        "get_credentials",
        {
            "dbUser": "IAMR:loader",
            "dbPassword": password,
            "expiration": datetime.now(UTC) + timedelta(minutes=minutes),
        },
        {"workgroupName": "main", "dbName": "office", "durationSeconds": 3600},
    )


@pytest.fixture
def stubs() -> dict[str, Stubber]:
    made = {}
    for service in ("redshift-serverless", "redshift"):
        client = boto3.client(service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")
        made[service] = Stubber(client)
        made[service].activate()
    return made


@pytest.fixture
def aws(stubs: dict[str, Stubber]) -> Callable[[str], Any]:
    return lambda service: stubs[service].client


def test_a_url_with_a_password_is_taken_as_it_stands(aws: Callable[[str], Any]) -> None:
    url = "redshift://me:p%40ss%2Fword@db.example:5440/office?sslmode=verify-full"
    assert RedshiftLocator(url, aws)() == RedshiftAddress(
        "db.example", 5440, "office", "me", "p@ss/word", "verify-full"
    )


def test_a_workgroup_gives_credentials_that_are_kept_until_they_near_their_end(
    stubs: dict[str, Stubber], aws: Callable[[str], Any]
) -> None:
    locator = RedshiftLocator("redshift+iam://main/office", aws)
    workgroup(stubs["redshift-serverless"], "given-for-an-hour", minutes=60)
    first = locator()
    assert (first.host, first.port, first.user, first.sslmode) == (HOST, 5439, "IAMR:loader", "require")
    assert locator() is first
    assert "given-for-an-hour" not in repr(first)
    assert "given-for-an-hour" not in redact_text("FATAL: password given-for-an-hour")


def test_credentials_that_end_within_minutes_are_asked_for_anew(
    stubs: dict[str, Stubber], aws: Callable[[str], Any]
) -> None:
    locator = RedshiftLocator("redshift+iam://main/office", aws)
    workgroup(stubs["redshift-serverless"], "given-for-minutes", minutes=5)
    workgroup(stubs["redshift-serverless"], "given-the-second-time", minutes=60)
    locator()
    assert locator().password == "given-the-second-time"


def test_a_name_that_is_no_workgroup_is_a_cluster(stubs: dict[str, Stubber], aws: Callable[[str], Any]) -> None:
    stubs["redshift-serverless"].add_client_error("get_workgroup", "ResourceNotFoundException")
    stubs["redshift"].add_response(
        "describe_clusters", {"Clusters": [{"Endpoint": {"Address": "old.example", "Port": 5555}}]}
    )
    stubs["redshift"].add_response(
        "get_cluster_credentials_with_iam",
        {"DbUser": "IAM:loader", "DbPassword": "secret-of-cluster", "Expiration": datetime.now(UTC)},
        {"ClusterIdentifier": "main", "DbName": "office", "DurationSeconds": 3600},
    )
    found = RedshiftLocator("redshift+iam://main/office", aws)()
    assert (found.host, found.port, found.user, found.password) == (
        "old.example",
        5555,
        "IAM:loader",
        "secret-of-cluster",
    )


def test_a_name_that_is_neither_is_named(stubs: dict[str, Stubber], aws: Callable[[str], Any]) -> None:
    stubs["redshift-serverless"].add_client_error("get_workgroup", "ResourceNotFoundException")
    stubs["redshift"].add_client_error("describe_clusters", "ClusterNotFound")
    with pytest.raises(WarehouseUnavailable, match=r"OSS_DATASTORE_WAREHOUSE_URL: .* no cluster 'main' in this region"):
        RedshiftLocator("redshift+iam://main/office", aws)()


def test_a_refusal_of_aws_is_said_and_no_other_kind_is_tried(
    stubs: dict[str, Stubber], aws: Callable[[str], Any]
) -> None:
    stubs["redshift-serverless"].add_client_error("get_workgroup", "AccessDeniedException", "not authorized")
    with pytest.raises(WarehouseUnavailable, match=r"gives no credentials for 'main': .*AccessDenied"):
        RedshiftLocator("redshift+iam://main/office", aws)()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OSS_DATASTORE_WAREHOUSE_URL", "redshift://db.example/office", "expected redshift://user:password@host"),
        ("OSS_DATASTORE_WAREHOUSE_URL", "redshift://me:hunter2hunter2@db.example", "expected redshift://user:password"),
        (
            "OSS_DATASTORE_WAREHOUSE_URL",
            "redshift://me:hunter2hunter2@db.example:no/x",
            "expected redshift://user:password@host",
        ),
        ("OSS_DATASTORE_WAREHOUSE_URL", "redshift+iam:///office", "expected redshift[+]iam://workgroup-or-cluster"),
        ("OSS_DATASTORE_WAREHOUSE_URL", "postgresql://me:hunter2hunter2@db/x", "expected redshift"),
        ("OSS_DATASTORE_COPY_ROLE", "", "OSS_DATASTORE_COPY_ROLE is needed with OSS_DATASTORE_WAREHOUSE=redshift"),
        ("OSS_DATASTORE_COPY_ROLE", "it's mine", "OSS_DATASTORE_COPY_ROLE: expected arn:aws:iam::"),
        ("S3_ROOT_BUCKET", "", "S3_ROOT_BUCKET is needed with OSS_DATASTORE_WAREHOUSE=redshift"),
    ],
)
def test_a_wrong_setting_is_one_line_without_the_password(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, setting in (NEEDED | {name: value}).items():
        monkeypatch.setenv(variable, setting)
    with pytest.raises(WrongSetting, match=told) as why:
        Settings.load()
    assert "hunter2" not in str(why.value)
    assert "\n" not in str(why.value)


def test_the_settings_give_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    assert redshift_address(Settings.load()).host == "db.example"
