"""One digest per table of a warehouse, the same on every engine whatever the order of rows. No test stands here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from oss_datastore.warehouse import Warehouse, ask

SCHEMAS = ("psa", "psa_pii", "raw_vault", "raw_vault_pii", "business_vault", "infomarts")
EXCEPTED = frozenset({"fetched_at", "observed_at", "letter", "parsed_again_from", "parsed_again_to"})
"""What promise 3 excepts: when something was fetched, the numbers of letters, and which days were parsed twice."""

_KEY = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")

Digest = tuple[int, str]
"""How many rows there are, and what they are."""


def digests(warehouse: Warehouse, schemas: Iterable[str] = SCHEMAS) -> dict[str, Digest]:
    """Every table of these schemas by `schema.table`."""
    names = "', '".join(schemas)
    _, columns = ask(
        warehouse,
        "select table_schema, table_name, column_name from information_schema.columns "
        f"where table_schema in ('{names}') order by table_schema, table_name, column_name",
    )
    tables: dict[str, list[str]] = {}
    for schema, table, column in columns:
        kept = tables.setdefault(f'{schema}."{table}"', [])
        if column not in EXCEPTED:
            kept.append(column)
    found = {}
    for table, kept in tables.items():
        quoted = ", ".join(f'"{column}"' for column in kept)
        _, rows = ask(warehouse, f"select {quoted} from {table}")
        found[table.replace('"', "")] = len(rows), _digest(kept, rows)
    return found


def _digest(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    of_rows = sorted("|".join(map(_text, row)) for row in rows)
    return hashlib.sha256("\n".join([",".join(columns), *of_rows]).encode()).hexdigest()


def _text(value: Any) -> str:
    if value is None:
        return "~"
    if isinstance(value, UUID) or (isinstance(value, str) and _KEY.fullmatch(value)):
        return str(value).replace("-", "")  # an object, or a text of 36 or of 32 signs
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral_value() else str(value.normalize())
    if isinstance(value, datetime | date):
        return value.isoformat()
    return repr(value)
