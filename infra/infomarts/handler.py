"""The Lambda function behind the custom resource: schemas, roles, rights and empty marts in Redshift.

It has no package of ours and nothing but boto3, for it is deployed as this one file. What it is to make comes with the
event, so a changed contract is a changed resource. `apply` is given two ways to run a statement and knows nothing of
AWS: `execute` is the pipeline's own user, who owns what is made, so that dbt may replace it and the default privileges
hold for what dbt makes; `administer` is who may make users and roles.

Nothing is ever dropped. A mart that holds rows is dbt's; it is left as it is until dbt makes it anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

log = logging.getLogger()
log.setLevel(logging.INFO)

Execute = Callable[[str], Sequence[Sequence[Any]]]
"""Runs one statement and returns its rows. Raises Refused."""

_TRANSIENT = re.compile(
    r"Serializable isolation violation|conflict with concurrent|is being resumed|ActiveStatements", re.IGNORECASE
)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ATTEMPTS = 5
_MARGIN_SECONDS = 20.0
"""What is kept of the function's time to tell CloudFormation how it ended."""


class Refused(Exception):
    """Redshift did not take a statement."""


class TooLate(Exception):
    """The function's time is up."""


def apply(wanted: Mapping[str, Any], execute: Execute, administer: Execute) -> None:
    """Makes what is missing of users, `Roles`, `Schemas`, `Grants` and `Tables`. Raises Refused."""
    _make_users(wanted, administer)
    there = {str(row[0]) for row in administer("select role_name from svv_roles")}
    for role in wanted["Roles"]:
        if role not in there:
            administer(f"create role {_plain(role)}")
    of_roles = [grant for grant in wanted["Grants"] if grant.startswith("grant role ")]
    for grant in of_roles:
        administer(grant)
    if wanted.get("Reader"):
        administer(f"grant role {_plain(wanted['Roles'][0])} to {_plain(wanted['Reader'])}")
    for schema in wanted["Schemas"]:
        execute(f"create schema if not exists {_plain(schema)}")
    for grant in wanted["Grants"]:
        if grant not in of_roles:
            execute(grant)
    _make_tables(wanted["Tables"], execute)


def _make_users(wanted: Mapping[str, Any], administer: Execute) -> None:
    pipeline, reader = wanted.get("Pipeline"), wanted.get("Reader")
    if not (pipeline or reader):
        return
    there = {str(row[0]) for row in administer("select usename from pg_user")}
    if pipeline:
        if pipeline not in there:
            administer(f"create user {_quoted(pipeline)} password disable")
        administer(f"grant create on database {_quoted(wanted['Database'])} to {_quoted(pipeline)}")
    if reader:
        # A hash, so that the password stands in no history of statements.
        hashed = "md5" + hashlib.md5((wanted["Password"] + reader).encode(), usedforsecurity=False).hexdigest()
        verb = "alter" if reader in there else "create"
        administer(f"{verb} user {_plain(reader)} password '{hashed}'")


def _make_tables(tables: Mapping[str, Sequence[str]], execute: Execute) -> None:
    known: dict[str, set[str]] = {}
    asked = "select table_name, column_name from information_schema.columns where table_schema = 'infomarts'"
    for table, column in execute(asked):
        known.setdefault(str(table), set()).add(str(column))
    for table, columns in sorted(tables.items()):
        declared = {name: f'"{_plain(name)}" {type_}' for name, type_ in (column.split(" ", 1) for column in columns)}
        target = f"infomarts.{_plain(table)}"
        if table not in known:
            execute(f"create table if not exists {target} ({', '.join(declared.values())})")
            continue
        missing = [name for name in declared if name not in known[table]]
        if missing and not execute(f"select 1 from {target} limit 1"):  # noqa: S608 - the name is plain
            for name in missing:
                execute(f"alter table {target} add column {declared[name]}")


def _plain(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Refused(f"expected a plain name of lower case letters, digits and underscores, came {name!r}")
    return name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def physical_id(wanted: Mapping[str, Any]) -> str:
    """The hash of what is wanted: the same content is the same resource."""
    return "infomarts-" + hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]


class DataApi:
    """Runs statements by the Redshift Data API and waits for them until `deadline` (of time.monotonic)."""

    def __init__(self, client: Any, target: Mapping[str, str], deadline: float) -> None:
        self._client, self._target, self._deadline = client, dict(target), deadline

    def __call__(self, sql: str) -> list[list[Any]]:
        """The rows of a statement. Raises Refused, and TooLate after the statement was cancelled."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._once(sql)
            except Exception as why:
                told = f"{type(why).__name__}: {why}"
                if isinstance(why, TooLate) or attempt == _ATTEMPTS or not _TRANSIENT.search(told):
                    raise
                log.info("again in %d s: %s", 2**attempt, told)
                self._wait(2**attempt)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, sql: str) -> list[list[Any]]:
        identifier = self._client.execute_statement(Sql=sql, **self._target)["Id"]
        pause = 0.2
        while True:
            state = self._client.describe_statement(Id=identifier)
            if state["Status"] == "FINISHED":
                return self._rows(identifier) if state.get("HasResultSet") else []
            if state["Status"] in ("FAILED", "ABORTED"):
                raise Refused(f"{state.get('Error') or state['Status']} in: {sql[:200]}")
            try:
                self._wait(pause)
            except TooLate:
                self._client.cancel_statement(Id=identifier)
                raise
            pause = min(5.0, pause * 1.5)

    def _rows(self, identifier: str) -> list[list[Any]]:
        rows: list[list[Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self._client.get_statement_result(Id=identifier, **more)
            rows += [[None if "isNull" in f else next(iter(f.values())) for f in row] for row in page["Records"]]
            if not page.get("NextToken"):
                return rows
            more = {"NextToken": page["NextToken"]}

    def _wait(self, seconds: float) -> None:
        if time.monotonic() + seconds > self._deadline:
            raise TooLate("Redshift did not answer within the time of the function; update the stack to go on")
        time.sleep(seconds)


def handle(event: Mapping[str, Any], deadline: float) -> str:
    """Does what CloudFormation asks. Returns the physical id. Raises Refused, TooLate and boto3's errors."""
    properties = dict(event["ResourceProperties"])
    connection = properties.pop("Connection")
    properties.pop("ServiceToken", None)
    # Since a service timeout is not content, it makes no new resource.
    properties.pop("ServiceTimeout", None)
    identifier = physical_id(properties)
    if event["RequestType"] == "Delete":
        # An update that changes the content deletes the former id: data stays in either case.
        return str(event["PhysicalResourceId"])
    import boto3
    from botocore.config import Config

    patient = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=10, read_timeout=30)
    role = connection["PipelineRoleArn"]
    lent = boto3.client("sts", config=patient).assume_role(RoleArn=role, RoleSessionName="infomarts")["Credentials"]
    as_pipeline = boto3.client(
        "redshift-data",
        config=patient,
        aws_access_key_id=lent["AccessKeyId"],
        aws_secret_access_key=lent["SecretAccessKey"],
        aws_session_token=lent["SessionToken"],
    )
    target = {"WorkgroupName": connection["WorkgroupName"], "Database": connection["Database"]}
    execute = DataApi(as_pipeline, target, deadline)
    if not connection.get("AdminSecretArn"):
        apply(properties, execute, execute)
        return identifier
    secret = boto3.client("secretsmanager", config=patient).get_secret_value(SecretId=connection["ReaderSecretArn"])
    entry = json.loads(secret["SecretString"])
    known = {
        "Pipeline": "IAMR:" + role.rpartition("/")[2],
        "Database": connection["Database"],
        "Reader": entry["username"],
        "Password": entry["password"],
    }
    as_admin = boto3.client("redshift-data", config=patient)
    administer = DataApi(as_admin, {**target, "SecretArn": connection["AdminSecretArn"]}, deadline)
    apply({**properties, **known}, execute, administer)
    return identifier


def main(event: Mapping[str, Any], context: Any) -> None:
    """Entry of the function: whatever happens, CloudFormation is told."""
    deadline = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS
    identifier = str(event.get("PhysicalResourceId") or "infomarts-not-made")
    try:
        identifier, status, reason = handle(event, deadline), "SUCCESS", "made what was missing"
    except Exception as why:
        log.exception("the request failed")
        status, reason = "FAILED", f"{type(why).__name__}: {why}"
    answer = {
        "Status": status,
        "Reason": reason[:1000],
        "PhysicalResourceId": identifier,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    body, kind = json.dumps(answer).encode(), {"Content-Type": ""}
    request = urllib.request.Request(event["ResponseURL"], body, kind, method="PUT")  # noqa: S310
    for attempt in range(_ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=10):  # noqa: S310
                return
        except OSError as why:
            log.warning("CloudFormation was not reached: %s", why)
            time.sleep(2**attempt / 4)
