"""What of the dbt project the catalogue gives: the staged tables that models read, and the columns of satellites.

`python -m oss_datastore_tests.vault.psa_sources` writes `psa.yml` and the contracts of satellites, so that a column is
declared in one place; a test compares them.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from oss_datastore.catalogue import Table
from oss_datastore.warehouse.psa import PSA_TABLES

MODELS = Path(__file__).resolve().parents[2] / "sql" / "models"
FILE = MODELS / "psa.yml"
HEAD = "# Made from oss_datastore/catalogue by `python -m oss_datastore_tests.vault.psa_sources`.\n"

TYPES = {
    "text": "varchar(65535)",
    "bigint": "bigint",
    "boolean": "boolean",
    "decimal": "decimal(38,6)",
    "timestamp": "timestamp",
    "date": "date",
    "key": "uuid",
}
"""Types of columns in contracts."""
_FED = re.compile(r"\{\{ satellite\(.*?source='(?:psa_pii\.)?(\w+)', hash_diff='(\w+)_hd'\) \}\}", re.S)
OF_EVERY_VERSION = ("load_date", "load_end_date", "hash_diff", "rec_src")
OF_EVERY_ROW = {
    "load_date": "The UTC day the row belongs to.",
    "scope": "What the row's list is complete for: host/kind/numeric id.",
    "host": "GitHub host the row comes from.",
    "fetched_at": "When GitHub gave the answer, UTC.",
    "rec_src": "Record source.",
}


def _table(table: Table) -> dict[str, Any]:
    described = {column.name: column.description for column in table.columns}
    described |= {name: f"Hash key of {', '.join(('host', *parts))}." for name, parts in table.hash_keys.items()}
    described |= {f"{name}_hd": f"Hash of what {name} keeps." for name in table.hash_diffs}
    columns = [{"name": name, "description": (OF_EVERY_ROW | described)[name]} for name, _ in table.fields]
    kept = {f"{name}_hd": list(columns) for name, columns in table.hash_diffs.items()}
    # A row is told from others of its day by `key`: so is what is hashed of at least these columns.
    unique = [name for name, parts in table.hash_keys.items() if table.key and set(table.key) <= set(parts)]
    meta = ({"hash_diffs": kept} if kept else {}) | ({"unique": unique} if unique else {})
    config = {"config": {"meta": meta}} if meta else {}
    return {"name": table.name, "description": table.description, **config, "columns": columns}


def sources() -> str:
    """The text of the file."""
    tables = PSA_TABLES
    schemas = [
        {
            "name": schema,
            "schema": schema,
            "description": description,
            "tables": [_table(table) for table in tables if table.schema == schema],
        }
        for schema, description in (
            ("psa", "Persistent staging area: every staged day as typed rows, one table per dataset."),
            ("psa_pii", "Staged rows that hold personal data."),
        )
    ]
    return HEAD + yaml.safe_dump({"version": 2, "sources": schemas}, sort_keys=False, allow_unicode=True, width=118)


def contracts(models: Path = MODELS) -> dict[Path, str]:
    """The text of each satellite's yml whose columns are those that the catalogue hashes for it."""
    tables = {table.name: table for table in PSA_TABLES}
    found = {}
    for sql in sorted((models / "raw_vault").rglob("*.sql")):
        fed = re.search(
            r"\{\{ satellite\(.*?source='(?:psa_pii\.)?(\w+)', hash_diff='(\w+)_hd'\) \}\}", sql.read_text(), re.S
        )
        if fed:
            described = sql.with_suffix(".yml")
            found[described] = _with_columns(described.read_text(), tables[fed[1]], fed[2])
    return found


def _with_columns(text: str, table: Table, satellite: str) -> str:
    """The yml with the columns that the satellite keeps: what it lacks at its end, what is kept no more taken out."""
    declared = table.hash_diffs[satellite]
    types = {column.name: (TYPES[column.type], column.description) for column in table.columns}
    head, *blocks = re.split(r"(?m)^(?=  - name: )", text)
    kept = [
        block for block in blocks if _name(block) in OF_EVERY_VERSION or _name(block) in table.hash_diffs[satellite]
    ]
    # The first column is the key.
    kept = kept if kept[:1] == blocks[:1] else [blocks[0], *kept]
    there = {_name(block) for block in kept}
    for name in declared:
        if name not in there:
            type_, description = types[name]
            column = {"name": name, "data_type": type_, "description": description}
            kept.append(textwrap.indent(yaml.safe_dump([column], sort_keys=False, allow_unicode=True, width=118), "  "))
    return head + "".join(kept)


def _name(block: str) -> str:
    return block.split("\n", 1)[0].removeprefix("  - name: ")


def write(models: Path = MODELS) -> None:
    """Writes the files of a project's models."""
    (models / "psa.yml").write_text(sources())
    for path, text in contracts(models).items():
        path.write_text(text)


if __name__ == "__main__":
    write()
