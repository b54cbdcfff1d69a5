"""The shim itself: what it refuses it refuses on the wire, and what it puts into other words means the same."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector

from oss_datastore_tests.redshift.homes import bucket
from oss_datastore_tests.redshift.words import for_postgres
from oss_datastore_tests.staging.store_fixtures import s3_client

Query = Callable[[str], list[Any]]


@pytest.fixture(params=["psycopg2", "redshift_connector"])
def query(request: pytest.FixtureRequest, redshift_url: str) -> Iterator[Query]:
    """Runs a statement by a driver, in a transaction of the test's."""
    parts = urlsplit(redshift_url)
    if request.param == "psycopg2":
        connection = psycopg2.connect(redshift_url.replace("redshift://", "postgresql://"))
    else:
        connection = redshift_connector.connect(
            host=parts.hostname,
            port=parts.port,
            database=parts.path.strip("/"),
            user=parts.username,
            password=parts.password,
            ssl=False,
        )

    def run(statement: str) -> list[Any]:
        cursor = connection.cursor()
        cursor.execute(statement)
        return [list(row) for row in cursor.fetchall()] if cursor.description else []

    with closing(connection):
        yield run


@pytest.mark.parametrize(
    "statement",
    [
        "select string_agg(name, ',') from psa.things",
        "select distinct on (name) name from psa.things",
        "select name::uuid from psa.things",
        "insert into psa.things values (1) on conflict do nothing",
    ],
)
def test_what_is_not_in_the_vocabulary_fails_on_the_wire(query: Query, statement: str) -> None:
    with pytest.raises((psycopg2.errors.SyntaxError, redshift_connector.ProgrammingError), match="reviewed vocabulary"):
        query(statement)


def test_words_that_only_redshift_has_are_answered(query: Query) -> None:
    assert query("select strtol('fff', 16)") == [[4095]]
    assert [str(one) for one in query("select dateadd(day, 3, timestamp '2026-10-14 01:02:03')")[0]] == [
        "2026-10-17 01:02:03"
    ]
    assert query("select datediff(day, date '2026-10-14', date '2026-11-01')") == [[18]]
    assert query("select datediff(second, timestamp '2026-10-14 00:00:00.9', timestamp '2026-10-14 00:00:02.1')") == [
        [2]
    ], "boundaries that are crossed are counted"
    assert query(
        "select listagg(n, ', ') within group (order by n) "
        "from (select cast('b' as varchar(1)) as n union all select cast('a' as varchar(1))) as t"
    ) == [["a, b"]]


def test_layout_and_roles_are_taken_away_and_texts_are_left_alone() -> None:
    assert (
        for_postgres("create table a.b (c char(32)) diststyle key distkey (c) sortkey (load_date)").strip()
        == "create table a.b (c char(32))"
    )
    assert for_postgres("grant select on all tables in schema a to role b") == (
        "grant select on all tables in schema a to b"
    )
    assert for_postgres("select listagg(f(a, ')'), ', ') within group (order by g(b)) || 'x' from t") == (
        "select string_agg(f(a, ')'), ', ' order by g(b)) || 'x' from t"
    )


class Files:
    """A bucket, and a table to copy into."""

    def __init__(self, endpoint: str, url: str) -> None:
        self.bucket = bucket(endpoint)
        self.s3 = s3_client(endpoint)
        self.connection = psycopg2.connect(url.replace("redshift://", "postgresql://"))
        self.run("create schema if not exists psa")
        self.run("create table psa.things (thing_id bigint, name varchar(65535))")
        self.connection.commit()

    def run(self, statement: str) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def copy(self, rows: pa.Table, *, length: int | None = None) -> None:
        buffer = io.BytesIO()
        pq.write_table(rows, buffer)
        self.s3.put_object(Bucket=self.bucket, Key="a.parquet", Body=buffer.getvalue())
        size = {"content_length": len(buffer.getvalue()) if length is None else length}
        entries = [{"url": f"s3://{self.bucket}/a.parquet", "mandatory": True, "meta": size}]
        self.s3.put_object(Bucket=self.bucket, Key="a.manifest", Body=json.dumps({"entries": entries}))
        self.run(f"copy psa.things from 's3://{self.bucket}/a.manifest' iam_role default format as parquet manifest")


@pytest.fixture
def files(moto_s3: str, redshift_url: str) -> Iterator[Files]:
    made = Files(moto_s3, redshift_url)
    yield made
    made.connection.close()


def test_copy_is_part_of_the_callers_transaction(files: Files) -> None:
    files.copy(pa.table({"thing_id": [1, None], "name": ["", None]}, schema=_schema(pa.int64(), pa.string())))
    assert files.run("select thing_id, name from psa.things order by 1") == [(1, ""), (None, None)]
    files.connection.rollback()
    assert files.run("select count(*) from psa.things") == [(0,)]


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ((pa.int32(), pa.string()), "thing_id is int32 in the file and bigint"),
        ((pa.int64(), pa.int64()), "name is int64 in the file and character varying"),
        ((pa.int64(),), "Unmatched number of columns"),
    ],
)
def test_copy_casts_nothing(files: Files, schema: tuple[pa.DataType, ...], told: str) -> None:
    with pytest.raises(psycopg2.Error, match=told):
        files.copy(_schema(*schema).empty_table())


def test_a_manifest_that_is_wrong_about_a_size_fails(files: Files) -> None:
    with pytest.raises(psycopg2.Error, match="the manifest is wrong"):
        files.copy(_schema(pa.int64(), pa.string()).empty_table(), length=1)


def test_a_text_that_redshift_could_not_hold_fails(files: Files) -> None:
    with pytest.raises(psycopg2.Error, match="longer than 65535 bytes"):
        files.copy(pa.table({"thing_id": [1], "name": ["ü" * 32768]}, schema=_schema(pa.int64(), pa.string())))


def _schema(*types: pa.DataType) -> pa.Schema:
    return pa.schema(list(zip(("thing_id", "name"), types, strict=False)))
