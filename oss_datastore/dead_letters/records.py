"""A failure as a row: without secrets, within limits, in types that PostgreSQL can hold.

Everything that reaches the queue or the spool passes here. Nothing here knows of connections or states.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from oss_datastore.dead_letters.letters import Failure
from oss_datastore.redaction import allowed_headers, redact, redact_bytes, redact_text

BODY_LIMIT = 64 * 1024  # bytes kept of an answer
# Read beyond the cut, so that a secret that lies across it is recognised.
_MARGIN = 32 * 1024
_LONGEST_SECRET = 4096
_LONGEST_MESSAGE = 2000
_LONGEST_CAUSE = 200
_LONGEST_VALUE = 16 * 1024

Row = dict[str, Any]


def row_of(failure: Failure, failed_at: datetime) -> Row:
    """The row of one failure. Raises ValueError where dataset, scope, error class or a time is unusable."""
    for name in ("dataset", "scope", "error_class"):
        if not getattr(failure, name):
            raise ValueError(f"A failure needs its {name}: {failure.dataset}, {failure.scope}, {failure.day}")
    for moment in (failed_at, failure.recoverable_until):
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"Times of a failure need a time zone: {moment} of {failure.scope}")
    body, encoding = _body(failure.body)
    return {
        "dataset": _text(failure.dataset),
        "scope": _text(failure.scope),
        "day": failure.day.isoformat(),
        "cause": _cause(failure.cause or failure.error_class),
        "source": failure.source,
        "error_class": _text(failure.error_class),
        "message": _cut(_text(failure.message), _LONGEST_MESSAGE),
        "request": _json(failure.request),
        "status": failure.status,
        "headers": _json(allowed_headers(failure.headers)),
        "body": body,
        "body_encoding": encoding,
        "body_length": None if failure.body is None else len(failure.body),
        "staged": _json(failure.staged),
        "attempts": 1,
        "first_failed_at": failed_at.isoformat(),
        "last_failed_at": failed_at.isoformat(),
        "recoverable_until": failure.recoverable_until.isoformat() if failure.recoverable_until else None,
    }


def identity(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """What makes two failures one letter."""
    return row["dataset"], row["scope"], str(row["day"]), row["cause"]


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row per letter: the last evidence, all attempts."""
    letters: dict[tuple[str, str, str, str], Row] = {}
    for row in rows:
        earlier = letters.get(identity(row))
        if earlier is not None:
            row = {
                **row,
                "attempts": earlier["attempts"] + row["attempts"],
                "first_failed_at": earlier["first_failed_at"],
            }
        letters[identity(row)] = row
    return list(letters.values())


def clean(text: str) -> str:
    """Text for a column that people write (who, why, note): without secrets and unstorable characters."""
    return _cut(_text(text), _LONGEST_MESSAGE)


def _body(data: bytes | None) -> tuple[str | None, str | None]:
    """Text where it is UTF-8 without NUL (which PostgreSQL's text cannot hold), else base64."""
    if data is None:
        return None, None
    clean_data = redact_bytes(data[: BODY_LIMIT + _MARGIN])
    whole = len(data) <= BODY_LIMIT + _MARGIN and len(clean_data) <= BODY_LIMIT
    # What lies at the end of a part may be the beginning of a secret that was not recognised.
    kept = clean_data if whole else clean_data[: min(BODY_LIMIT, len(clean_data) - _LONGEST_SECRET)]
    if b"\0" not in kept:
        try:
            # A character cut in two by us is no sign of binary data; it is left out.
            return codecs.getincrementaldecoder("utf-8")().decode(kept, final=whole), "utf-8"
        except UnicodeDecodeError:
            pass
    return base64.b64encode(kept).decode(), "base64"


def _cause(cause: str) -> str:
    text = _text(cause)
    if len(text) <= _LONGEST_CAUSE:
        return text
    return f"{text[: _LONGEST_CAUSE - 33]} {hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _text(text: str) -> str:
    """Without secrets, and with visible stand-ins for NUL and lone surrogates, which PostgreSQL refuses."""
    return _plain(redact_text(text))


def _plain(text: str) -> str:
    return text.replace("\0", "␀").encode("utf-8", "replace").decode()


def _json(value: Any) -> Any:
    return _storable(redact(value)) if value is not None else None


def _storable(value: Any) -> Any:
    """In types that JSON has; anything else as its text."""
    if isinstance(value, str):
        return _cut(_plain(value), _LONGEST_VALUE)
    if isinstance(value, Mapping):
        return {_plain(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return _cut(_text(str(value)), _LONGEST_VALUE)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
