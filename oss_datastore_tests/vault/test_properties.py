"""Any history, loaded in any windows, with days replaced, missing and incomplete: after every load each kind of table
equals the plain reference and its own definition, and a load that has nothing to say writes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from oss_datastore_tests.vault import reference
from oss_datastore_tests.vault.engine import Vault, uuid_of
from oss_datastore_tests.vault.invariants import assert_chain, assert_definition

DAYS = [datetime.fromisoformat(f"2026-01-0{n}") for n in range(1, 8)]
KEYS = ("k0", "k1", "k2", "k3")
SCOPES = ("s0", "s1")
Row = dict[str, Any]

few = settings(
    max_examples=8,
    # A shrunk history would take minutes on two engines; the generated ones are short enough to read.
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
    database=None,
)


@dataclass(frozen=True)
class Content:
    """What is staged of one day."""

    things: list[tuple[str | None, str | None, str, str]] = field(default_factory=list)
    observed_elsewhere: list[str] = field(default_factory=list)
    ledger: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Load:
    """Days [first, first + len(contents)) staged anew, then loaded; None is a day that was never fetched."""

    first: int
    contents: list[Content | None]
    careful: bool


entries = st.sampled_from(
    [
        ("complete", "full"),
        ("complete", "full"),
        ("complete", "empty"),
        ("complete", "delta"),
        ("complete", "unchanged"),
        ("partial", "full"),
        ("failed", "full"),
    ]
)
contents = st.builds(
    Content,
    st.lists(
        st.tuples(
            st.sampled_from([*KEYS, *KEYS, None]),
            st.sampled_from(["c0", "c1", None]),
            st.sampled_from(["x", "y"]),
            st.sampled_from(["feed/a", "feed_b"]),
        ),
        max_size=5,
    ),
    st.lists(st.sampled_from(["d0", "d1"]), max_size=2),
    st.dictionaries(st.sampled_from(SCOPES), entries, max_size=2),
)
histories = st.lists(
    st.builds(
        Load,
        st.integers(0, len(DAYS) - 1),
        st.lists(st.one_of(st.none(), contents, contents, contents), min_size=1, max_size=3),
        st.booleans(),
    ),
    min_size=2,
    max_size=7,
)


class World:
    """What is staged, in the rows of the engine, and how a load of the history changes it.

    A satellite has one feed, so its record source is constant; hubs and links are fed by several.
    """

    def __init__(self, vault: Vault, *tables: str) -> None:
        self.vault = vault
        self.tables = tables
        self.feeds = not any("sat" in table for table in tables)
        self.days: dict[datetime, Content] = {}
        vault.empty(*tables)

    def apply(self, load: Load) -> None:
        """Stage the load's days anew and load their window into each table."""
        start = DAYS[load.first]
        end = min(start + timedelta(days=len(load.contents)), DAYS[-1] + timedelta(days=1))
        self.vault.unstage(start, end)
        for offset, content in enumerate(load.contents):
            day = start + timedelta(days=offset)
            if day >= end:
                break
            self.days.pop(day, None)
            if content is not None:
                self.days[day] = content
                self.vault.stage(self.things(day))
                self.vault.stage(self.once(day), "once")
                self.vault.stage(self.others(day), "other")
                self.vault.stage(self.ledger(day), "fetch_ledger")
        for table in self.tables:
            self.vault.load(table, start, end, late=True if load.careful else None)
            again = self.vault.load(table, start, end)
            assert again == 0, f"{table}: loading {start:%d}-{end:%d} again wrote {again} rows"
            assert_definition(self.vault, table)

    def things(self, day: datetime) -> list[Row]:
        rows = []
        for key, child, v, rec_src in self.days[day].things:
            number = KEYS.index(key) if key else 0
            driving = f"d{number // 2}"
            rows.append(
                {
                    "load_date": day,
                    "rec_src": rec_src if self.feeds else "feed",
                    "thing_hk": uuid_of(key) if key else None,
                    "thing_key": key,
                    "scope": f"s{number % 2}",
                    "driving_hk": uuid_of(driving),
                    "child": child,
                    "v": v,
                    "row_hd": uuid_of(child, v),
                }
            )
        return rows

    def once(self, day: datetime) -> list[Row]:
        """The things of a day, each key once."""
        return list({row["thing_hk"]: row for row in self.things(day)}.values())

    def others(self, day: datetime) -> list[Row]:
        return [
            {
                "load_date": day,
                "rec_src": "elsewhere",
                "other_hk": uuid_of(name),
                "other_key": name,
                "scope": "s0",
                "driving_hk": uuid_of(name),
                "other_driving_hk": uuid_of(name),
            }
            for name in self.days[day].observed_elsewhere
        ]

    def ledger(self, day: datetime) -> list[Row]:
        return [
            {"load_date": day, "dataset": "things", "scope": scope, "state": state, "coverage": coverage}
            for scope, (state, coverage) in self.days[day].ledger.items()
        ]

    @property
    def rows(self) -> list[Row]:
        """Every staged row."""
        return [row for day in self.days for row in self.things(day)]

    def complete(self, *, whole: bool = True) -> dict[str, set[datetime]]:
        """Days on which the list of a scope was fetched; with `whole`, as a list of everything."""
        found: dict[str, set[datetime]] = defaultdict(set)
        for day, content in self.days.items():
            for scope, (state, coverage) in content.ledger.items():
                if state == "complete" and (not whole or coverage in ("full", "empty")):
                    found[scope].add(day)
        return found


def _kept(vault: Vault, table: str, *columns: str) -> set[tuple[Any, ...]]:
    rows = vault.dicts(table)
    found = {tuple(row[column] for column in columns) for row in rows}
    assert len(found) == len(rows), f"{table} holds a row twice"
    return found


@few
@given(history=histories)
def test_a_hub_holds_the_first_sighting_of_every_key(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "hub_thing")
    for load in history:
        world.apply(load)
        other = [{**row, "thing_hk": row["other_hk"]} for day in world.days for row in world.others(day)]
        first = reference.first_sightings([*world.rows, *other])
        assert _kept(vault, "hub_thing", "thing_hk", "load_date", "rec_src") == {
            (key, row["load_date"], row["rec_src"]) for key, row in first.items()
        }


@few
@given(history=histories)
def test_so_does_a_hub_of_which_each_key_is_staged_once_a_day(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "hub_once")
    for load in history:
        world.apply(load)
        first = reference.first_sightings([row for day in world.days for row in world.once(day)])
        assert _kept(vault, "hub_once", "thing_hk", "load_date", "rec_src") == {
            (key, row["load_date"], row["rec_src"]) for key, row in first.items()
        }


@few
@given(history=histories)
def test_a_link_holds_the_first_sighting_of_every_relation(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "link_thing")
    for load in history:
        world.apply(load)
        other = [
            {**row, "thing_hk": row["other_hk"], "driving_hk": row["other_driving_hk"]}
            for day in world.days
            for row in world.others(day)
        ]
        first = reference.first_sightings([*world.rows, *other])
        assert _kept(vault, "link_thing", "thing_hk", "driving_hk", "load_date", "rec_src") == {
            (key, row["driving_hk"], row["load_date"], row["rec_src"]) for key, row in first.items()
        }


@few
@given(history=histories)
def test_an_event_keeps_the_text_it_was_first_seen_with(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "nh_link_thing")
    for load in history:
        world.apply(load)
        first = reference.first_sightings(world.rows, tie="row_hd")
        assert _kept(vault, "nh_link_thing", "thing_hk", "load_date", "rec_src", "v") == {
            (key, row["load_date"], row["rec_src"], row["v"]) for key, row in first.items()
        }


@few
@given(history=histories)
def test_a_satellite_holds_every_change_and_nothing_else(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "sat_thing")
    for load in history:
        world.apply(load)
        found = _kept(vault, "sat_thing", "thing_hk", "load_date", "load_end_date", "v")
        assert found == reference.satellite(world.rows)
        assert_chain(vault, "sat_thing")


@few
@given(history=histories)
def test_so_does_a_satellite_of_which_each_key_is_staged_once_a_day(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "sat_once")
    for load in history:
        world.apply(load)
        found = _kept(vault, "sat_once", "thing_hk", "load_date", "load_end_date", "v")
        assert found == reference.satellite([row for day in world.days for row in world.once(day)])
        assert_chain(vault, "sat_once")


@few
@given(history=histories)
def test_a_multi_active_satellite_holds_every_change_of_the_block(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "ma_sat_thing")
    for load in history:
        world.apply(load)
        found = _kept(vault, "ma_sat_thing", "thing_hk", "load_date", "load_end_date", "child", "v")
        assert found == reference.multi_active(world.rows, None)
        assert_chain(vault, "ma_sat_thing")


@few
@given(history=histories)
def test_a_block_ends_where_a_complete_list_lacks_it(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "ma_sat_listed")
    for load in history:
        world.apply(load)
        found = _kept(vault, "ma_sat_listed", "thing_hk", "load_date", "load_end_date", "child", "v")
        assert found == reference.multi_active(world.rows, world.complete())
        assert_chain(vault, "ma_sat_listed", gaps=True)


@few
@given(history=histories)
def test_a_relation_ends_where_a_complete_list_lacks_it(vault: Vault, history: list[Load]) -> None:
    world = World(vault, "eff_sat_listed")
    for load in history:
        world.apply(load)
        found = _kept(vault, "eff_sat_listed", "thing_hk", "load_date", "load_end_date", "is_active", "scope")
        assert found == reference.effectivity(world.rows, "scope", world.complete())
        assert_chain(vault, "eff_sat_listed")


@few
@given(history=histories, null_ends=st.booleans())
def test_a_relation_ends_where_its_object_is_seen_without_it(
    vault: Vault, history: list[Load], null_ends: bool
) -> None:
    table = "eff_sat_null_ends" if null_ends else "eff_sat_driven"
    world = World(vault, table)
    for load in history:
        world.apply(load)
        complete: dict[Any, set[datetime]] = defaultdict(set)
        for row in world.rows:
            if null_ends or row["thing_hk"] is not None:
                complete[row["driving_hk"]].add(row["load_date"])
        found = _kept(vault, table, "thing_hk", "load_date", "load_end_date", "is_active", "driving_hk")
        assert found == reference.effectivity(world.rows, "driving_hk", complete)
        assert_chain(vault, table)


@few
@given(history=histories)
def test_a_relation_ends_where_its_object_is_seen_elsewhere_and_its_list_was_fetched(
    vault: Vault, history: list[Load]
) -> None:
    world = World(vault, "eff_sat_elsewhere")
    for load in history:
        world.apply(load)
        fetched = world.complete(whole=False)
        complete: dict[Any, set[datetime]] = defaultdict(set)
        for day in world.days:
            for row in world.others(day):
                if day in fetched.get(row["scope"], ()):
                    complete[row["driving_hk"]].add(day)
        found = _kept(vault, "eff_sat_elsewhere", "thing_hk", "load_date", "load_end_date", "is_active", "driving_hk")
        assert found == reference.effectivity(world.rows, "driving_hk", complete)
        assert_chain(vault, "eff_sat_elsewhere")


@few
@given(history=histories)
def test_a_point_in_time_table_names_the_version_that_held_on_each_loaded_day(
    vault: Vault, history: list[Load]
) -> None:
    satellites = ("sat_thing", "ma_sat_thing", "eff_sat_listed")
    world = World(vault, "hub_thing", *satellites, "pit_thing")
    for load in history:
        world.apply(load)
        wanted = set()
        for day in {day for day, content in world.days.items() if content.ledger}:
            for hub in vault.dicts("hub_thing"):
                if hub["load_date"] <= day:
                    held = []
                    for name in satellites:
                        versions = {
                            row["load_date"]
                            for row in vault.dicts(name)
                            if row["thing_hk"] == hub["thing_hk"] and row["load_date"] <= day < row["load_end_date"]
                        }
                        assert len(versions) <= 1
                        held.append(min(versions) if versions else None)
                    wanted.add((hub["thing_hk"], day, *held))
        columns = ("thing_hk", "as_of", *(f"{name}_load_date" for name in satellites))
        assert _kept(vault, "pit_thing", *columns) == wanted


@pytest.mark.parametrize("kind", ["sat_thing", "ma_sat_listed", "eff_sat_listed", "hub_thing"])
def test_a_load_without_news_writes_nothing(vault: Vault, kind: str) -> None:
    world = World(vault, kind)
    content = Content([("k0", "c0", "x", "feed/a")], ["d0"], {"s0": ("complete", "full")})
    world.apply(Load(0, [content, content], careful=False))
    world.apply(Load(2, [content], careful=False))
    assert len(vault.table(kind)) == (1 if kind != "hub_thing" else 2)
