"""Rewrites what is staged so that it no longer names those on the suppression list: the only thing that may.

Each object is replaced whole; a killed rewriting is repeated from its beginning, and what is clean already is left.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from oss_datastore.staging.lines import PREFIX
from oss_datastore.staging.store import RawStore
from oss_datastore.staging.suppression import Suppression


@dataclass(frozen=True)
class Rewritten:
    """How many staged objects there are, and how many named somebody on the list."""

    objects: int
    changed: int


def rewrite_staged(
    store: RawStore, suppression: Suppression, tell: Callable[[int], None] = lambda _: None
) -> Rewritten:
    """Every staged object without those on the list; `tell` hears the number of objects done. Raises StoreError."""
    objects = changed = 0
    for key in list(store.list(f"{PREFIX}/")):
        data = store.get(key)
        clean = cleaned(key, data, suppression)
        if clean != data:
            store.rewrite(key, clean)
            changed += 1
        objects += 1
        tell(objects)
    # Also of what a killed rewriting had replaced already.
    store.purge(f"{PREFIX}/")
    return Rewritten(objects, changed)


def cleaned(key: str, data: bytes, suppression: Suppression) -> bytes:
    """The bytes of a staged object without those on the list: the same bytes where it names none of them."""
    name = key.rsplit("/", 1)[1]
    is_packed = name.endswith(".gz")
    content = gzip.decompress(data) if is_packed else data
    if name.startswith("accounts-"):
        clean = _accounts(content, suppression)
    elif name.startswith("part-"):
        clean = _lines(content, suppression.line)
    else:
        clean = _lines(content, lambda entry: None if suppression.has_scope(entry["scope"]) else entry)
    if clean == content:
        return data
    return gzip.compress(clean, 5, mtime=0) if is_packed else clean


def _lines(content: bytes, keep: Callable[[dict[str, Any]], Any]) -> bytes:
    kept = []
    for raw in content.splitlines():
        line = orjson.loads(raw)
        clean = keep(line)
        if clean is not None:
            kept.append(raw if clean == line else orjson.dumps(clean))
    return b"\n".join(kept)


def _accounts(content: bytes, suppression: Suppression) -> bytes:
    seen = orjson.loads(content)
    kept = {number: node for number, node in seen.items() if not suppression.has_user(number)}
    return content if kept == seen else orjson.dumps(kept)
