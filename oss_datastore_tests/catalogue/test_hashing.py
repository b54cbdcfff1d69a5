"""Hash keys and diffs are injective: what differs has different bytes, and NULL is not ''."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from oss_datastore.catalogue.hashing import hash_diff, hash_key

PARTS = st.lists(st.text(min_size=1, max_size=5) | st.integers(), min_size=1, max_size=4)


def test_a_missing_part_gives_no_key() -> None:
    assert hash_key("github.com", [1, None]) is None
    assert hash_key("github.com", [1, ""]) is None
    assert hash_key("github.com", [1, " "]) is not None


@given(PARTS, PARTS)
def test_only_the_same_parts_give_the_same_key(one: list[object], other: list[object]) -> None:
    same = [str(part) for part in one] == [str(part) for part in other]
    assert (hash_key("github.com", one) == hash_key("github.com", other)) is same


def test_a_key_begins_with_its_host_and_keeps_the_case() -> None:
    assert hash_key("github.com", [1]) != hash_key("ghe.example.com", [1])
    assert hash_key("github.com", ["A"]) != hash_key("github.com", ["a"])


def test_null_empty_and_blank_are_three_values_in_a_hash_diff() -> None:
    assert len({hash_diff([("a", value)]) for value in (None, "", " ")}) == 3


@given(st.dictionaries(st.sampled_from("abcdef"), st.none() | st.text(max_size=3), max_size=6))
def test_null_adds_nothing_so_a_column_declared_later_makes_no_version(values: dict[str, str | None]) -> None:
    assert hash_diff(values.items()) == hash_diff([*values.items(), ("declared_later", None)])


def test_a_value_that_moves_to_another_column_is_a_change() -> None:
    assert hash_diff([("a", "x"), ("b", None)]) != hash_diff([("a", None), ("b", "x")])
    assert hash_diff([("a", "x1"), ("b", "y")]) != hash_diff([("a", "x"), ("b", "1y")])


def test_a_decimal_hashes_by_value() -> None:
    assert hash_diff([("score", Decimal("7.500000"))]) == hash_diff([("score", Decimal("7.5"))])
