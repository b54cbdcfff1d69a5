"""Asks for one scope and stages what comes: pages followed, parts named, rows counted, failures kept.

One `Collection` is one unit of work of the fetch loop, made by one thread. Which units there are, and what their
outcome means for the run, is `fetch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State, Visibility
from oss_datastore.staging.lines import StageWriter, without_secrets
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

    `since` is the moment from which changes are asked, None for the whole list. `wanted` are the datasets that the
    day can still give; `planned` the (dataset, scope) pairs it must answer for. `visible` tells what the token may
    see of an organisation.
    """

    github: GitHub
    writer: StageWriter
    clock: Clock
    day: date
    scope: Scope
    since: datetime | None
    wanted: frozenset[str]
    planned: tuple[Key, ...]
    visible: Visibility = Visibility.unknown
    tallies: dict[Key, Tally] = field(default_factory=dict)

    def collect(self, request: RestRequest | GraphRequest) -> None:
        """Asks for everything; what fails is in the tallies afterwards. Raises only what ends the whole run."""
        if isinstance(request, RestRequest):
            self._rest(request, self.scope, {})
        else:
            self._graph(request)

    def entries(self) -> Iterator[tuple[LedgerEntry, list[Failure]]]:
        """The ledger entries of the unit with their failures."""
        for (dataset, scope), tally in self.tallies.items():
            state, coverage = tally.state, None
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

    def tally(self, dataset: str, scope: str) -> Tally:
        """The tally of a (dataset, scope), begun when it is first named."""
        return self.tallies.setdefault((dataset, scope), Tally())

    # REST

    def _rest(self, request: RestRequest, scope: Scope, context: Mapping[str, Any]) -> None:
        datasets = [d for d in request.datasets if d in self.wanted]
        if not datasets:
            return
        for dataset in datasets:
            self.tally(dataset, str(scope))
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
            self._went_wrong(error, [(dataset, str(scope)) for dataset in datasets])

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
        own = [(p.dataset, str(self.scope)) for p in request.parts if not p.scope_each and p.dataset in self.wanted]
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
                if connection is None:
                    self._absent(answer, self._unanswered(own))
                    return
                self._graph_page(request, answer, connection)
                items = connection["nodes"] if "nodes" in connection else connection["edges"]
                page = connection["pageInfo"]
                if not page["hasNextPage"] or (request.newest_first and self._is_past(items, request.newest_first)):
                    return
                after = page["endCursor"]
        except GitHubError as error:
            self._went_wrong(error, self._unanswered(own))

    def _unanswered(self, own: list[Key]) -> list[Key]:
        """What a failed query leaves without an answer: the asked scope itself and every planned one not yet seen."""
        return [*own, *(key for key in self.planned if key not in own and key not in self.tallies)]

    def _variables(self) -> dict[str, str]:
        names = self.scope.names
        return {"owner": names["owner"], "name": names["name"]} if "owner" in names else {"org": names["org"]}

    def _graph_page(self, request: GraphRequest, answer: GraphQLAnswer, connection: Mapping[str, Any]) -> None:
        key = "nodes" if "nodes" in connection else "edges"
        base = ("data", *request.connection.split("."), key)
        parts: list[Part] = []
        for part in request.parts:
            if part.dataset not in self.wanted:
                continue
            if not part.scope_each:
                parts.append(Part(part.dataset, str(self.scope), base))
                continue
            kind = DATASETS[part.dataset].scope_kind
            for index, item in enumerate(connection[key]):
                if not isinstance(item, dict) or item.get("databaseId") is None:
                    continue
                scope = str(Scope(self.scope.host, kind, item["databaseId"], {}))
                if get(item, part.path) is None:
                    self._refused(answer, (*base[1:], index), (part.dataset, scope))
                else:
                    self.tally(part.dataset, scope)
                    parts.append(Part(part.dataset, scope, (*base, index, *part.path.split("."))))
        self._keep(answer, parts)
        self._errors(request, answer, base[1:])
        for part in request.parts:
            if part.overflow and part.dataset in self.wanted:
                for item in connection[key]:
                    if isinstance(item, dict) and not (
                        request.newest_first and self._is_old(item, request.newest_first)
                    ):
                        self._overflow(part, item)

    def _overflow(self, part: GraphPart, item: Mapping[str, Any]) -> None:
        """Pages on through an inner list that was longer than its first page."""
        inner = item.get(part.inner)
        if not inner or not inner["pageInfo"]["hasNextPage"]:
            return
        if part.scope_each:
            scope = str(Scope(self.scope.host, DATASETS[part.dataset].scope_kind, item["databaseId"], {}))
            context = None
        else:
            scope = str(self.scope)
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
                if inner is None:
                    self._absent(answer, [(part.dataset, scope)])
                    return
                key = "nodes" if "nodes" in inner else "edges"
                self._keep(answer, [Part(part.dataset, scope, ("data", "node", part.inner, key), context)])
                for error in answer.errors:
                    self._failed(answer, (part.dataset, scope), error)
                if not inner["pageInfo"]["hasNextPage"]:
                    return
                after = inner["pageInfo"]["endCursor"]
        except GitHubError as error:
            self._went_wrong(error, [(part.dataset, scope)])

    def _errors(self, request: GraphRequest, answer: GraphQLAnswer, base: tuple[str | int, ...]) -> None:
        """Partial errors fail only what lies under their path."""
        own = [part for part in request.parts if not part.scope_each and part.dataset in self.wanted]
        for error in answer.errors:
            path = tuple(error.get("path") or ())
            beyond = path[len(base) + 1 :] if path[: len(base)] == base else ()
            hit = [part for part in own if part.inner and part.inner in beyond]
            inside_each = any(part.scope_each and part.path.split(".")[0] in beyond for part in request.parts)
            if inside_each:
                continue
            for part in hit or own[:1]:
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
            tally = self.tally(*key)
            tally.requests += answer.requests
            if types == {"NOT_FOUND"}:
                tally.state, tally.detail = State.gone, str(answer.errors[0].get("message", ""))
            elif types == {"FORBIDDEN"}:
                tally.state, tally.detail = State.forbidden, str(answer.errors[0].get("message", ""))
            else:
                self._failed(answer, key, answer.errors[0] if answer.errors else {"message": "null without an error"})

    # Keeping

    def _keep(self, answer: Answer, parts: list[Part]) -> bool:
        """Stages an answer and counts what its parts hold. False when it was no content yet or nothing at all."""
        self._spent([(p.dataset, p.scope) for p in parts], answer.requests, answer.points)
        if answer.status == 202:
            for part in parts:
                tally = self.tally(part.dataset, part.scope)
                tally.state, tally.detail = State.pending, "GitHub is still computing the statistics"
                message = "202: GitHub is still computing; ask again later"
                tally.failures.append(self._failure(part.dataset, part.scope, "computing", message, answer))
            return False
        payload = [] if answer.status == 204 else without_secrets(answer.body, answer.payload)
        parts = [part for part in parts if part.dataset in self.wanted]
        place = self.writer.add(
            {
                "parts": [part.as_list() for part in parts],
                "day": self.day.isoformat(),
                "fetched_at": answer.fetched_at.isoformat(),
                "api_version": answer.api_version,
                "request": answer.request.as_dict(),
                "status": answer.status,
                "etag": answer.etag,
                "page": self.tally(parts[0].dataset, parts[0].scope).answers + 1 if parts else 1,
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
                        cause=f"does_not_parse:{fault.table}:{fault.message}",
                        staged={"key": place[0], "line": place[1], "index": fault.index, "table": fault.table},
                        body=fault.item,
                    )
                )
        return True

    def _spent(self, keys: list[Key], requests: int, points: int) -> None:
        # The first scope bears the cost, so that the sum over the ledger is what was spent.
        if keys:
            tally = self.tally(*keys[0])
            tally.requests += requests
            tally.points += points

    def _went_wrong(self, error: GitHubError, keys: list[Key]) -> None:
        if error.kind == "unauthorized":
            raise error
        for position, key in enumerate(keys):
            tally = self.tally(*key)
            tally.requests += error.requests if position == 0 else 0
            if error.kind in _EMPTY:
                tally.detail = str(error)
                continue
            state = _STATES.get(error.kind)
            if state is not None and not (tally.answers and state is not State.pending):
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
