"""Asks for one scope by GraphQL: connections paged, pages too heavy halved, partial errors told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.model import GraphPart, GraphRequest
from oss_datastore.catalogue.parse import Part, get
from oss_datastore.github import GitHubError, GraphQLAnswer, QueryTooHeavy
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.in_parts import Lost, ask_in_parts
from oss_datastore.staging.ledger import State, Visibility
from oss_datastore.staging.scopes import Scope

_LARGEST_PAGE = 100

_RECORDS = GraphPart("")
"""The items of a list that is asked for alone: every field is their own."""

_ANOTHER = "its name leads to another repository now"


class GraphCollection(Collection):
    """A unit that is asked for by GraphQL."""

    def collect(self, request: GraphRequest) -> None:
        """Asks for everything; what fails is in the tallies afterwards. Raises only what ends the whole run."""
        self._graph(request)

    def _graph(self, request: GraphRequest) -> None:
        own = [
            (p.dataset, str(self.scope))
            for p in request.parts
            if not p.scope_each and self.asks(p.dataset, str(self.scope))
        ]
        for key in own:
            self.tally(*key)
        after, size = None, request.page_size
        try:
            while True:
                variables = {**self._variables(), "first": size, "after": after, **self._moment(request)}
                lost: Lost = {}
                org = self.scope.names.get("org")
                try:
                    answer = self.github.query(request.document, variables, org=org)
                except QueryTooHeavy as heavy:
                    if size == 1:
                        answer, lost = ask_in_parts(
                            self.github, request.document, request.connection, variables, org, heavy
                        )
                    else:
                        self._spent(self._unanswered(own), heavy.requests, 0)
                        size //= 2
                        continue
                size = min(request.page_size, size * 2)
                if self._is_another(answer):
                    self._absent_for(answer, [{"type": "NOT_FOUND", "message": _ANOTHER}], self._unanswered(own))
                    return
                if get(answer.data, "organization.viewerCanAdminister") is True:
                    self.visible = Visibility.owner
                connection = get(answer.data, request.connection)
                if not _is_connection(connection):
                    self._absent(answer, self._unanswered(own))
                    return
                self._graph_page(request, answer, connection, lost)
                page, items = connection["pageInfo"], connection[_list_name(connection)]
                if not page["hasNextPage"] or self._ends(request, items):
                    return
                after = page["endCursor"]
        except GitHubError as error:
            self._went_wrong(error, self._unanswered(own))

    def _variables(self) -> dict[str, str]:
        names = self.scope.names
        return {"owner": names["owner"], "name": names["name"]} if "owner" in names else {"org": names["org"]}

    def _is_another(self, answer: GraphQLAnswer) -> bool:
        """Whether a name led to another repository than the one that was meant: names are used again."""
        number = get(answer.data, "repository.databaseId")
        return number is not None and number != self.scope.id

    def _graph_page(
        self, request: GraphRequest, answer: GraphQLAnswer, connection: Mapping[str, Any], lost: Lost
    ) -> None:
        key = _list_name(connection)
        base = ("data", *request.connection.split("."), key)
        parts: list[Part] = []
        for part in request.parts:
            if not part.scope_each:
                if self.asks(part.dataset, str(self.scope)) and not self._lacks(
                    request, part, lost, (part.dataset, str(self.scope))
                ):
                    parts += self._of_what_is_new([Part(part.dataset, str(self.scope), base)], request.newest_first)
                continue
            for index, item in enumerate(connection[key]):
                scope = self._scope_of(part, item)
                if not self.asks(part.dataset, scope) or self._lacks(request, part, lost, (part.dataset, scope)):
                    continue
                if get(item, part.path) is None:
                    self._refused(answer, (*base[1:], index), (part.dataset, scope))
                else:
                    self.tally(part.dataset, scope)
                    parts.append(Part(part.dataset, scope, (*base, index, *part.path.split("."))))
        if any(part.scope_each for part in request.parts):
            self._note_hidden(answer, base[1:], connection[key])
        self._keep(answer, parts)
        self._errors(request, answer, base[1:])
        lists = [
            (part, item, (part.dataset, self._scope_of(part, item)))
            for part in request.parts
            for item in (connection[key] if part.overflow else [])
            if isinstance(item, dict)
            and self.asks(part.dataset, self._scope_of(part, item))
            and not (request.newest_first and self._is_old(item, request.newest_first))
        ]
        self.unfinished.update(inner for _, _, inner in lists)
        for part, item, inner in lists:
            self._overflow(request, part, item)
            if part.scope_each:
                self.unfinished.discard(inner)

    def _lacks(self, request: GraphRequest, part: GraphPart, lost: Lost, key: Key) -> bool:
        """Whether a dataset misses fields that were too heavy even alone; each such field is a letter then.

        A record without them would say that they are empty, so nothing of it is kept.
        """
        inside = (part.path if part.scope_each else part.inner).split(".")[0]
        others = {p.inner.split(".")[0] for p in request.parts if p.inner and p is not part}
        missed = {name: error for name, error in lost.items() if name == inside or (not inside and name not in others)}
        for name, error in missed.items():
            tally = self.tally(*key)
            tally.state = State.partial if tally.answers else State.failed
            tally.detail = f"{name} is too heavy even alone: {error}"
            cause = f"{error.kind}:{error.request.label}"
            tally.failures.append(
                self._failure(*key, error.kind, tally.detail, error.answer, request=error.request, cause=cause)
            )
        return bool(missed)

    def _scope_of(self, part: GraphPart, item: Any) -> str:
        """The scope an item's inner list belongs to; '' where the item does not say who it is."""
        if not part.scope_each:
            return str(self.scope)
        number = item.get("databaseId") if isinstance(item, dict) else None
        return str(Scope(self.scope.host, DATASETS[part.dataset].scope_kind, number, {})) if number else ""

    def _note_hidden(self, answer: GraphQLAnswer, base: tuple[str | int, ...], items: list[Any]) -> None:
        for index, item in enumerate(items):
            if not isinstance(item, dict) or not item.get("databaseId"):
                reasons = list(answer.errors_under(*base, index))
                self.hidden.append((answer, reasons[0] if reasons else {"message": "null without an error"}))

    def _overflow(self, request: GraphRequest, part: GraphPart, item: Mapping[str, Any], *others: GraphPart) -> None:
        """Pages on through an inner list that was longer than its first page; `others` are datasets of the same list.

        Raises nothing but what ends the whole run.
        """
        inner = get(item, part.inner)
        if not _is_connection(inner):
            return
        if request.batch:
            self._nested(request, part, inner, self._scope_of(part, item))
        if not inner["pageInfo"]["hasNextPage"] or (request.batch and self._ends(request, inner[_list_name(inner)])):
            return
        context = None
        if not part.scope_each:
            context = {"parent": {k: item.get(k) for k in ("fullDatabaseId", "number", "updatedAt")}}
        keys = [(p.dataset, self._scope_of(p, item)) for p in (part, *others)]
        self._pages_on(request, part, str(item["id"]), inner["pageInfo"]["endCursor"], keys, context)

    def _nested(self, request: GraphRequest, part: GraphPart, inner: Mapping[str, Any], scope: str) -> None:
        """Pages on through lists inside the records themselves."""
        for record in inner[_list_name(inner)] if part.nested else []:
            nested = get(record, part.nested)
            if _is_connection(nested) and nested["pageInfo"]["hasNextPage"]:
                of_record = GraphPart(part.dataset, inner=part.nested, overflow=part.nested_overflow)
                context = {"parent": {"databaseId": record.get("databaseId")}}
                after = nested["pageInfo"]["endCursor"]
                self._pages_on(request, of_record, str(record["id"]), after, [(part.dataset, scope)], context)

    def _pages_on(
        self,
        request: GraphRequest,
        part: GraphPart,
        node_id: str,
        after: str,
        keys: list[Key],
        context: Mapping[str, Any] | None,
    ) -> None:
        size, org = _LARGEST_PAGE, self.scope.names.get("org")
        try:
            while True:
                variables = {"id": node_id, "first": size, "after": after, **self._moment(request)}
                lost: Lost = {}
                try:
                    answer = self.github.query(part.overflow, variables, org=org)
                except QueryTooHeavy as heavy:
                    if size == 1:
                        connection = f"node.{part.inner}"
                        answer, lost = ask_in_parts(self.github, part.overflow, connection, variables, org, heavy)
                    else:
                        self._spent(keys, heavy.requests, 0)
                        size //= 2
                        continue
                size = min(_LARGEST_PAGE, size * 2)
                inner = get(answer.data, f"node.{part.inner}")
                if not _is_connection(inner):
                    self._absent(answer, keys)
                    return
                path = ("data", "node", *part.inner.split("."), _list_name(inner))
                alone = replace(request, parts=())
                parts = [Part(*key, path, context) for key in keys if not self._lacks(alone, _RECORDS, lost, key)]
                # Outside a batch the ordered list is the outer one.
                self._keep(answer, self._of_what_is_new(parts, request.newest_first if request.batch else None))
                for error in answer.errors:
                    for key in keys:
                        self._failed(answer, key, error)
                if part.nested:
                    self._nested(request, part, inner, keys[0][1])
                ends = request.batch and self._ends(request, inner[_list_name(inner)])
                if not inner["pageInfo"]["hasNextPage"] or ends:
                    return
                after = inner["pageInfo"]["endCursor"]
        except GitHubError as error:
            self._went_wrong(error, keys)

    def _ends(self, request: GraphRequest, items: Any) -> bool:
        """Whether a newest-first list has reached what is known already."""
        return bool(request.newest_first and self._is_past(items, request.newest_first))

    def _moment(self, request: GraphRequest) -> dict[str, str | None]:
        """The variable that says from when changes are asked, where the document has one."""
        if not request.since:
            return {}
        return {request.since: f"{self.since:%Y-%m-%dT%H:%M:%SZ}" if self.since else None}

    def _errors(self, request: GraphRequest, answer: GraphQLAnswer, base: tuple[str | int, ...]) -> None:
        """Partial errors fail only what lies under their path: an inner list, an item's own fields, or all of it."""
        own = [p for p in request.parts if not p.scope_each and self.asks(p.dataset, str(self.scope))]
        inner = {p.inner for p in own if p.inner}
        each = {p.path.split(".")[0] for p in request.parts if p.scope_each}
        for error in answer.errors:
            path = tuple(error.get("path") or ())
            beyond = path[len(base) + 1 :] if path[: len(base)] == base else ()
            if each & set(beyond):
                continue  # told by the null in its place
            hit = own if not beyond else [p for p in own if (p.inner in beyond if inner & set(beyond) else not p.inner)]
            for part in hit:
                self._failed(answer, (part.dataset, str(self.scope)), error)

    def _refused(self, answer: GraphQLAnswer, path: tuple[str | int, ...], key: Key) -> None:
        """An inner list that is null: the error under its path says whether it was refused or failed."""
        reasons = [e for e in answer.errors if tuple(e.get("path") or ())[: len(path)] == path]
        tally = self.tally(*key)
        if reasons and all(e.get("type") == "FORBIDDEN" for e in reasons):
            tally.state, tally.detail = State.forbidden, str(reasons[0].get("message", ""))
        elif reasons:
            for error in reasons:
                self._failed(answer, key, error)
        else:
            # GitHub answers null without an error where the token lacks push access.
            tally.state, tally.detail = State.forbidden, "null without an error: the token may not see this list"

    def _absent(self, answer: GraphQLAnswer, keys: list[Key]) -> None:
        """The asked object is null."""
        for key in keys:
            self.tally(*key)
        self._spent(keys, answer.requests, answer.points)
        self._absent_for(answer, list(answer.errors), keys)

    def _absent_for(self, answer: GraphQLAnswer, errors: Sequence[Mapping[str, Any]], keys: list[Key]) -> None:
        types = {str(error.get("type")) for error in errors}
        for key in keys:
            tally = self.tally(*key)
            if types == {"NOT_FOUND"}:
                tally.state, tally.detail = State.gone, str(errors[0].get("message", ""))
            elif types == {"FORBIDDEN"}:
                tally.state, tally.detail = State.forbidden, str(errors[0].get("message", ""))
            else:
                self._failed(answer, key, errors[0] if errors else {"message": "null without an error"})


def _list_name(connection: Mapping[str, Any]) -> str:
    return "nodes" if "nodes" in connection else "edges"


def _is_connection(value: Any) -> bool:
    """Whether a GraphQL connection came whole enough to be read: its list may be null with an error beside it."""
    return (
        isinstance(value, dict)
        and isinstance(value.get(_list_name(value)), list)
        and isinstance(value.get("pageInfo"), dict)
    )
