"""Asks for small lists of many scopes in one GraphQL query; ledger and letters stay those of each scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oss_datastore.catalogue.model import GraphPart, GraphRequest
from oss_datastore.catalogue.parse import Part, get
from oss_datastore.github import GitHubError, GraphQLAnswer, QueryTooHeavy
from oss_datastore.staging.collect_graphql import GraphCollection
from oss_datastore.staging.collection import Key
from oss_datastore.staging.in_parts import Lost, ask_in_parts
from oss_datastore.staging.scopes import Scope


@dataclass
class BatchCollection(GraphCollection):
    """A unit of many scopes, asked for by their node ids; `scope` is the organisation whose token asks."""

    scopes: Sequence[Scope] = ()

    def collect(self, request: GraphRequest) -> None:
        """Asks for everything; what fails is in the tallies afterwards. Raises only what ends the whole run."""
        self._ask(request, self.scopes, request.list_size)

    def _ask(self, request: GraphRequest, scopes: Sequence[Scope], first: int) -> None:
        """Asks for some scopes; what is too heavy is asked for in halves: of the scopes, then of their lists."""
        keys = self._keys(request, scopes)
        ids = [scope.names["node_id"] for scope in scopes]
        variables = {"ids": ids, "first": first, **self._moment(request)}
        org = self.scope.names.get("org")
        try:
            answer = self.github.query(request.document, variables, org=org)
        except QueryTooHeavy as heavy:
            if len(scopes) == 1 and first == 1:
                self._ask_in_parts(request, scopes, variables, heavy, keys)
                return
            for key in keys[:1]:
                self.tally(*key)
            self._spent(keys, heavy.requests, 0)
            if len(scopes) == 1:
                self._ask(request, scopes, first // 2)
                return
            middle = len(scopes) // 2
            self._ask(request, scopes[:middle], first)
            self._ask(request, scopes[middle:], first)
            return
        except GitHubError as error:
            self._went_wrong(error, keys)
            return
        self._nodes(request, answer, scopes, {})

    def _ask_in_parts(
        self,
        request: GraphRequest,
        scopes: Sequence[Scope],
        variables: Mapping[str, Any],
        heavy: QueryTooHeavy,
        keys: list[Key],
    ) -> None:
        org = self.scope.names.get("org")
        try:
            answer, lost = ask_in_parts(self.github, request.document, request.connection, variables, org, heavy)
        except GitHubError as error:
            self._went_wrong(error, keys)
            return
        self._nodes(request, answer, scopes, lost)

    def _keys(self, request: GraphRequest, scopes: Sequence[Scope]) -> list[Key]:
        keys = [(part.dataset, str(scope)) for scope in scopes for part in request.parts]
        return [key for key in dict.fromkeys(keys) if self.asks(*key)]

    def _nodes(self, request: GraphRequest, answer: GraphQLAnswer, scopes: Sequence[Scope], lost: Lost) -> None:
        nodes = get(answer.data, request.connection)
        if not isinstance(nodes, list) or len(nodes) != len(scopes):
            self._absent(answer, self._keys(request, scopes))
            return
        parts: list[Part] = []
        whole: list[tuple[GraphPart, Mapping[str, Any]]] = []
        for index, (scope, node) in enumerate(zip(scopes, nodes, strict=True)):
            path: tuple[str | int, ...] = (*request.connection.split("."), index)
            if not isinstance(node, dict) or node.get("databaseId") is None:
                self._missing(answer, path, self._keys(request, [scope]))
                continue
            for part in request.parts:
                key = (part.dataset, str(scope))
                if not self.asks(*key) or self._lacks(request, part, lost, key):
                    continue
                if not part.path or get(node, part.path) is not None:
                    tally = self.tally(*key)
                    if part.total:
                        tally.total = get(node, part.total)
                    mine = [Part(*key, ("data", *path, *(part.path.split(".") if part.path else ())))]
                    parts += self._of_what_is_new(mine, request.newest_first if part.path else None)
                    whole.append((part, node))
                elif part.nullable and get(node, part.nullable) is None and not self._told(answer, path):
                    self.tally(*key).detail = f"{part.nullable} is null: there is nothing"
                else:
                    self._refused(answer, path, key)
        self._keep(answer, parts)
        for error in answer.errors:
            at, field_name = self._place(request, error)
            for part, node in whole:
                if (at is None or nodes[at] is node) and field_name in ("", part.path.split(".")[0]):
                    self._failed(answer, (part.dataset, self._scope_of(part, node)), error)
        # Datasets of one list page on together, led by the one that has lists inside its records.
        lists: dict[tuple[str, int], list[GraphPart]] = {}
        for part, node in whole:
            if part.overflow:
                lists.setdefault((part.overflow, nodes.index(node)), []).append(part)
        keys = {
            place: {(part.dataset, self._scope_of(part, nodes[place[1]])) for part in sharing}
            for place, sharing in lists.items()
        }
        self.unfinished.update(*keys.values())
        for place, sharing in lists.items():
            first, *others = sorted(sharing, key=lambda part: not part.nested)
            self._overflow(request, first, nodes[place[1]], *others)
            self.unfinished -= keys[place]

    def _told(self, answer: GraphQLAnswer, path: tuple[str | int, ...]) -> bool:
        return any(True for _ in answer.errors_under(*path))

    @staticmethod
    def _place(request: GraphRequest, error: Mapping[str, Any]) -> tuple[int | None, str]:
        """Which node and which of its fields an error is about; None or '' where it names none."""
        steps = list(error.get("path") or ())[len(request.connection.split(".")) :]
        at = steps[0] if steps and isinstance(steps[0], int) else None
        return at, str(steps[1]) if len(steps) > 1 else ""

    def _missing(self, answer: GraphQLAnswer, path: tuple[str | int, ...], keys: list[Key]) -> None:
        """A scope that came as null: gone, refused or failed, as the error beside it says."""
        self._absent_for(answer, [dict(error) for error in answer.errors_under(*path)], keys)
