"""Hash keys and hash diffs: how the parts of a key and the columns of a satellite become sixteen bytes.

Computed once, when a row enters psa, so that every engine stores the same bytes and none has to agree on how it turns
a number into text. The form is injective: lengths stand in front, so nothing has to be escaped and NULL, '' and ' '
are three values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal


def canonical(value: object) -> str:
    """The text of a value that is hashed: booleans as 1 and 0, moments in ISO form, decimals without exponent."""
    if value is True:
        return "1"
    if value is False:
        return "0"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    raise TypeError(f"cannot hash a {type(value).__name__}: only text, integers, booleans, decimals and times are kept")


def hash_key(host: str, parts: Iterable[object]) -> str | None:
    """The hash key of these parts: 32 hexadecimal digits, or None when a part is missing (no key, no row)."""
    text = f"{len(host)}:{host}"
    for part in parts:
        if part is None or part == "":
            return None
        value = canonical(part)
        text += f"{len(value)}:{value}"
    return _md5(text)


def hash_diff(named: Iterable[tuple[str, object]]) -> str:
    """The hash of a satellite's attributes, each with its name.

    A NULL adds nothing: a column that is declared later and is NULL for older days leaves their hash as it was, so
    that no version appears which nobody observed.
    """
    text = ""
    for name, value in named:
        if value is not None:
            plain = canonical(value)
            text += f"{name}={len(plain)}:{plain}"
    return _md5(text)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
