"""COPY of Parquet as Redshift does it, for the shim: manifest, files, strict types. No test stands here."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from oss_datastore_tests.staging.store_fixtures import s3_client

COPY = re.compile(
    r"""\s*copy\s+(?P<table>[\w."]+)\s+from\s+'s3://(?P<bucket>[^/']+)/(?P<key>[^']+)'\s+
    iam_role\s+(?:'(?P<role>[^']*)'|default)\s+format\s+as\s+parquet\s+manifest\s*;?\s*\Z""",
    re.IGNORECASE | re.VERBOSE,
)
"""The one form of COPY that is served."""

_WIDEST = 65535

_TAKEN: dict[str, Callable[[pa.DataType], bool]] = {
    "bigint": pa.types.is_int64,
    "boolean": pa.types.is_boolean,
    "date": pa.types.is_date32,
    "numeric": lambda found: found == pa.decimal128(38, 6),
    "timestamp without time zone": lambda found: found == pa.timestamp("us"),
    "character varying": pa.types.is_string,
    "character": pa.types.is_string,
}
"""Which type of Parquet column a type of the table takes: nothing is cast."""


class CopyFails(Exception):
    """COPY finds something wrong with manifest, files or their columns; the message says what."""


def rows_as_csv(copy: re.Match[str], s3_endpoint: str, cursor: Any) -> Iterator[bytes]:
    """The rows of all files of the manifest, as PostgreSQL takes them. Raises CopyFails."""
    s3 = s3_client(s3_endpoint)
    schema, _, name = copy["table"].replace('"', "").partition(".")
    cursor.execute(
        "select data_type from information_schema.columns where table_schema = %s and table_name = %s "
        "order by ordinal_position",
        [schema, name],
    )
    types = [kind for (kind,) in cursor.fetchall()]
    for entry in json.loads(_object(s3, copy["bucket"], copy["key"]))["entries"]:
        parts = urlsplit(entry["url"])
        content = _object(s3, parts.netloc, parts.path.lstrip("/"))
        if entry["meta"]["content_length"] != len(content):
            raise CopyFails(f"the manifest is wrong about {parts.path}: {len(content)} bytes lie there")
        rows = pq.read_table(io.BytesIO(content))
        _require_fit(types, rows)
        buffer = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
        pyarrow.csv.write_csv(rows, buffer, options)
        yield buffer.getvalue()


def _object(s3: Any, bucket: str, key: str) -> bytes:
    try:
        found: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as why:
        raise CopyFails(f"S3ServiceException: {key}: {why.response['Error']['Code']}") from None
    return found


def _require_fit(types: list[str], rows: pa.Table) -> None:
    if len(types) != rows.num_columns:
        raise CopyFails(f"Unmatched number of columns between table and file: {len(types)} and {rows.num_columns}")
    for kind, column in zip(types, rows.schema, strict=True):
        if not _TAKEN[kind](column.type):
            raise CopyFails(f"Spectrum Scan Error: {column.name} is {column.type} in the file and {kind} in the table")
        if pa.types.is_string(column.type) and (pc.max(pc.binary_length(rows[column.name])).as_py() or 0) > _WIDEST:
            raise CopyFails(f"Spectrum Scan Error: {column.name} is longer than {_WIDEST} bytes")
