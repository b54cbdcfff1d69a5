"""sql/models/psa.yml as the catalogue gives it: the staged tables that dbt models read, with their columns.

`python -m oss_datastore_tests.vault.psa_sources` writes the file; a test compares it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from oss_datastore.catalogue import Table
from oss_datastore.warehouse.psa import PSA_TABLES

FILE = Path(__file__).resolve().parents[2] / "sql" / "models" / "psa.yml"
HEAD = "# Made from oss_datastore/catalogue by `python -m oss_datastore_tests.vault.psa_sources`.\n"

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
    config = {"config": {"meta": {"hash_diffs": kept}}} if kept else {}
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


if __name__ == "__main__":
    FILE.write_text(sources())
