"""Compares what detect-secrets found in the repository with the invented secrets that are known.

    python -m oss_datastore_tests.infra.found_secrets build/secrets.json          # fails on anything new
    python -m oss_datastore_tests.infra.found_secrets build/secrets.json --accept # after each was looked at

A line of `infra/secrets.baseline` is a file, a kind and a hash: text that moves within its file stays known.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

KNOWN = Path(__file__).resolve().parents[2] / "infra" / "secrets.baseline"


def found_in(scan: str) -> dict[str, int]:
    """Findings of a scan as lines of the baseline, with the line of the file. ValueError where nothing was scanned."""
    answer = json.loads(scan)
    if not answer.get("plugins_used"):
        raise ValueError("expected the answer of detect-secrets scan")
    return {
        f"{finding['filename']}\t{finding['type']}\t{finding['hashed_secret']}": finding["line_number"]
        for findings in answer["results"].values()
        for finding in findings
    }


def unknown(found: dict[str, int], known: Sequence[str]) -> list[str]:
    """A line for each finding that is not known: where, and of what kind."""
    return [
        f"{line.split(chr(9))[0]}:{number}: {line.split(chr(9))[1]}"
        for line, number in sorted(found.items())
        if line not in known
    ]


def main(arguments: Sequence[str]) -> int:
    """1 where something is not known."""
    found = found_in(Path(arguments[0]).read_text())
    if "--accept" in arguments:
        KNOWN.write_text("".join(f"{line}\n" for line in sorted(found)))
        return 0
    new = unknown(found, KNOWN.read_text().splitlines())
    sys.stdout.write("".join(f"looks like a secret: {line}\n" for line in new))
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
