"""Reading a page back: its numbers by name and its tables by id."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Numbers of the first screen, tables as lists of rows, ids, headings and the tags that occur."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.ids: set[str] = set()
        self.notices: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._number: str | None = None
        self._table: str | None = None
        self._cell = False
        self._notice = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if attributes.get("id"):
            self.ids.add(str(attributes["id"]))
        if "data-number" in attributes:
            self._number = str(attributes["data-number"])
            self.numbers[self._number] = ""
        if tag == "table" and "data-table" in attributes:
            self._table = str(attributes["data-table"])
            self.tables[self._table] = []
        if self._table and tag == "tr":
            self.tables[self._table].append([])
        self._cell = bool(self._table) and tag in ("td", "th")
        if self._table and self._cell:
            self.tables[self._table][-1].append("")
        self._notice = tag == "p" and attributes.get("class") == "notice"
        if self._notice:
            self.notices.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._cell = False
        if tag == "b":
            self._number = None
        if tag == "table":
            self._table = None
        if tag == "p":
            self._notice = False

    def handle_data(self, data: str) -> None:
        if self._number:
            self.numbers[self._number] += data
        if self._notice:
            self.notices[-1] += data
        if self._table and self._cell:
            self.tables[self._table][-1][-1] += data

    def number(self, name: str) -> int:
        """A number of the first screen."""
        return int(self.numbers[name].replace(",", ""))

    def table(self, ident: str) -> dict[str, dict[str, str]]:
        """A table by the first cell of its rows, then by column."""
        header, *rows = self.tables[ident]
        return {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
