"""Pages of lists, numbered or by cursor. Links name ids, as GitHub's do."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from oss_datastore.simulator.v3.call import Listing, Refused, Route


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


LASTING, STRIKING = ("short_pages", "pages_shift"), ("page_beyond_end", "pagination_limited")
"""The faults of lists: those that all pages of a list must share, and those of single requests."""
LIMITED = "In order to keep the API fast for everyone, pagination is limited for this resource."


def page(
    listing: Listing, query: Mapping[str, str], url: str, route: Route, fault: str | None
) -> tuple[Any, str | None]:
    """The page asked for, and the Link header if there is more than one page; `fault` may be one of these."""
    size = min(_number(query, "per_page", 30), route.most)
    if fault == "short_pages":
        size = max(1, size // 2)
    if route.cursor:
        refused = [name for name in ("page", "first", "last") if name in query]
        if refused:
            raise Refused(400, f"The parameter {refused[0]} is not supported: use before, after and per_page.")
        entries, link = _by_cursor(listing, query, url, size, fault)
    else:
        entries, link = _by_number(listing, query, url, size, fault)
    return (listing.wrap(len(listing.entries), entries) if listing.wrap else entries), link


def _by_number(
    listing: Listing, query: Mapping[str, str], url: str, size: int, fault: str | None
) -> tuple[list[Any], str | None]:
    number = _number(query, "page", 1)
    if fault == "pagination_limited" and number > 1:
        raise Refused(422, LIMITED)
    start, total = (number - 1) * size, len(listing.entries)
    if fault == "pages_shift":
        # From the second page on, all that follows lies one place further down.
        start, total = start - (number > 1), total + (total > size)
    entries = [listing.write(entry) for entry in listing.entries[start : start + size]]
    last = max(1, -(-total // size))
    if fault == "page_beyond_end" and number >= last:
        last = number + (1 if entries else 0)
    links: list[tuple[str, Any]] = []
    if number > 1:
        links.append(("prev", min(number - 1, last)))
    if number < last:
        links += [("next", number + 1), ("last", last)]
    if number > 1:
        links.append(("first", 1))
    return entries, _link(url, query, "page", links)


def _by_cursor(
    listing: Listing, query: Mapping[str, str], url: str, size: int, fault: str | None
) -> tuple[list[Any], str | None]:
    total = len(listing.entries)
    start = _read_cursor(query["after"]) if query.get("after") else 0
    if fault == "pagination_limited" and start:
        raise Refused(422, LIMITED)
    if fault == "page_beyond_end" and start < total <= start + size:
        total = start + size + 1
    if fault == "pages_shift" and start and size > 1:
        start -= 1
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
