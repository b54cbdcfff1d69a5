"""GraphQL documents: found by name, whole or cut down to some fields of their items.

Only text belongs here; sending it is `graphql.py`. The name of a cut document says all that is needed to make it again,
so it can stand in a staged request or a letter like any other name:

    pull_requests#repository.pullRequests:reviews+reviewRequests

is `pull_requests` with only these two fields, and those that say which item it is, for each item of that connection.
Fields go by the name they have in the answer (their alias where they have one); `*` stands for all short plain ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

IDENTITY = frozenset(
    {"__typename", "id", "databaseId", "fullDatabaseId", "number", "updatedAt", "createdAt", "starredAt"}
)
"""Fields every part keeps: they say which item it is, and how old."""

LARGE = frozenset({"body", "bodyHTML", "bodyText", "description", "diffHunk", "message", "messageBody", "text"})
"""Plain fields that people fill with as much text as they like."""

_CUT, _FIELDS, _AND, _SHORT = "#", ":", "+", "*"
_PAGE = 100
"""Items a list is taken to bring where a variable says how many."""


class Documents(Protocol):
    """Finds a document's text by its name."""

    def __call__(self, name: str) -> str:
        """The text of `<name>.graphql`. Raises FileNotFoundError."""


def packaged_document(name: str) -> str:
    """The text of a whole document of the catalogue."""
    folder = resources.files("oss_datastore").joinpath("catalogue", "queries")
    return folder.joinpath(f"{name}.graphql").read_text(encoding="utf-8")


def document_text(name: str, documents: Documents = packaged_document) -> str:
    """The text of a document, cut where its name says so. Raises ValueError for a part that is not there."""
    whole, cut, part = name.partition(_CUT)
    if not cut:
        return documents(name)
    connection, _, fields = part.partition(_FIELDS)
    return pruned(documents(whole), connection, fields.split(_AND))


def is_cut(name: str) -> bool:
    """Whether a name stands for a part of a document."""
    return _CUT in name


def part_name(name: str, connection: str, fields: Iterable[str]) -> str:
    """The name of the part of a document that holds only these fields; of a part, the part of the same whole."""
    return f"{name.partition(_CUT)[0]}{_CUT}{connection}{_FIELDS}{_AND.join(fields)}"


def splittable_fields(text: str, connection: str) -> tuple[str, ...]:
    """What the items of a connection can be split into, heaviest first.

    Lists inside the item come first, then its other objects, then long texts, each alone; last `*`, all that is left.
    What says which item it is goes with every part and is not among them. Raises ValueError where the document has no
    such connection.
    """
    reading = _Reading.of(text)
    found: dict[str, tuple[int, int]] = {}
    for level in reading.items(connection):
        for field in level.fields():
            name = _key(field)
            if name not in IDENTITY:
                rank, weight = _rank(field), reading.weight(field)
                before = found.get(name, (rank, 0))
                found[name] = (min(rank, before[0]), weight + before[1])
    alone = sorted((name for name in found if found[name][0] < _SMALL), key=lambda n: (found[n][0], -found[n][1]))
    return (*alone, *([_SHORT] if len(alone) < len(found) else []))


def pruned(text: str, connection: str, fields: Iterable[str]) -> str:
    """The document with only these fields, and IDENTITY, in each item of a connection.

    Everything around the items stays; variables and fragments that nothing uses any more go. Raises ValueError where
    the document has no such connection, or its items no such field.
    """
    reading = _Reading.of(text)
    levels = reading.items(connection)
    present = [field for level in levels for field in level.fields()]
    short = {_key(field) for field in present if _rank(field) == _SMALL}
    wanted = {name for field in fields for name in (short if field == _SHORT else [field])}
    missing = wanted - {_key(field) for field in present}
    if missing:
        raise ValueError(f"the items of {connection} have no {', '.join(sorted(missing))}")
    for level in levels:
        level.keep(wanted | IDENTITY)
    return print_ast(_tidied(reading.document)) + "\n"


_LIST, _OBJECT, _LONG, _SMALL = range(4)


@dataclass(frozen=True)
class _Level:
    """Selections of an item: its own, or those of the edge that leads to it (`within` leads on to the item)."""

    selections: SelectionSetNode
    within: str = ""

    def fields(self) -> Iterator[FieldNode]:
        """The fields of this level."""
        return (field for field in _fields(self.selections) if _key(field) != self.within)

    def keep(self, names: frozenset[str] | set[str]) -> None:
        """Takes every other field out."""
        _filter(self.selections, {*names, self.within} if self.within else names)
        if not self.selections.selections:
            self.selections.selections = (FieldNode(name=NameNode(value="__typename"), arguments=(), directives=()),)


@dataclass(frozen=True)
class _Reading:
    """A parsed document of one operation."""

    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]

    @classmethod
    def of(cls, text: str) -> _Reading:
        document = parse(text, no_location=True)
        operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        return cls(document, operation, fragments)

    def items(self, connection: str) -> list[_Level]:
        """The selections of the items that lie at a path of names, such as `repository.issues`, or `nodes`."""
        reached = [self.operation.selection_set]
        for name in connection.split("."):
            reached = [inner for selections in reached for inner in self._below(selections, name)]
        levels = [level for selections in reached for level in self._levels(selections)]
        if not levels:
            raise ValueError(f"the query {_name(self.operation)} has no list {connection}")
        return levels

    def weight(self, field: FieldNode) -> int:
        """How much a field can bring: one for each value of each item."""
        if field.selection_set is None:
            return 1
        return _page(field) * sum(self.weight(inner) for inner in self._all_fields(field.selection_set))

    def _levels(self, selections: SelectionSetNode) -> Iterator[_Level]:
        nodes, edges = self._below(selections, "nodes"), self._below(selections, "edges")
        for item in nodes or ([] if edges else [selections]):
            yield _Level(self._opened(item))
        for edge in edges:
            yield _Level(self._opened(edge), within="node")
            for item in self._below(edge, "node"):
                yield _Level(self._opened(item))

    def _below(self, selections: SelectionSetNode, name: str) -> list[SelectionSetNode]:
        found = [field for field in _fields(self._opened(selections)) if _key(field) == name]
        return [field.selection_set for field in found if field.selection_set is not None]

    def _opened(self, selections: SelectionSetNode) -> SelectionSetNode:
        """The same selections with the text of named fragments in their place, so that one use alone can be cut."""
        opened: list[SelectionNode] = []
        for node in selections.selections:
            if isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                node = InlineFragmentNode(
                    type_condition=fragment.type_condition,
                    directives=node.directives,
                    selection_set=deepcopy(fragment.selection_set),
                )
            if isinstance(node, InlineFragmentNode):
                self._opened(node.selection_set)
            opened.append(node)
        selections.selections = tuple(opened)
        return selections

    def _all_fields(self, selections: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, FragmentSpreadNode):
                yield from self._all_fields(self.fragments[node.name.value].selection_set)
            elif isinstance(node, InlineFragmentNode):
                yield from self._all_fields(node.selection_set)


def _fields(selections: SelectionSetNode) -> Iterator[FieldNode]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set)


def _filter(selections: SelectionSetNode, names: frozenset[str] | set[str]) -> None:
    kept: list[SelectionNode] = []
    for node in selections.selections:
        if isinstance(node, InlineFragmentNode):
            _filter(node.selection_set, names)
            if node.selection_set.selections:
                kept.append(node)
        elif not isinstance(node, FieldNode) or _key(node) in names:
            kept.append(node)
    selections.selections = tuple(kept)


def _rank(field: FieldNode) -> int:
    if field.selection_set is not None:
        return _LIST if field.arguments else _OBJECT
    return _LONG if field.name.value in LARGE else _SMALL


def _page(field: FieldNode) -> int:
    sizes = [argument.value for argument in field.arguments if argument.name.value in ("first", "last")]
    return next((int(size.value) if isinstance(size, IntValueNode) else _PAGE for size in sizes), 1)


def _key(field: FieldNode) -> str:
    return (field.alias or field.name).value


def _name(operation: OperationDefinitionNode) -> str:
    return operation.name.value if operation.name else "without a name"


class _Uses(Visitor):
    """Which variables and fragments a piece of a document uses."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.fragments.add(node.name.value)


def _tidied(document: DocumentNode) -> DocumentNode:
    """The document without fragments and variables that nothing uses."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    for operation in (node for node in document.definitions if isinstance(node, OperationDefinitionNode)):
        uses, seen = _Uses(), set[str]()
        visit(operation.selection_set, uses)
        while waiting := uses.fragments - seen:
            seen |= waiting
            for name in waiting:
                visit(fragments[name], uses)
        operation.variable_definitions = tuple(
            defined for defined in operation.variable_definitions if defined.variable.name.value in uses.variables
        )
        document.definitions = tuple(
            node
            for node in document.definitions
            if not isinstance(node, FragmentDefinitionNode) or node.name.value in uses.fragments
        )
    return document
