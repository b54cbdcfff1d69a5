"""The vocabulary in which a dataset is declared.

Only shapes live here: what a column, a dataset and an answer set are. Which datasets there are stands in the subject
modules beside this one; how answers are asked for is `staging`, how rows are made of them is `catalogue.parse`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal

ColumnType = Literal["text", "bigint", "boolean", "decimal", "timestamp", "date", "key"]


class Addressable(StrEnum):
    """What GitHub can still tell of an older day (design: datasets and days)."""

    window = "window"
    since = "since"
    history = "history"
    snapshot = "snapshot"
    feed = "feed"


class ScopeKind(StrEnum):
    """The thing one fetch is complete for."""

    organization = "organization"
    repository = "repository"
    team = "team"
    user = "user"
    file = "file"


class Needs(StrEnum):
    """The visibility a dataset needs before its list counts as whole."""

    anyone = "anyone"
    """Whoever may read the repository sees the whole list."""
    push = "push"
    """GitHub refuses others with a status of its own."""
    owner = "owner"
    """Others get a shorter list with status 200: such a list is never whole."""


@dataclass(frozen=True)
class Column:
    """One scalar column of a psa table.

    `paths` are tried in order and the first that is not null counts; they are dotted keys into the record.
    A path may begin with `@`: `@id` (numeric id of the scope), `@parent`, `@payload`, `@context`, `@rank`, `@edge`.
    `via` transforms the value that was found; `of`, where given, computes the value from the whole record instead.
    """

    name: str
    type: ColumnType
    paths: tuple[str, ...]
    description: str
    required: bool = False
    via: Callable[[Any], Any] | None = None
    of: Callable[[Record], Any] | None = None


@dataclass(frozen=True)
class Record:
    """One item of an answer with what surrounds it: the input of every column."""

    item: Any
    parent: Any
    payload: Any
    context: Mapping[str, Any]
    scope_id: int
    rank: int
    edge: str


@dataclass(frozen=True, eq=False)
class Table:
    """One psa table: columns, keys, and the hash keys and hash diffs computed from them once, here.

    `key` names the columns that identify a row within a day. `hash_keys` maps a `…_hk` column to the columns whose
    values, after the host, are hashed into it. `hash_diffs` maps a satellite to the columns it keeps; the column of
    the psa table is that satellite's name with `_hd`.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    hash_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hash_diffs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    each: str = ""
    """Path from an item of the answer to the list of records; '' when the item is the record, `@payload` once.

    `@entries` where the answer may be an object of names and values instead of a list: an entry's name stands at the
    path `key`, its value at `value`.
    """
    scalars: bool = False
    """The records are plain values or lists of them: a value stands at the path `value`, its position at `@rank`."""
    dated_by: str = ""
    """The column that says to which day a record belongs, where it is not the usual time column."""
    snapshot_only: bool = False
    """Kept only when fetched on the day after: it describes the moment of the fetch and not an older day."""
    schema: Literal["psa", "psa_pii"] = "psa"
    description: str = ""

    def column(self, name: str) -> Column:
        """The declared column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"psa table {self.name} has no column {name}")

    @property
    def fields(self) -> tuple[tuple[str, ColumnType], ...]:
        """Every column of the psa table in its order: where a row comes from, hash keys, hash diffs, attributes."""
        return (
            ("load_date", "timestamp"),
            ("scope", "text"),
            ("host", "text"),
            ("fetched_at", "timestamp"),
            ("rec_src", "text"),
            *((name, "key") for name in self.hash_keys),
            *((f"{name}_hd", "key") for name in self.hash_diffs),
            *((column.name, column.type) for column in self.columns),
        )

    @property
    def time_column(self) -> str | None:
        """What decides to which day a record belongs: `dated_by`, else `updated_at`, else `created_at`, if any."""
        if self.dated_by:
            return self.dated_by
        names = {c.name for c in self.columns}
        return next((n for n in ("updated_at", "submitted_at", "created_at") if n in names), None)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What we track of GitHub under one name: one staged asset, one ledger line per scope and day.

    `table` holds its rows; `children` are further tables made of the same answers. `actors` are paths to accounts
    inside a record: every account that is seen anywhere ends in `psa_pii.actors`.
    """

    table: Table
    subject: str
    scope_kind: ScopeKind
    addressable: Addressable
    needs: Needs
    description: str
    permission: str
    """What a fine-grained token or a GitHub App must be granted, in GitHub's words."""
    classic_scope: str = ""
    """The scope that a classic token needs; '' where none is needed for what is public."""
    children: tuple[Table, ...] = ()
    actors: tuple[str, ...] = ()
    scrub: Callable[[Any], Any] | None = None
    """Takes out of each record what must not be kept anywhere; made of its own result it changes nothing."""
    is_object: bool = False
    """The answer is one object, the record itself or what holds its list; everything else is answered with a list."""

    @property
    def name(self) -> str:
        """The dataset's name is its table's name."""
        return self.table.name

    @property
    def tables(self) -> Iterator[Table]:
        """The dataset's own table, then its children."""
        yield self.table
        yield from self.children


Meaning = Literal["disabled", "forbidden", "gone", "empty"]
"""What an error can mean for a scope without being a failure; `empty` is a complete answer without records."""


@dataclass(frozen=True)
class RestRequest:
    """A REST list or object of one scope.

    `path` and `params` are filled from the names of the scope (`{org}`, `{repo}` as owner/name, `{slug}`).
    `variants` asks the path once per set of parameters, each being the `@context` of its records. With `since`, that
    parameter carries the moment from which changes are asked; with `newest_first`, pages are read until this field of
    their last item lies before that moment. `per_item` asks once more for each item of the answer (the reviews of a
    pull request), the item being the `@parent` of the records. `datasets` are those of the set that an answer holds.
    With `belongs_to`, the path is asked per organisation and each item belongs to the repository whose numeric id
    lies at that path inside it; a planned repository that no item names has an empty list. Where that list holds what
    is public only (`public_only`), private repositories are asked one by one. `means` says what an error
    kind means here where it means something else than usual (a 404 of a list that is switched off).
    """

    path: str
    datasets: tuple[str, ...]
    asked_per: ScopeKind = ScopeKind.repository
    params: Mapping[str, str] = field(default_factory=dict)
    accept: str | None = None
    paged: bool = True
    since: str | None = None
    newest_first: str | None = None
    variants: tuple[Mapping[str, str], ...] = ({},)
    per_item: tuple[RestRequest, ...] = ()
    belongs_to: str = ""
    public_only: bool = False
    means: Mapping[str, Meaning] = field(default_factory=dict)


@dataclass(frozen=True)
class GraphPart:
    """Which dataset an item of a connection belongs to.

    With `scope_each`, every item is a scope of its own and its records lie at `path` inside it (`members.edges`);
    `overflow` is the document that pages on where an inner connection, lying at `inner`, is longer than its first page.
    `nullable` is the path inside the item whose null says that there is nothing (a default branch without commits).
    `total` is the path of GitHub's own count: a whole list of another length was not shown in full, and is forbidden.
    `nested` is a connection inside the records themselves (the assets of a release); where that is longer than its
    first page, `nested_overflow` pages on through it, its `$id` being the record's.
    """

    dataset: str
    scope_each: bool = False
    path: str = ""
    inner: str = ""
    overflow: str = ""
    nullable: str = ""
    total: str = ""
    nested: str = ""
    nested_overflow: str = ""


@dataclass(frozen=True)
class GraphRequest:
    """A GraphQL connection: the document's name, where the connection lies in `data`, and whose its items are.

    A `batch` asks for many scopes at once: its document takes `$ids: [ID!]!` (node ids) and `$first: Int!` (the size of
    the lists inside), its `connection` is `nodes`, each node is a scope of the kind `asked_per`, and `page_size` says
    how many go into one query. `newest_first` then speaks of the items inside. `since` names the variable that
    carries the moment from which changes are asked, null for everything.
    """

    document: str
    connection: str
    asked_per: ScopeKind
    page_size: int
    parts: tuple[GraphPart, ...]
    newest_first: str | None = None
    batch: bool = False
    since: str = ""
    list_size: int = 100


@dataclass(frozen=True)
class FileRequest:
    """A CSV file in the folder of file sources, one record a line below its header.

    `columns` maps the names under which records are staged to the headers that are taken for them, compared without
    regard to case, spaces and hyphens; what is headed otherwise is not kept. A file without one of the `required`
    columns is not read at all. `period` names the columns of the table where a record begins and ends to hold: those
    of the same key must not overlap.
    """

    file: str
    columns: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]
    period: tuple[str, str] | None = None
    asked_per: ClassVar[ScopeKind] = ScopeKind.file


@dataclass(frozen=True, eq=False)
class AnswerSet:
    """Datasets that share their answers: one multi-asset, one folder in staging.

    `requests` are equivalent ways to the same rows, the cheapest first; a later one is taken where the API of an
    earlier one is not there at all, and for the repositories of an organisation whose list was refused.

    `probe` names columns of the inventory that move whenever one of these records does: a time is compared with the
    moment from which changes are asked, anything else with its value on the last complete day. Where none of them
    moved, nothing is asked. `counts` names columns whose sum is the number of records that GitHub lists: where it
    differs from what we know, or every seven days if anything moved, the whole list is asked for. `switch` names
    columns of the inventory or of the repository's settings, each another plan's word for the same feature: it is
    switched off where none of those that are told is on. `present` names a count that is zero where there is nothing
    to ask for.
    """

    name: str
    datasets: tuple[Dataset, ...]
    requests: tuple[RestRequest | GraphRequest | FileRequest, ...]
    priority: int
    """What expires first is fetched first: lower numbers go first."""
    probe: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    switch: tuple[str, ...] = ()
    present: str = ""
    every_days: int = 1
    """Asked again only so many days after the last complete one; scopes are spread over the days between."""
    two_phase: bool = False
    """GitHub computes the answer when it is asked for (202): asked early in a run and collected at its end."""
    overlap: timedelta = timedelta(hours=1)
    """How far before the last complete day's close changes are asked for: indexes lag, rebases land in the past."""
    cost: str = ""
    """What a day costs, for people."""


def text(name: str, paths: str = "", description: str = "", **more: Any) -> Column:
    """A text column; see `Column` for paths (alternatives separated by `|`)."""
    return _column(name, "text", paths, description, **more)


def bigint(name: str, paths: str = "", description: str = "", **more: Any) -> Column:
    """A 64-bit integer column: GitHub's ids no longer fit 32 bits."""
    return _column(name, "bigint", paths, description, **more)


def boolean(name: str, paths: str = "", description: str = "", **more: Any) -> Column:
    """A boolean column."""
    return _column(name, "boolean", paths, description, **more)


def decimal(name: str, paths: str = "", description: str = "", **more: Any) -> Column:
    """A decimal(38,6) column."""
    return _column(name, "decimal", paths, description, **more)


def timestamp(name: str, paths: str = "", description: str = "", **more: Any) -> Column:
    """A moment in UTC, without a zone in tables."""
    return _column(name, "timestamp", paths, description, **more)


def day(name: str, paths: str = "", description: str = "", **more: Any) -> Column:
    """A UTC calendar day."""
    return _column(name, "date", paths, description, **more)


def _column(name: str, type_: ColumnType, paths: str, description: str, **more: Any) -> Column:
    return Column(name, type_, tuple((paths or name).replace(" ", "").split("|")), description, **more)


def long_text(name: str, paths: str = "", description: str = "") -> tuple[Column, ...]:
    """A text that people write: cut where a warehouse must cut, its full length and md5 beside it."""
    source = (paths or name).replace(" ", "")
    return (
        text(name, source, description),
        bigint(f"{name}_length", source, f"Length of the whole {name} in characters.", via=len),
        text(f"{name}_md5", source, f"md5 of the whole {name} in UTF-8.", via=_md5),
    )


def _md5(value: str) -> str:
    return hashlib.md5(value.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
