"""sql/models/psa.yml as the catalogue gives it: the staged tables that dbt models read, with their columns.

`python -m oss_datastore_tests.vault.psa_sources` writes the file; a test compares it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from oss_datastore.catalogue import TABLES, Table

FILE = Path(__file__).resolve().parents[2] / "sql" / "models" / "psa.yml"
HEAD = "# Made from oss_datastore/catalogue by `python -m oss_datastore_tests.vault.psa_sources`.\n"

OF_EVERY_ROW = {
    "load_date": "The UTC day the row belongs to.",
    "scope": "What the row's list is complete for: host/kind/numeric id.",
    "host": "GitHub host the row comes from.",
    "fetched_at": "When GitHub gave the answer, UTC.",
    "rec_src": "Record source.",
}
LEDGER = {
    "dataset": "Name of the dataset.",
    "scope": "host/kind/numeric id of what one fetch is complete for.",
    "load_date": "The UTC day.",
    "state": "complete, partial, failed, pending, forbidden, disabled, gone or unavailable.",
    "coverage": "full, delta, unchanged or empty: absence is observed by complete with full or empty only.",
    "visibility": "What the token could see.",
    "rows": "Rows kept for the day.",
    "requests": "HTTP requests spent.",
    "points": "GraphQL points spent.",
    "generation": "The fetch whose entry counts.",
    "fetched_at": "When the fetch ended, UTC.",
    "covered_by": "A later day whose complete fetch holds the same rows.",
    "letter": "Id of the dead letter.",
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
    ledger = {
        "name": "fetch_ledger",
        "description": "One row per dataset, scope and UTC day: what became of the fetch, and what it cost.",
        "columns": [{"name": name, "description": text} for name, text in LEDGER.items()],
    }
    schemas = [
        {
            "name": schema,
            "schema": schema,
            "description": description,
            "tables": [_table(table) for table in TABLES.values() if table.schema == schema]
            + ([ledger] if schema == "psa" else []),
        }
        for schema, description in (
            ("psa", "Persistent staging area: every staged day as typed rows, one table per dataset."),
            ("psa_pii", "Staged rows that hold personal data."),
        )
    ]
    return HEAD + yaml.safe_dump({"version": 2, "sources": schemas}, sort_keys=False, allow_unicode=True, width=118)


if __name__ == "__main__":
    FILE.write_text(sources())
