"""Node ids hold the number that REST gives: shown on node ids which GitHub itself gave beside their numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_datastore.catalogue.node_ids import numeric_id
from oss_datastore.simulator.node_ids import node_id


@pytest.mark.parametrize(
    ("node", "number"),
    [
        ("MDU6TGFiZWwxNzczMzkxMDQ=", 177339104),
        ("MDk6TWlsZXN0b25lMjE5NDg4OQ==", 2194889),
        ("MDEyOlJlbGVhc2VBc3NldDE2NDIyODQx", 16422841),
        ("MI_kwDODFTdCc4AbbGY", 7188888),
        ("MI_kwDOFuUSzs4Ad-AV", 7856149),
        ("RE_kwDOJu6fvc4GddyI", 108387464),
        ("I_kwDOB_z1Gs5K-Ts6", 1257847610),
        ("LE_lADOB_z1Gs5LWMEGzwAAAAGTScKc", 6766051996),
        ("U_kgDOBZf-vA", 93847228),
    ],
)
def test_a_node_id_of_githubs_holds_the_number_that_came_beside_it(node: str, number: int) -> None:
    assert numeric_id(node) == number


@given(st.integers(1, 2**63 - 1), st.integers(1, 2**63 - 1))
def test_the_last_of_several_numbers_is_the_things_own(repository: int, label: int) -> None:
    assert numeric_id(node_id("LA", repository, label)) == label


def test_a_number_is_itself() -> None:
    assert numeric_id(7) == 7
    assert numeric_id("7") == "7"


@pytest.mark.parametrize("text", ["", "LA_", "LA_kwDO", "LA_AAAA", "no node id", "MDU6TGFiZWw=", "MDQ6TGFiZWwx", "é_é"])
def test_what_holds_no_number_gives_none_and_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="holds no number"):
        numeric_id(text)
