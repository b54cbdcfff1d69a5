"""Tables computed from the raw vault: versions, rows per day, and the days that leave, whatever the order of loads."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given

from oss_datastore_tests.vault.engine import Vault, uuid_of
from oss_datastore_tests.vault.invariants import assert_definition
from oss_datastore_tests.vault.test_properties import Load, World, few, histories

RAW = ("hub_thing", "sat_thing", "ma_sat_thing", "eff_sat_listed")


@few
@given(history=histories)
def test_versions_and_days_follow_the_raw_vault_through_every_load(vault: Vault, history: list[Load]) -> None:
    # The ends of windows differ between these tables, and a load of each is followed by one that must write nothing.
    world = World(vault, *RAW, "bsat_thing", "bridge_thing")
    for load in history:
        world.apply(load)
        listed = {
            (row["thing_hk"], day)
            for row in vault.dicts("eff_sat_listed")
            for day, content in world.days.items()
            if content.ledger and row["is_active"] and row["load_date"] <= day < row["load_end_date"]
        }
        assert {(row["thing_hk"], row["as_of"]) for row in vault.dicts("bridge_thing")} == listed
        versions: dict[str, list[dict[str, object]]] = {}
        for row in sorted(vault.dicts("bsat_thing"), key=lambda row: (row["thing_hk"], row["load_date"])):
            versions.setdefault(row["thing_hk"], []).append(row)
        for chain in versions.values():
            for first, second in pairwise(chain):
                assert first["load_end_date"] == second["load_date"]
                assert (first["v"], first["standing"]) != (second["v"], second["standing"])
            assert chain[-1]["load_end_date"] == datetime.fromisoformat("9999-12-31")


def kept(days: list[datetime]) -> set[datetime]:
    """The days that stay when these are loaded: 90 days, week ends of a year, month ends for ever."""
    last = max(days)
    week_ends = {day.isocalendar()[:2]: day for day in sorted(days)}.values()
    month_ends = {(day.year, day.month): day for day in sorted(days)}.values()
    return {
        day
        for day in days
        if day > last - timedelta(days=90)
        or (day in week_ends and day > last - timedelta(days=365))
        or day in month_ends
    }


def thing(day: datetime) -> dict[str, object]:
    """One staged row whose value differs on each day."""
    key, driving, value = uuid_of("k"), uuid_of("d"), f"{day:%F}"
    return {
        "load_date": day,
        "rec_src": "feed",
        "thing_hk": key,
        "thing_key": "k",
        "scope": "s",
        "driving_hk": driving,
        "child": "c",
        "v": value,
        "row_hd": uuid_of(value),
    }


@pytest.mark.parametrize("seed", [None, 1])
def test_days_leave_by_age_and_not_by_the_order_of_loads(vault: Vault, seed: int | None) -> None:
    start = datetime.fromisoformat("2024-11-20")
    days = [
        start + timedelta(days=n) for n in (*range(0, 40, 3), 200, 203, 300, 370, 371, 372, 395, 430, 455, 456, 458)
    ]
    if seed is not None:
        random.Random(seed).shuffle(days)
    vault.empty(*RAW, "pit_thing", "bridge_thing")
    loaded: list[datetime] = []
    for day in days:
        vault.stage([thing(day)])
        vault.stage(
            [{"load_date": day, "dataset": "things", "scope": "s", "state": "complete", "coverage": "full"}],
            "fetch_ledger",
        )
        loaded.append(day)
        for table in (*RAW, "pit_thing", "bridge_thing"):
            vault.load(table, day, day + timedelta(days=1))
        for table in ("pit_thing", "bridge_thing"):
            assert_definition(vault, table)
            assert {row["as_of"] for row in vault.dicts(table)} == kept(loaded), f"{table} after {day:%F}"
