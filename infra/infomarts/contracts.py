"""The infomarts as dbt's contracts promise them. Types of Redshift and of QuickSight are here, SQL is not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml  # type: ignore[import-untyped]

MODELS = Path(__file__).resolve().parents[2] / "sql" / "models" / "infomarts"

_IN_QUICKSIGHT = {
    "bigint": "INTEGER",
    "boolean": "BOOLEAN",
    "date": "DATETIME",
    "timestamp": "DATETIME",
    "decimal": "DECIMAL",
    "varchar": "STRING",
    "char": "STRING",
}


@dataclass(frozen=True)
class Column:
    """A column of a mart."""

    name: str
    data_type: str
    """As Redshift has it: a vault key, which other engines keep as uuid, is char(32) there."""

    @property
    def in_quicksight(self) -> str:
        """The type of QuickSight. Raises KeyError for one that no contract has had so far."""
        return _IN_QUICKSIGHT[self.data_type.partition("(")[0]]


@cache
def marts(models: Path = MODELS) -> dict[str, tuple[Column, ...]]:
    """Columns of every mart by its name, in the order of the contract. Raises KeyError where a column has no type."""
    found = {}
    for path in sorted(models.glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            found[model["name"]] = tuple(Column(c["name"], _in_redshift(c["data_type"])) for c in model["columns"])
    return found


def _in_redshift(data_type: str) -> str:
    return "char(32)" if data_type == "uuid" else str(data_type)
