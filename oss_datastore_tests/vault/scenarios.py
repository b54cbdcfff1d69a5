"""A scenario file: what was staged in which batches, and the table that must come of it. How it is put into `psa`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, permutations
from pathlib import Path
from random import Random
from typing import Any

from oss_datastore_tests.vault.engine import Vault, uuid_of

TABLE_OF_KIND = {
    "hub": "hub_thing",
    "link": "link_thing",
    "sat": "sat_thing",
    "ma_sat": "ma_sat_thing",
    "eff_sat": "eff_sat_seen",
    "eff_sat_snapshot": "eff_sat_listed",
}
Row = dict[str, Any]
SAMPLE = 24


@dataclass(frozen=True)
class Scenario:
    """One file. A batch is what one load call brings; it may hold several load dates."""

    name: str
    kind: str
    batches: list[dict[str, Any]]
    expected: list[Row]

    @classmethod
    def read(cls, path: Path) -> Scenario:
        """The scenario of a file; what is wished counts before what others do."""
        data = json.loads(path.read_text())
        if data["kind"] not in TABLE_OF_KIND:
            raise ValueError(f"{path.name}: a scenario is of one of {sorted(TABLE_OF_KIND)}, not {data['kind']}")
        wished = data.get("wished")
        batches = [batch if isinstance(batch, dict) else {"rows": batch} for batch in data["batches"]]
        return cls(data["name"], data["kind"], batches, data["expected"] if wished is None else wished)

    def orders(self, *, every: bool) -> Iterator[tuple[str, list[list[dict[str, Any]]]]]:
        """Named plans; a plan is a list of loads, a load a list of batches."""
        yield "as listed", [[batch] for batch in self.batches]
        yield "merged", [self.batches]
        yield "doubled", [[batch] for batch in self.batches for _ in range(2)]
        yield "twice over", [[batch] for batch in self.batches * 2]
        found = islice(permutations(range(len(self.batches))), 1, None)
        if not every and len(self.batches) > 4:
            numbers = range(len(self.batches))
            random = Random(self.name)
            found = iter([tuple(random.sample(numbers, len(numbers))) for _ in range(SAMPLE)])
        for order in found:
            yield f"order {list(order)}", [[self.batches[i]] for i in order]


def moment(text: str) -> datetime:
    """A load date of a scenario; tables hold naive UTC."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _key(parts: Sequence[str | None] | None) -> str | None:
    return None if not parts or any(part is None or part == "" for part in parts) else json.dumps(list(parts))


def _hk(key: str | None) -> str | None:
    return None if key is None else uuid_of(key)


def staged(kind: str, row: Row) -> Row:
    """The psa row that a scenario's row means."""
    common = {"load_date": moment(row["load_date"]), "rec_src": row.get("rec_src") or ""}
    if kind.startswith("eff_sat"):
        driving = row["driving_key"] or [None]
        key = _key([*driving, *(row["secondary_key"] or [None])])
        # An end that the content of a table tells of: the object was seen without its partner.
        present = key if row.get("event", "open") == "open" else None
        return common | {
            "thing_hk": _hk(present),
            "thing_key": present,
            "driving_hk": _hk(_key(driving)),
            "scope": json.dumps(driving),
            "is_seen": key is not None,
        }
    key = _key(row["key"])
    payload = json.dumps(row.get("payload"), sort_keys=True)
    child = _key(row.get("cdk") or ["-"])
    return common | {
        "thing_hk": _hk(key),
        "thing_key": key,
        "driving_hk": _hk(key),
        "child": child,
        "v": payload,
        "scope": "all",
        "row_hd": uuid_of(child, payload),
    }


def stage(vault: Vault, scenario: Scenario, batch: dict[str, Any]) -> None:
    """Put a batch into psa; hubs and links get every other row from a second feed.

    A driving key counts as observed where it comes with a partner: a row without one says nothing.
    """
    rows = [staged(scenario.kind, row) for row in batch.get("rows", [])]
    if scenario.kind == "eff_sat":
        vault.stage((row for row in rows if row["is_seen"]), "other")
    if scenario.kind in ("hub", "link"):
        other = [
            {
                "load_date": r["load_date"],
                "rec_src": r["rec_src"],
                "other_hk": r["thing_hk"],
                "other_key": r["thing_key"],
                "other_driving_hk": r["driving_hk"],
            }
            for r in rows[1::2]
        ]
        vault.stage(other, "other")
        rows = rows[::2]
    vault.stage(rows)
    vault.stage(
        (
            {
                "load_date": moment(snapshot["load_date"]),
                "dataset": "things",
                "scope": json.dumps(snapshot["scope"]),
                "state": "complete" if snapshot["complete"] else "partial",
                "coverage": "full",
            }
            for snapshot in batch.get("snapshots", [])
        ),
        "fetch_ledger",
    )


def window(batches: Sequence[dict[str, Any]]) -> tuple[datetime, datetime] | None:
    """From the first to the last load date of the batches; None where they hold none."""
    dates = {moment(d) for b in batches for d in b.get("load_dates", [])}
    dates |= {moment(r["load_date"]) for b in batches for r in (*b.get("rows", []), *b.get("snapshots", []))}
    return (min(dates), max(dates) + timedelta(microseconds=1)) if dates else None


def wanted(scenario: Scenario) -> set[Any]:
    """The expected rows in the form of `found`."""
    rows = []
    for row in scenario.expected:
        at = moment(row["load_date"])
        if scenario.kind.startswith("eff_sat"):
            rows.append((_hk(_key([*row["driving_key"], *row["secondary_key"]])), at, row["event"] == "open"))
        elif scenario.kind in ("hub", "link"):
            rows.append((_key(row["key"]), at, row.get("rec_src") or ""))
        else:
            payload = json.dumps(row.get("payload"), sort_keys=True)
            rows.append((_hk(_key(row["key"])), at, row.get("rec_src") or "", payload, _key(row.get("cdk") or ["-"])))
    return _counted(rows)


def found(scenario: Scenario, vault: Vault) -> set[Any]:
    """The rows of the scenario's table, reduced to what a scenario states."""
    rows = []
    for row in vault.dicts(TABLE_OF_KIND[scenario.kind]):
        at = row["load_date"]
        if scenario.kind.startswith("eff_sat"):
            rows.append((row["thing_hk"], at, row["is_active"]))
        elif scenario.kind in ("hub", "link"):
            rows.append((row["thing_key"], at, row["rec_src"]))
        else:
            rows.append((row["thing_hk"], at, row["rec_src"], row["v"], row.get("child", '["-"]')))
    return _counted(rows)


def _counted(rows: list[Any]) -> set[Any]:
    """A multiset as a set: each row with its running number."""
    seen: dict[Any, int] = {}
    counted = set()
    for row in rows:
        seen[row] = seen.get(row, 0) + 1
        counted.add((row, seen[row]))
    return counted
