"""What holds for every satellite whatever was loaded: the chain of versions of each key has no gap, overlap or twin."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from oss_datastore_tests.vault.engine import Vault

FAR = datetime(9999, 12, 31)  # noqa: DTZ001 - tables hold naive UTC


def assert_chain(vault: Vault, name: str, *, gaps: bool = False) -> None:
    """load_end_date is the next load_date; the last one is open. With gaps a block may also end before the next."""
    versions: dict[Any, set[tuple[Any, ...]]] = {}
    for row in vault.dicts(name):
        versions.setdefault(row["thing_hk"], set()).add((row["load_date"], row["load_end_date"], row["hash_diff"]))
    for key, found in versions.items():
        chain = sorted(found)
        assert len({version[0] for version in chain}) == len(chain), (
            f"{name}: two versions of {key} on one day: {chain}"
        )
        for (start, end, state), following in zip(chain, [*chain[1:], None], strict=True):
            assert start < end, f"{name}: version of {key} ends before it begins: {chain}"
            next_start = following[0] if following else FAR
            assert end == next_start or (gaps and end < next_start), f"{name}: gap in {key}: {chain}"
            if following and end == next_start:
                assert following[2] != state, f"{name}: false version of {key}: {chain}"


def assert_definition(vault: Vault, name: str) -> None:
    """The table holds what the model's own SQL gives over everything staged."""
    assert sorted(map(repr, vault.table(name))) == sorted(map(repr, vault.definition(name)))
