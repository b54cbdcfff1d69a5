"""The function behind the custom resource, on the stand-in for Redshift: it adds what is missing and takes nothing."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import boto3
import psycopg2
import pytest
from botocore.stub import Stubber

from infra.infomarts import handler, template
from infra.infomarts.contracts import marts
from oss_datastore_tests.redshift.homes import redshift_warehouse
from oss_datastore_tests.redshift.shim import Shim


@pytest.fixture
def execute(redshift_url: str, moto_s3: str) -> Iterator[handler.Execute]:
    """Runs a statement as the Data API does: each by itself, and kept at once."""
    with closing(redshift_warehouse(redshift_url, moto_s3).connect()) as connection:
        connection.autocommit = True

        def run(sql: str) -> Sequence[Sequence[Any]]:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def wanted() -> dict[str, Any]:
    return template.wanted()


def columns(execute: handler.Execute) -> dict[str, list[tuple[str, str]]]:
    """Names and types of every infomart's columns."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_ in execute(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = 'infomarts' order by table_name, ordinal_position"
    ):
        found.setdefault(table, []).append((column, type_))
    return found


def may_read(redshift: Shim, redshift_url: str, who: str, table: str) -> bool:
    with closing(psycopg2.connect(redshift.behind(urlsplit(redshift_url).path.strip("/")))) as connection:
        cursor = connection.cursor()
        cursor.execute("select has_table_privilege(%s, %s, 'select')", [who, table])
        return bool(cursor.fetchone()[0])


def test_every_mart_is_made_empty_with_the_columns_of_its_contract(
    execute: handler.Execute, wanted: dict[str, Any]
) -> None:
    handler.apply(wanted, execute, execute)
    made = columns(execute)
    assert {name: [column for column, _ in found] for name, found in made.items()} == {
        name: [column.name for column in declared] for name, declared in marts().items()
    }
    assert dict(made["repo_popularity_daily"])["day"] == "date"
    assert execute("select count(*) from infomarts.repo_popularity_daily") == [(0,)]


def test_a_mart_that_dbt_makes_anew_stays_readable_and_personal_data_does_not_become_so(
    execute: handler.Execute, wanted: dict[str, Any], redshift: Shim, redshift_url: str
) -> None:
    handler.apply(wanted, execute, execute)
    execute("drop table infomarts.org_overview")
    execute("create table infomarts.org_overview (day date)")
    execute("create table psa_pii.people (login varchar(65535))")
    assert may_read(redshift, redshift_url, "oss_datastore_reader", "infomarts.org_overview")
    assert not may_read(redshift, redshift_url, "oss_datastore_reader", "psa_pii.people")
    assert may_read(redshift, redshift_url, "oss_datastore_pii_reader", "psa_pii.people")


def test_a_repetition_makes_nothing(execute: handler.Execute, wanted: dict[str, Any], redshift: Shim) -> None:
    handler.apply(wanted, execute, execute)
    before, first = columns(execute), len(redshift.statements)
    handler.apply(wanted, execute, execute)
    assert columns(execute) == before
    again = redshift.statements[first:]
    assert again
    assert not [
        said for said in again if said.startswith(("create role", "create table", "create user", "alter table"))
    ]


def test_a_column_that_is_new_in_a_contract_is_added_to_what_is_empty_and_left_to_dbt_elsewhere(
    execute: handler.Execute, wanted: dict[str, Any]
) -> None:
    wanted["Tables"] = {"filled": ["day date"], "empty": ["day date"]}
    handler.apply(wanted, execute, execute)
    execute("insert into infomarts.filled (day) values ('2026-10-14')")
    wanted["Tables"] = {name: ["day date", "hub_key char(32)"] for name in ("empty", "filled", "added")}
    handler.apply(wanted, execute, execute)
    wide = [("day", "date"), ("hub_key", "character")]
    assert columns(execute) == {"added": wide, "empty": wide, "filled": wide[:1]}
    assert [str(day) for (day,) in execute("select day from infomarts.filled")] == ["2026-10-14"]


def test_a_mart_that_dbt_made_meanwhile_is_not_touched(execute: handler.Execute, wanted: dict[str, Any]) -> None:
    execute("create schema infomarts")
    execute("create table infomarts.org_overview (of_dbt varchar(10))")
    execute("insert into infomarts.org_overview (of_dbt) values ('kept')")
    handler.apply(wanted, execute, execute)
    assert columns(execute)["org_overview"] == [("of_dbt", "character varying")]
    assert execute("select of_dbt from infomarts.org_overview") == [("kept",)]


def test_a_name_that_is_not_plain_is_never_sent(execute: handler.Execute, wanted: dict[str, Any]) -> None:
    with pytest.raises(handler.Refused, match="plain name"):
        handler.apply(wanted | {"Tables": {'x"; drop table y; --': ["day date"]}}, execute, execute)


def event(kind: str, wanted: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What CloudFormation sends. All values are texts there."""
    connection = {
        "WorkgroupName": "w",
        "Database": "dev",
        "PipelineRoleArn": "arn:aws:iam::123456789012:role/oss-datastore-run",
        "AdminSecretArn": "",
        "ReaderSecretArn": "",
    }
    of_stack = {name: f"the-{name}" for name in ("StackId", "RequestId", "LogicalResourceId")}
    properties = {"ServiceToken": "arn", "Connection": connection, **wanted}
    return {"RequestType": kind, "ResourceProperties": properties, **of_stack, **more}


def test_removing_the_stack_asks_nothing_of_redshift(wanted: dict[str, Any]) -> None:
    # No region and no credentials are needed for it.
    found = handler.handle(event("Delete", wanted, PhysicalResourceId="infomarts-1"), deadline=0)
    assert found == "infomarts-1"


@pytest.fixture
def aws(moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The session that boto3 keeps has the credentials of whoever asked first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name, value in {
        "AWS_ENDPOINT_URL": moto_s3,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "of-the-function",
        "AWS_SECRET_ACCESS_KEY": "x",
    }.items():
        monkeypatch.setenv(name, value)


def test_the_pipelines_user_owns_what_is_made_and_the_administrator_makes_users_and_roles(
    execute: handler.Execute,
    wanted: dict[str, Any],
    redshift: Shim,
    redshift_url: str,
    aws: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = secrets.token_hex(4)
    reader, password = f"reader_{mark}", "correct-horse-battery"
    kept = boto3.client("secretsmanager").create_secret(
        Name=reader, SecretString=json.dumps({"username": reader, "password": password})
    )
    said: dict[str, list[str]] = {"administrator": [], "pipeline": []}

    def data_api(client: Any, target: dict[str, str], deadline: float) -> handler.Execute:
        who = "administrator" if "SecretArn" in target else "pipeline"
        borrowed = client._request_signer._credentials.access_key != "of-the-function"
        assert borrowed == (who == "pipeline")

        def run(sql: str) -> Sequence[Sequence[Any]]:
            said[who].append(sql)
            return execute(sql)

        return run

    monkeypatch.setattr(handler, "DataApi", data_api)
    asked = event("Create", wanted)
    asked["ResourceProperties"]["Connection"] |= {
        "Database": urlsplit(redshift_url).path.strip("/"),
        "PipelineRoleArn": f"arn:aws:iam::123456789012:role/run-{mark}",
        "AdminSecretArn": "arn:of-the-administrator",
        "ReaderSecretArn": kept["ARN"],
    }
    first = handler.handle(asked, time.monotonic() + 60)
    assert handler.handle(asked, time.monotonic() + 60) == first
    assert first != handler.physical_id(wanted | {"Tables": {}})
    assert f'create user "IAMR:run-{mark}" password disable' in said["administrator"]
    assert not [sql for sql in said["administrator"] if "infomarts" in sql or "schema" in sql]
    assert not [sql for sql in said["pipeline"] if "role oss_datastore_reader to role" in sql or "create role" in sql]
    assert not [sql for sql in said["administrator"] + said["pipeline"] if password in sql]
    assert may_read(redshift, redshift_url, reader, "infomarts.org_overview")


@pytest.fixture
def client() -> Any:
    return boto3.client("redshift-data", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


TARGET = {"WorkgroupName": "warehouse", "Database": "dev"}


def described(status: str, **more: Any) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "describe_statement", {"Id": "1", "Status": status, **more}, {"Id": "1"}


def started(sql: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    return "execute_statement", {"Id": "1"}, {"Sql": sql, **TARGET}


def test_a_statement_is_waited_for_and_its_pages_are_joined(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler.time, "sleep", lambda seconds: None)
    with Stubber(client) as stub:
        for name, answer, asked in (
            started("select 1"),
            described("SUBMITTED"),
            described("FINISHED", HasResultSet=True),
            ("get_statement_result", {"Records": [[{"stringValue": "a"}]], "NextToken": "2"}, {"Id": "1"}),
            ("get_statement_result", {"Records": [[{"isNull": True}]]}, {"Id": "1", "NextToken": "2"}),
        ):
            stub.add_response(name, answer, asked)
        assert handler.DataApi(client, TARGET, time.monotonic() + 60)("select 1") == [["a"], [None]]
        stub.assert_no_pending_responses()


def test_what_passes_is_tried_again_and_what_does_not_is_told_with_its_statement(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler.time, "sleep", lambda seconds: None)
    with Stubber(client) as stub:
        stub.add_client_error("execute_statement", "ActiveStatementsExceededException")
        for name, answer, asked in (
            started("create schema a"),
            described("FAILED", Error="ERROR: 1023 Serializable isolation violation on table"),
            started("create schema a"),
            described("FAILED", Error="ERROR: permission denied for database dev"),
        ):
            stub.add_response(name, answer, asked)
        with pytest.raises(handler.Refused, match="permission denied for database dev in: create schema a"):
            handler.DataApi(client, TARGET, time.monotonic() + 60)("create schema a")
        stub.assert_no_pending_responses()


def test_a_statement_that_outlasts_the_function_is_cancelled(client: Any) -> None:
    with Stubber(client) as stub:
        for name, answer, asked in (
            started("select 1"),
            described("STARTED"),
            ("cancel_statement", {"Status": True}, {"Id": "1"}),
        ):
            stub.add_response(name, answer, asked)
        with pytest.raises(handler.TooLate):
            handler.DataApi(client, TARGET, time.monotonic())("select 1")
        stub.assert_no_pending_responses()


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Where CloudFormation waits for an answer, and what came."""
    came: list[dict[str, Any]] = []

    class Waiting(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Waiting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/answer", came
        server.shutdown()


def test_cloudformation_is_told_of_failures_too(
    answers: tuple[str, list[dict[str, Any]]], wanted: dict[str, Any], aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(client: Any, target: dict[str, str], deadline: float) -> handler.Execute:
        def run(sql: str) -> Sequence[Sequence[Any]]:
            raise handler.Refused("permission denied")

        return run

    monkeypatch.setattr(handler, "DataApi", refuses)
    url, came = answers
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    handler.main(event("Create", wanted, ResponseURL=url), context)
    handler.main(event("Delete", wanted, ResponseURL=url, PhysicalResourceId="infomarts-1"), context)
    assert [(one["Status"], one["PhysicalResourceId"]) for one in came] == [
        ("FAILED", "infomarts-not-made"),
        ("SUCCESS", "infomarts-1"),
    ]
    assert came[0]["Reason"] == "Refused: permission denied"
    assert came[0]["StackId"] == "the-StackId"
