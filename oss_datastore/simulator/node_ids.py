"""Global ids in GitHub's present form: a prefix, and base64 of a MessagePack list of numbers; and in the former one."""

from __future__ import annotations

import base64
import re
import struct
from functools import lru_cache
from typing import Any

PRESENT = re.compile(r"[A-Z]+_k[gw]D[A-Za-z0-9_-]+")
FORMER = re.compile(r"0(\d+):([A-Za-z]+)(\d+(?::\d+)*)")
NAMES = {
    "A": "Integration",
    "BOT": "Bot",
    "D": "Discussion",
    "I": "Issue",
    "IC": "IssueComment",
    "LA": "Label",
    "MI": "Milestone",
    "O": "Organization",
    "PR": "PullRequest",
    "PRR": "PullRequestReview",
    "PVT": "ProjectV2",
    "R": "Repository",
    "RA": "ReleaseAsset",
    "RE": "Release",
    "T": "Team",
    "U": "User",
}
"""What the former ids spell out, by the prefix of the present ones; other prefixes stand for themselves."""
ALONE = frozenset({"LA", "MI", "RA"})
"""Prefixes of what its own number alone told of in the former ids, without that of its repository."""
PREFIXES = {name: prefix for prefix, name in NAMES.items()}


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


def former_id(present: str) -> str:
    """The same id as it was written before: base64 of the length and name of its type, and its numbers."""
    read = read_node_id(present)
    if read is None:
        return present
    name = NAMES.get(read[0], read[0])
    numbers = read[1][-1:] if read[0] in ALONE else read[1]
    return base64.b64encode(f"0{len(name)}:{name}{':'.join(map(str, numbers))}".encode()).decode()


def former_ids(payload: Any) -> Any:
    """A payload with every present id in it written in the former way."""
    if isinstance(payload, dict):
        return {name: former_ids(value) for name, value in payload.items()}
    if isinstance(payload, list):
        return [former_ids(value) for value in payload]
    return former_id(payload) if isinstance(payload, str) and PRESENT.fullmatch(payload) else payload


def _read_former(text: str) -> tuple[str, list[int]] | None:
    try:
        found = FORMER.fullmatch(base64.b64decode(text, validate=True).decode())
    except ValueError:
        return None
    if found is None or int(found[1]) != len(found[2]):
        return None
    return PREFIXES.get(found[2], found[2]), [int(number) for number in found[3].split(":")]


def read_node_id(text: str) -> tuple[str, list[int]] | None:
    """Prefix and numbers of an id of either form; None where it is none."""
    prefix, found, rest = text.partition("_")
    if not found:
        return _read_former(text)
    try:
        packed = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
    except ValueError:
        return None
    if len(packed) < 2 or packed[0] & 0xF0 != 0x90:
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
