"""Pages of lists, numbered or by cursor. Links name ids, as GitHub's do."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from oss_datastore.simulator.v3.call import Json, Listing, Refused


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isdigit() and int(text) > 0 else default


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"v1:{offset}".encode()).decode()


def _read_cursor(text: str) -> int:
    try:
        word, offset = base64.urlsafe_b64decode(text).decode().split(":")
        if word != "v1":
            raise ValueError(word)
        return int(offset)
    except ValueError:
        raise Refused(422, "Invalid cursor.") from None


def page(listing: Listing, query: Mapping[str, str], url: str, cursor: bool) -> tuple[list[Json], str | None]:
    """The entries of the page asked for, and the Link header if there is more than one page."""
    size = min(_number(query, "per_page", 30), 100)
    total = len(listing.entries)
    if cursor:
        refused = [name for name in ("page", "first", "last") if name in query]
        if refused:
            raise Refused(400, f"The parameter {refused[0]} is not supported: use before, after and per_page.")
        return _by_cursor(listing, query, url, size)
    number = _number(query, "page", 1)
    start = (number - 1) * size
    entries = [listing.write(entry) for entry in listing.entries[start : start + size]]
    last = max(1, -(-total // size))
    links: list[tuple[str, Any]] = []
    if number > 1:
        links.append(("prev", min(number - 1, last)))
    if number < last:
        links += [("next", number + 1), ("last", last)]
    if number > 1:
        links.append(("first", 1))
    return entries, _link(url, query, "page", links)


def _by_cursor(listing: Listing, query: Mapping[str, str], url: str, size: int) -> tuple[list[Json], str | None]:
    total = len(listing.entries)
    start = _read_cursor(query["after"]) if query.get("after") else 0
    if query.get("before"):
        end = _read_cursor(query["before"])
        start, size = max(0, end - size), min(size, end)
    entries = [listing.write(entry) for entry in listing.entries[start : start + size]]
    rest = {name: value for name, value in query.items() if name not in ("before", "after")}
    links = []
    if start + size < total:
        links.append(f'<{url}?{urlencode({**rest, "after": _cursor(start + size)})}>; rel="next"')
    if start > 0:
        links.append(f'<{url}?{urlencode({**rest, "before": _cursor(start)})}>; rel="prev"')
    return entries, ", ".join(links) or None


def _link(url: str, query: Mapping[str, str], name: str, links: list[tuple[str, Any]]) -> str | None:
    return ", ".join(f'<{url}?{urlencode({**query, name: value})}>; rel="{rel}"' for rel, value in links) or None
