"""What all nodes share: the asker, connections and the errors GitHub puts beside partial data."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from graphql import GraphQLError

from oss_datastore.simulator.v3.call import HTML, Call

FITS_INT = 2**31 - 1
"""The largest id that GraphQL's Int holds; larger ones are only in fields of type BigInt."""


class Problem(GraphQLError):
    """An error that leaves null at its path; `kind` is what GitHub calls `type`."""

    def __init__(self, kind: str, message: str, saml: bool | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.saml = saml


@dataclass(frozen=True)
class Rate:
    """What the query may tell of its own cost."""

    limit: int
    cost: int
    remaining: int
    used: int
    reset_at: str
    node_count: int
    graphql_type: ClassVar[str] = "RateLimit"


class Node:
    """Something in the graph: GitHub's field names in snake case are its attributes and methods.

    `place` is the path of its page.
    """

    graphql_type: str

    def __init__(self, call: Call, place: str = "") -> None:
        self.call, self.place = call, place

    @property
    def now(self) -> int:
        """The instant that is asked about."""
        return self.call.now

    def url(self) -> str:
        """Its page."""
        return f"{HTML}{self.place}"

    def resource_path(self) -> str:
        """The path of its page."""
        return self.place


class Plain(Node):
    """A node of few fields, given as they are; `graphql_type` says which type it is."""

    def __init__(self, call: Call, kind: str, place: str = "", **fields: Any) -> None:
        super().__init__(call, place)
        self.__dict__["graphql_type"] = kind
        self.__dict__.update(fields)


def cursor(offset: int) -> str:
    """An opaque place in a list."""
    return base64.b64encode(f"cursor:v2:{offset}".encode()).decode()


def read_cursor(text: str, name: str) -> int:
    """The offset in a cursor. Raises Problem on anything else."""
    try:
        word, version, offset = base64.b64decode(text, validate=True).decode().split(":")
        if (word, version) != ("cursor", "v2"):
            raise ValueError(text)
        return int(offset)
    except ValueError:
        raise Problem("INVALID_CURSOR_ARGUMENTS", f"`{text}` does not appear to be a valid cursor.") from None


@dataclass(frozen=True)
class PageInfo:
    """Where a page lies in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True)
class Edge:
    """An entry with what the list says of it, such as a role."""

    cursor: str
    node: Any
    more: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.more[name]
        except KeyError:
            raise AttributeError(name) from None


class Connection:
    """A list of which one page is asked for; entries become nodes only when they are looked at."""

    def __init__(
        self,
        entries: Sequence[Any],
        make: Callable[[Any], Any],
        paging: dict[str, Any],
        more: Callable[[Any], dict[str, Any]] | None = None,
        **totals: Any,
    ) -> None:
        self._entries, self._make, self._more = entries, make, more
        self.total_count = len(entries)
        self.__dict__.update(totals)
        start, end = 0, len(entries)
        if paging.get("after"):
            start = read_cursor(paging["after"], "after")
        if paging.get("before"):
            end = min(end, max(0, read_cursor(paging["before"], "before") - 1))
        if paging.get("first") is not None:
            end = min(end, start + paging["first"])
        elif paging.get("last") is not None:
            start = max(start, end - paging["last"])
        self._start, self._end = start, max(start, min(end, len(entries)))

    @cached_property
    def _page(self) -> list[Any]:
        return [self._make(entry) for entry in self._entries[self._start : self._end]]

    def nodes(self) -> list[Any]:
        """The page's nodes."""
        return self._page

    def edges(self) -> list[Edge]:
        """The page's nodes with what the list says of each."""
        found = []
        for offset, node in enumerate(self._page):
            more = self._more(self._entries[self._start + offset]) if self._more else {}
            found.append(Edge(cursor(self._start + offset + 1), node, more))
        return found

    def page_info(self) -> PageInfo:
        """Where the page lies."""
        some = self._end > self._start
        return PageInfo(
            has_next_page=self._end < len(self._entries),
            has_previous_page=self._start > 0,
            start_cursor=cursor(self._start + 1) if some else None,
            end_cursor=cursor(self._end) if some else None,
        )


def ordered(
    entries: Iterable[Any], order_by: dict[str, str] | None, keys: dict[str, Callable[[Any], Any]]
) -> list[Any]:
    """Entries in the order asked for; in their own where none is."""
    found = list(entries)
    if order_by:
        found.sort(key=keys[order_by["field"]], reverse=order_by["direction"] == "DESC")
    return found
