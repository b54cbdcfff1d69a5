"""Writes what is made and not written by hand: `python -m infra.generate`, and with a folder the code of functions.

`python -m infra.generate build/` also leaves there the file that goes to `s3://<CodeBucket>/code/` before the stack of
the infomarts is deployed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from infra.infomarts import template

INFOMARTS = Path(__file__).with_name("infomarts.yaml")


def main(arguments: list[str]) -> None:
    """Writes the template, and into the folder that is named the function's code."""
    INFOMARTS.write_text(template.text(), encoding="utf-8")
    for folder in arguments:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / template.archive_name()).write_bytes(template.archive())


if __name__ == "__main__":
    main(sys.argv[1:])
