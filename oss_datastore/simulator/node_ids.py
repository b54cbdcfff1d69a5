"""Global ids in GitHub's present form: a prefix, and base64 of a MessagePack list of numbers."""

from __future__ import annotations

import base64
import struct
from functools import lru_cache


def _pack(number: int) -> bytes:
    if number < 0x80:
        return struct.pack(">B", number)
    if number <= 0xFFFFFFFF:
        return b"\xce" + struct.pack(">I", number)
    return b"\xcf" + struct.pack(">Q", number)


@lru_cache(maxsize=100_000)
def node_id(prefix: str, *numbers: int) -> str:
    """The id of something: `R` and a repository's id make `R_kgDO…`."""
    packed = bytes([0x90 | (len(numbers) + 1), 0]) + b"".join(map(_pack, numbers))
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def read_node_id(text: str) -> tuple[str, list[int]] | None:
    """Prefix and numbers of an id; None where it is none."""
    prefix, found, rest = text.partition("_")
    try:
        packed = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
    except ValueError:
        return None
    if not found or len(packed) < 2 or packed[0] & 0xF0 != 0x90:
        return None
    numbers, at = [], 2
    try:
        while at < len(packed):
            if packed[at] < 0x80:
                numbers.append(packed[at])
                at += 1
            else:
                wide = packed[at] == 0xCF
                numbers.append(struct.unpack_from(">Q" if wide else ">I", packed, at + 1)[0])
                at += 9 if wide else 5
    except struct.error:
        return None
    return prefix, numbers
