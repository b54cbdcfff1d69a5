"""Asks for one scope and stages what comes: pages followed, parts named, rows counted, failures kept.

One `Collection` is one unit of work of the fetch loop, made by one thread. Which units there are, and what their
outcome means for the run, is `fetch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import orjson

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.model import GraphPart, GraphRequest, Needs, RestRequest
from oss_datastore.catalogue.parse import Part, get, parse
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import Failure
from oss_datastore.github import Answer, GitHub, GitHubError, GraphQLAnswer, QueryTooHeavy
from oss_datastore.staging.days import is_overdue, recoverable_until
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State, Visibility
from oss_datastore.staging.lines import StageWriter, storable, without_secrets
from oss_datastore.staging.scopes import Scope

Key = tuple[str, str]

_STATES = {
    "forbidden": State.forbidden,
    "disabled": State.disabled,
    "not_found": State.gone,
    "gone": State.gone,
    "blocked": State.gone,
    "rate_limited": State.pending,
}
"""What an error class means for the scope; every other one is a failure with a letter."""

_EMPTY = frozenset({"empty_repository"})
"""Errors that say there is nothing: an answer, not a failure."""


@dataclass
class Tally:
    """What one (dataset, scope) of a unit has come to so far."""

    rows: int = 0
    items: int = 0
    requests: int = 0
    points: int = 0
    answers: int = 0
    state: State = State.complete
    detail: str = ""
    failures: list[Failure] = field(default_factory=list)


@dataclass
class Collection:
    """One unit: a request for one scope of one day, and the tallies of every (dataset, scope) it answers for.

    `since` is the moment from which changes are asked, None for the whole list. `planned` are the (dataset, scope)
    pairs it must answer for; `discovers` the datasets whose scopes become known while a list is read (teams), except
    those that are `settled` already. What is neither is left alone, even where an answer happens to hold it.
    `visible` tells what the token may see of an organisation.
    """

    github: GitHub
    writer: StageWriter
    clock: Clock
    day: date
    scope: Scope
    since: datetime | None
    planned: tuple[Key, ...]
    discovers: frozenset[str] = frozenset()
    settled: frozenset[Key] = frozenset()
    visible: Visibility = Visibility.unknown
    tallies: dict[Key, Tally] = field(default_factory=dict)
    spare: Tally = field(default_factory=Tally)
    """What was spent before any scope was heard of; the first one bears it."""
    hidden: list[tuple[Answer, Mapping[str, Any]]] = field(default_factory=list)
    """Items that came as null: whose they are is not known, so no scope that was not seen may be called gone."""

    def collect(self, request: RestRequest | GraphRequest) -> None:
        """Asks for everything; what fails is in the tallies afterwards. Raises only what ends the whole run."""
        if isinstance(request, RestRequest):
            self._rest(request, self.scope, {})
        else:
            self._graph(request)

    def keep_object(self, answer: Answer) -> None:
        """Stages an answer that was asked for elsewhere and is all there is of the scope."""
        self._keep(answer, [Part(dataset, scope) for dataset, scope in self.planned])

    def fail(self, error: GitHubError) -> None:
        """Says that what was asked for elsewhere failed."""
        with suppress(GitHubError):  # what it means for the run is for the one who asked
            self._went_wrong(error, list(self.planned))

    def leave(self, why: str) -> None:
        """Leaves everything pending for the next run."""
        for key in self.planned:
            tally = self.tally(*key)
            tally.state, tally.detail = State.pending, why

    def entries(self) -> Iterator[tuple[LedgerEntry, list[Failure]]]:
        """The ledger entries of the unit with their failures."""
        for first in list(self.tallies.values())[:1]:
            first.requests += self.spare.requests
            first.points += self.spare.points
        for (dataset, scope), tally in self.tallies.items():
            state, coverage = tally.state, None
            if state is State.failed and tally.answers:
                state = State.partial
            if state is State.pending and not tally.failures and is_overdue(self.day, self.clock.now()):
                tally.failures.append(self._failure(dataset, scope, "overdue", tally.detail))
            only_parsing = tally.failures and all(failure.source == "etl" for failure in tally.failures)
            if state is State.complete or (state is State.partial and only_parsing):
                if self.since is not None:
                    coverage = Coverage.delta
                else:
                    coverage = Coverage.full if tally.items else Coverage.empty
                if DATASETS[dataset].needs is Needs.owner and self.visible not in (Visibility.owner, Visibility.app):
                    state, coverage = State.partial, None
                    tally.detail = f"seen as {self.visible}: GitHub shows the whole list to organisation owners only"
                    tally.failures.append(self._failure(dataset, scope, "low_visibility", tally.detail))
            entry = LedgerEntry(
                dataset,
                scope,
                self.day,
                state,
                self.writer.generation,
                coverage,
                self.visible,
                tally.rows,
                tally.requests,
                tally.points,
                self.clock.now(),
                detail=tally.detail,
            )
            yield entry, tally.failures

    def unseen(self) -> tuple[list[Key], bool]:
        """Planned pairs that no answer named, and whether they may be called gone; else they have failed."""
        unseen = [key for key in self.planned if key not in self.tallies]
        for answer, error in self.hidden[:1]:
            for key in unseen:
                self._failed(answer, key, error)
        return unseen, not self.hidden

    def asks(self, dataset: str, scope: str) -> bool:
        """Whether the unit answers for this pair."""
        if (dataset, scope) in self.planned:
            return True
        return dataset in self.discovers and (dataset, scope) not in self.settled

    def tally(self, dataset: str, scope: str) -> Tally:
        """The tally of a (dataset, scope), begun when it is first named."""
        return self.tallies.setdefault((dataset, scope), Tally())

    # REST

    def _rest(self, request: RestRequest, scope: Scope, context: Mapping[str, Any]) -> None:
        datasets = [d for d in request.datasets if self.asks(d, str(scope))]
        inner = [(d, str(scope)) for r in request.per_item if r.asked_per is scope.kind for d in r.datasets]
        own = [(d, str(scope)) for d in datasets] + [key for key in inner if self.asks(*key)]
        if not own and not any(self._may_hold(r) for r in request.per_item):
            return
        for key in own:
            self.tally(*key)
        try:
            for variant in request.variants:
                for answer in self._rest_answers(request, scope, variant):
                    parts = [Part(d, str(scope), (), {**variant, **context} or None) for d in datasets]
                    if not self._keep(answer, parts):
                        break
                    self._per_item(request, scope, answer)
                    if request.newest_first and self._is_past(answer.payload, request.newest_first):
                        break
        except GitHubError as error:
            if "parent" in context:
                # One record of many: its refusal says nothing about the scope.
                self._went_wrong(error, own, of_item=True)
            else:
                # What hangs on the list hangs on its missing pages, too.
                self._went_wrong(error, self._unanswered(own) if request.per_item else own)

    def _may_hold(self, request: RestRequest) -> bool:
        """Whether an inner request may answer for something that is asked."""
        asked = {dataset for dataset, _ in self.planned} | self.discovers
        return any(dataset in asked for dataset in request.datasets)

    def _rest_answers(self, request: RestRequest, scope: Scope, variant: Mapping[str, str]) -> Iterable[Answer]:
        params: dict[str, str] = {**request.params, **variant}
        if request.since and self.since:
            params[request.since] = f"{self.since:%Y-%m-%dT%H:%M:%SZ}"
        path = request.path.format(**scope.names)
        org = scope.names.get("org")
        if request.paged:
            return self.github.pages(path, params, org=org, accept=request.accept)
        return [self.github.get(path, params, org=org, accept=request.accept)]

    def _per_item(self, request: RestRequest, scope: Scope, answer: Answer) -> None:
        items = answer.payload if isinstance(answer.payload, list) else []
        for item in items if request.per_item else []:
            if not isinstance(item, dict) or (request.newest_first and self._is_old(item, request.newest_first)):
                continue
            for inner in request.per_item:
                if inner.asked_per is scope.kind:
                    names = {**scope.names, "number": str(item.get("number"))}
                    parent = {k: item.get(k) for k in ("id", "number", "updated_at")}
                    self._rest(inner, Scope(scope.host, scope.kind, scope.id, names), {"parent": parent})
                elif item.get("id") is not None:
                    names = {**scope.names, "slug": str(item.get("slug"))}
                    self._rest(inner, Scope(scope.host, inner.asked_per, item["id"], names), {})

    def _is_past(self, items: Any, field_name: str) -> bool:
        """Whether the last item of a newest-first page lies before the moment from which changes are asked."""
        return bool(self.since and isinstance(items, list) and items and self._is_old(items[-1], field_name))

    def _is_old(self, item: Any, field_name: str) -> bool:
        value = item.get(field_name) if isinstance(item, dict) else None
        if not value or self.since is None:
            return False
        try:
            return datetime.fromisoformat(str(value)) < self.since
        except (TypeError, ValueError):
            return False

    # GraphQL

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
                variables = {**self._variables(), "first": size, "after": after}
                try:
                    answer = self.github.query(request.document, variables, org=self.scope.names.get("org"))
                except QueryTooHeavy as heavy:
                    if size == 1:
                        raise
                    self._spent(self._unanswered(own), heavy.requests, 0)
                    size = max(1, size // 2)
                    continue
                if get(answer.data, "organization.viewerCanAdminister") is True:
                    self.visible = Visibility.owner
                connection = get(answer.data, request.connection)
                if not _is_connection(connection):
                    self._absent(answer, self._unanswered(own))
                    return
                self._graph_page(request, answer, connection)
                page, items = connection["pageInfo"], connection[_list_name(connection)]
                if not page["hasNextPage"] or (request.newest_first and self._is_past(items, request.newest_first)):
                    return
                after = page["endCursor"]
        except GitHubError as error:
            self._went_wrong(error, self._unanswered(own))

    def _unanswered(self, own: list[Key]) -> list[Key]:
        """What a failed list leaves without an answer: the asked scope itself and every planned one not yet seen."""
        return [*own, *(key for key in self.planned if key not in own and key not in self.tallies)]

    def _variables(self) -> dict[str, str]:
        names = self.scope.names
        return {"owner": names["owner"], "name": names["name"]} if "owner" in names else {"org": names["org"]}

    def _graph_page(self, request: GraphRequest, answer: GraphQLAnswer, connection: Mapping[str, Any]) -> None:
        key = _list_name(connection)
        base = ("data", *request.connection.split("."), key)
        parts: list[Part] = []
        for part in request.parts:
            if not part.scope_each:
                if self.asks(part.dataset, str(self.scope)):
                    parts.append(Part(part.dataset, str(self.scope), base))
                continue
            for index, item in enumerate(connection[key]):
                scope = self._scope_of(part, item)
                if not self.asks(part.dataset, scope):
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
        for part in request.parts:
            for item in connection[key] if part.overflow else []:
                if (
                    isinstance(item, dict)
                    and self.asks(part.dataset, self._scope_of(part, item))
                    and not (request.newest_first and self._is_old(item, request.newest_first))
                ):
                    self._overflow(part, item)

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

    def _overflow(self, part: GraphPart, item: Mapping[str, Any]) -> None:
        """Pages on through an inner list that was longer than its first page."""
        inner = item.get(part.inner)
        if not inner or not inner["pageInfo"]["hasNextPage"]:
            return
        scope, context = self._scope_of(part, item), None
        if not part.scope_each:
            context = {"parent": {k: item.get(k) for k in ("fullDatabaseId", "number", "updatedAt")}}
        after, size = inner["pageInfo"]["endCursor"], 100
        try:
            while True:
                variables = {"id": item["id"], "first": size, "after": after}
                try:
                    answer = self.github.query(part.overflow, variables, org=self.scope.names.get("org"))
                except QueryTooHeavy as heavy:
                    if size == 1:
                        raise
                    self._spent([(part.dataset, scope)], heavy.requests, 0)
                    size = max(1, size // 2)
                    continue
                inner = get(answer.data, f"node.{part.inner}")
                if not _is_connection(inner):
                    self._absent(answer, [(part.dataset, scope)])
                    return
                path = ("data", "node", part.inner, _list_name(inner))
                self._keep(answer, [Part(part.dataset, scope, path, context)])
                for error in answer.errors:
                    self._failed(answer, (part.dataset, scope), error)
                if not inner["pageInfo"]["hasNextPage"]:
                    return
                after = inner["pageInfo"]["endCursor"]
        except GitHubError as error:
            self._went_wrong(error, [(part.dataset, scope)])

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
        types = {str(e.get("type")) for e in answer.errors}
        for key in keys:
            self.tally(*key)
        self._spent(keys, answer.requests, answer.points)
        for key in keys:
            tally = self.tally(*key)
            if types == {"NOT_FOUND"}:
                tally.state, tally.detail = State.gone, str(answer.errors[0].get("message", ""))
            elif types == {"FORBIDDEN"}:
                tally.state, tally.detail = State.forbidden, str(answer.errors[0].get("message", ""))
            else:
                self._failed(answer, key, answer.errors[0] if answer.errors else {"message": "null without an error"})

    # Keeping

    def _keep(self, answer: Answer, parts: list[Part]) -> bool:
        """Stages an answer and counts what its parts hold. False when it was no content yet or nothing at all."""
        for part in parts:
            self.tally(part.dataset, part.scope)
        self._spent([(p.dataset, p.scope) for p in parts], answer.requests, answer.points)
        if not parts:
            return True
        if answer.status == 202:
            for part in parts:
                tally = self.tally(part.dataset, part.scope)
                tally.state, tally.detail = State.pending, "GitHub is still computing the statistics"
                message = "202: GitHub is still computing; ask again later"
                tally.failures.append(self._failure(part.dataset, part.scope, "computing", message, answer))
            return False
        payload = [] if answer.status == 204 else storable(without_secrets(answer.body, answer.payload))
        place = self.writer.add(
            {
                "parts": [part.as_list() for part in parts],
                "day": self.day.isoformat(),
                "fetched_at": answer.fetched_at.isoformat(),
                "api_version": answer.api_version,
                "request": answer.request.as_dict(),
                "status": answer.status,
                "etag": answer.etag,
                "page": self.tally(parts[0].dataset, parts[0].scope).answers + 1,
                "payload": payload,
            }
        )
        broken = isinstance(answer, GraphQLAnswer) and bool(answer.errors)
        for part in parts:
            dataset = DATASETS[part.dataset]
            parsed = parse(dataset, part, payload, self.day, answer.fetched_at)
            tally = self.tally(part.dataset, part.scope)
            tally.answers += 1
            tally.items += parsed.items
            tally.rows += len(parsed.rows[dataset.name])
            for fault in parsed.faults:
                if fault.item is None and broken:
                    continue  # the error beside it says why it is null
                tally.state, tally.detail = State.partial, f"{fault.table}: {fault.message}"
                message = f"record {fault.index + 1} of {fault.table} does not parse: {fault.message}"
                tally.failures.append(
                    self._failure(
                        part.dataset,
                        part.scope,
                        "does_not_parse",
                        message,
                        answer,
                        source="etl",
                        cause=fault.cause,
                        staged={"key": place[0], "line": place[1], "index": fault.index, "table": fault.table},
                        body=fault.item,
                    )
                )
        return True

    def _spent(self, keys: list[Key], requests: int, points: int) -> None:
        # One scope bears the cost, so that the sum over the ledger is what was spent; one that was heard of, since
        # a tally says that it was.
        bearer = next((self.tallies[key] for key in keys if key in self.tallies), self.spare)
        bearer.requests += requests
        bearer.points += points

    def _went_wrong(self, error: GitHubError, keys: list[Key], *, of_item: bool = False) -> None:
        if error.kind == "unauthorized":
            raise error
        for position, key in enumerate(keys):
            tally = self.tally(*key)
            tally.requests += error.requests if position == 0 else 0
            if error.kind in _EMPTY:
                tally.detail = str(error)
                continue
            state = _STATES.get(error.kind)
            if state is not None and (state is State.pending or not (tally.answers or of_item)):
                tally.state, tally.detail = state, str(error)
                continue
            tally.state = State.partial if tally.answers else State.failed
            tally.detail = str(error)
            tally.failures.append(self._failure(*key, error.kind, str(error), error.answer, request=error.request))
        if error.kind in ("rate_limited", "unreachable"):
            raise error

    def _failed(self, answer: Answer, key: Key, error: Mapping[str, Any]) -> None:
        tally = self.tally(*key)
        message = str(error.get("message", "error without a message"))
        tally.state, tally.detail = (State.partial if tally.answers else State.failed), message
        kind = str(error.get("type") or "graphql_error").lower()
        path = ".".join(map(str, error.get("path") or ()))
        tally.failures.append(self._failure(*key, kind, f"{message} (at {path})", answer, cause=f"{kind}:{path}"))

    def _failure(
        self,
        dataset: str,
        scope: str,
        kind: str,
        message: str,
        answer: Answer | None = None,
        *,
        request: Any = None,
        source: str | None = None,
        cause: str | None = None,
        staged: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Failure:
        asked = answer.request if answer is not None else request
        api = asked.api if asked is not None else "v3"
        return Failure(
            dataset=dataset,
            scope=scope,
            day=self.day,
            source=source or f"github_{api}",
            error_class=kind,
            message=message,
            cause=cause or kind,
            request=asked.as_dict() if asked is not None else None,
            status=answer.status if answer is not None else None,
            headers=answer.headers if answer is not None else {},
            body=orjson.dumps(body) if body is not None else (answer.body if answer is not None else None),
            recoverable_until=recoverable_until(DATASETS[dataset].addressable, self.day),
            staged=staged,
        )


def _list_name(connection: Mapping[str, Any]) -> str:
    return "nodes" if "nodes" in connection else "edges"


def _is_connection(value: Any) -> bool:
    """Whether a GraphQL connection came whole enough to be read: its list may be null with an error beside it."""
    return (
        isinstance(value, dict)
        and isinstance(value.get(_list_name(value)), list)
        and isinstance(value.get("pageInfo"), dict)
    )
