"""A campaign of some hundred requests: what it promises is kept, and what is broken would show."""

from __future__ import annotations

import pytest

from soak.__main__ import main
from soak.trial import differences


def test_after_a_fifth_of_server_errors_and_retries_no_row_is_lost_or_invented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--quick", "server_errors"]) == 0
    said = capsys.readouterr().out
    assert "lost 0, invented 0, unaccounted 0" in said
    assert "bad_gateway" in said


def test_a_row_too_few_and_a_row_twice_are_both_seen() -> None:
    lost, invented = differences({"issues": ["a", "a", "c"]}, {"issues": ["a", "b", "c"]})
    assert (lost, invented) == ({"issues": ["b"]}, {"issues": ["a"]})


def test_an_unknown_campaign_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["no_such_campaign"])
    assert ended.value.code == 2
    assert "no_such_campaign" in capsys.readouterr().err
