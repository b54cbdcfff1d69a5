"""The number inside a GraphQL node id: some things have no other number there.

GitHub's GraphQL types of labels, milestones and release assets lack the numeric id that REST gives, and calls node ids
opaque. Yet each node id holds that number, in the form of before 2021 (base64 of `05:Label123`) and in the present one
(a prefix and base64 of a MessagePack list that ends with it). Whatever has neither form has no number, and its record
is told as one that does not parse; none is guessed.
"""

from __future__ import annotations

import base64
import binascii
import re

_OLD = re.compile(rb"0(\d+):([A-Za-z]+)(\d+)")
_WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
"""How many bytes follow MessagePack's marks of unsigned integers."""


def numeric_id(value: object) -> object:
    """The number of a thing: a number as it is, that inside a node id else. Raises ValueError where there is none."""
    if not isinstance(value, str) or value.isdigit():
        return value
    prefix, mark, rest = value.partition("_")
    found = _of_present_form(rest) if mark and prefix.isalpha() else _of_old_form(value)
    if found is None:
        raise ValueError(f"the node id {value[:100]!r} holds no number")
    return found


def _of_present_form(text: str) -> int | None:
    packed = _decoded(text.replace("-", "+").replace("_", "/"))
    if not packed or packed[0] & 0xF0 != 0x90:
        return None
    numbers: list[int] = []
    at = 1
    while at < len(packed):
        width = 0 if packed[at] < 0x80 else _WIDTHS.get(packed[at])
        if width is None or at + width >= len(packed):
            return None
        numbers.append(int.from_bytes(packed[at + 1 : at + 1 + width], "big") if width else packed[at])
        at += 1 + width
    return numbers[-1] if len(numbers) == packed[0] & 0x0F and len(numbers) > 1 else None


def _of_old_form(text: str) -> int | None:
    match = _OLD.fullmatch(_decoded(text))
    return int(match[3]) if match and int(match[1]) == len(match[2]) else None


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
