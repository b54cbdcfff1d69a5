"""What is told of a scan for secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oss_datastore_tests.infra.found_secrets import found_in, unknown


def scan(*findings: dict[str, Any]) -> str:
    """An answer of detect-secrets."""
    return json.dumps({"plugins_used": [{"name": "AWSKeyDetector"}], "results": {"a.py": list(findings)}})


def finding(line: int, digits: str) -> dict[str, Any]:
    return {"filename": "a.py", "type": "AWS Access Key", "hashed_secret": digits, "line_number": line}


def test_a_known_text_may_move_and_a_new_one_is_told() -> None:
    known = list(found_in(scan(finding(3, "aa"))))
    assert unknown(found_in(scan(finding(9, "aa"), finding(4, "bb"))), known) == ["a.py:4: AWS Access Key"]


def test_a_scan_that_looked_for_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="detect-secrets"):
        found_in('{"plugins_used": [], "results": {}}')
