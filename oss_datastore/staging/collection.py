"""One unit of work of the fetch loop: what its answers came to, per dataset and scope.

Answers are staged, their parts named, rows counted and failures kept here. How pages are asked for is `collect_rest`
and `collect_graphql`; which units there are, and what their outcome means for the run, is `fetch`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import orjson

from oss_datastore.catalogue import ACTORS, DATASETS
from oss_datastore.catalogue.model import Meaning, Needs
from oss_datastore.catalogue.parse import Part, get, is_before, parse
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import Failure
from oss_datastore.github import Answer, GitHub, GitHubError, GraphQLAnswer
from oss_datastore.staging.days import is_overdue, recoverable_until
from oss_datastore.staging.due import Question, recount
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


def _is_of_the_address(error: GitHubError) -> bool:
    """Whether a refusal is of GraphQL's one address: it cannot tell that anything asked for there is gone."""
    return error.request.api == "v4" and error.answer is not None and error.answer.status != 200


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
    begun: dict[tuple[Any, ...], datetime | None] = field(default_factory=dict)
    """When each record came to be, by its key; kept of what is compared with a count of GitHub's."""
    total: int | None = None
    """GitHub's own count of a list that is shown in full or not at all."""


@dataclass
class Collection:
    """A request for one scope of one day, and the tallies of every (dataset, scope) it answers for.

    `since` is the moment from which changes are asked, None for the whole list. `planned` are the (dataset, scope)
    pairs it must answer for; `discovers` the datasets whose scopes become known while a list is read (teams), except
    those that are `settled` already. What is neither is left alone, even where an answer happens to hold it.
    `visible` tells what the token may see of an organisation. `counted` is the dataset whose records are counted, and
    `questions` what was to be asked of each scope. While it is `patient`, a statistic that is still being computed is
    left open instead of being a failure.
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
    counted: str = ""
    questions: Mapping[str, Question] = field(default_factory=dict)
    patient: bool = False
    shown_whole: frozenset[str] = frozenset()
    """Datasets whose list is shown whole or is forbidden, whatever the status of the answer says."""
    tallies: dict[Key, Tally] = field(default_factory=dict)
    spare: Tally = field(default_factory=Tally)
    """What was spent before any scope was heard of; the first one bears it."""
    hidden: list[tuple[Answer, Mapping[str, Any]]] = field(default_factory=list)
    """Items that came as null: whose they are is not known, so no scope that was not seen may be called gone."""
    computing: set[Key] = field(default_factory=set)
    """Statistics that GitHub had not computed yet."""
    unfinished: set[Key] = field(default_factory=set)
    """What came in part: its list is still to be paged on."""

    def keep_object(self, answer: Answer) -> None:
        """Stages an answer that was asked for elsewhere and is all there is of the scope."""
        self._keep(answer, [Part(dataset, scope) for dataset, scope in self.planned])

    def fail(self, error: GitHubError) -> None:
        """Says that what was asked for elsewhere failed."""
        # A list that is not shown is no sign that the repositories are gone which it would have named.
        is_of_scope = all(scope == str(self.scope) for _, scope in self.planned)
        with suppress(GitHubError):  # what it means for the run is for the one who asked
            self._went_wrong(error, list(self.planned), means=None if is_of_scope else {"not_found": "forbidden"})

    def doubt(self, why: str) -> None:
        """Says that what came may not be all there is."""
        for key in self.planned:
            tally = self.tally(*key)
            tally.state, tally.detail = State.partial, why
            tally.failures.append(self._failure(*key, "not_whole", why))

    def leave(self, why: str) -> None:
        """Leaves everything pending for the next run."""
        for key in self.planned:
            tally = self.tally(*key)
            tally.state, tally.detail = State.pending, why

    def cut_short(self, why: str) -> None:
        """Leaves what is not all there is pending: the run has to stop before the unit came to its end."""
        unseen = {key for key in self.planned if key not in self.tallies}
        for key in [*unseen, *self.tallies]:
            tally = self.tally(*key)
            is_open = key in unseen or key in self.unfinished or tally.state is State.pending
            if is_open and tally.state in (State.complete, State.pending) and key not in self.computing:
                tally.state, tally.detail = State.pending, why

    def entries(self) -> Iterator[tuple[LedgerEntry, list[Failure]]]:
        """The ledger entries of the unit with their failures."""
        for first in list(self.tallies.values())[:1]:
            first.requests += self.spare.requests
            first.points += self.spare.points
        for (dataset, scope), tally in self.tallies.items():
            if (dataset, scope) in self.computing and self.patient:
                continue
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
                elif self._is_cut(scope, tally):
                    state, coverage, tally.failures = State.forbidden, None, []
                    tally.detail = f"the list holds {len(tally.begun)} of {tally.total}: the token may not see it whole"
            listed, listed_on = self._listed(dataset, scope) if state is State.complete else (None, None)
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
                listed=listed,
                listed_on=listed_on,
            )
            yield entry, tally.failures

    def miscounted(self) -> list[str]:
        """Scopes of which changes came that do not add up to GitHub's count: their lists must be read whole."""
        if self.since is None or not self.counted:
            return []
        return [
            scope
            for (dataset, scope), tally in self.tallies.items()
            if dataset == self.counted
            and tally.state is State.complete
            and scope in self.questions
            and not recount(self.questions[scope], tally.begun, self.day, whole=False)[1]
        ]

    def _listed(self, dataset: str, scope: str) -> tuple[int | None, date | None]:
        question = self.questions.get(scope)
        if dataset != self.counted or question is None:
            return None, None
        whole = self.since is None
        listed, _ = recount(question, self.tallies[dataset, scope].begun, self.day, whole=whole)
        past = question.past.listed_on if question.past is not None else None
        return listed, self.day if whole else past

    def _is_cut(self, scope: str, tally: Tally) -> bool:
        """Whether a list that should be whole is of another length than GitHub says."""
        if self.since is not None or tally.total is None:
            return False
        return len(tally.begun) != tally.total

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

    def _unanswered(self, own: list[Key]) -> list[Key]:
        """What a failed list leaves without an answer: the asked scope itself and every planned one not yet seen."""
        return [*own, *(key for key in self.planned if key not in own and key not in self.tallies)]

    def _is_past(self, items: Any, field_name: str) -> bool:
        """Whether the last item of a newest-first page lies before the moment from which changes are asked."""
        return bool(self.since and isinstance(items, list) and items and self._is_old(items[-1], field_name))

    def _is_old(self, item: Any, field_name: str) -> bool:
        return self.since is not None and is_before(get(item, field_name), self.since)

    def _of_what_is_new(self, parts: list[Part], field_name: str | None) -> list[Part]:
        """Parts of a newest-first list that say where it was left: what they hold beyond that is known."""
        if self.since is None or not field_name:
            return parts
        left = [field_name, self.since.isoformat()]
        return [replace(part, context={**(part.context or {}), "not_before": left}) for part in parts]

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
                self.computing.add((part.dataset, part.scope))
                if self.patient:
                    continue
                message = "202: GitHub is still computing; ask again later"
                tally.failures.append(self._failure(part.dataset, part.scope, "computing", message, answer))
            return False
        if answer.status == 204:
            # Without a body there is no object to look into: the ledger alone says that there is nothing.
            parts = [part for part in parts if not DATASETS[part.dataset].is_object]
            if not parts:
                return True
        payload = [] if answer.status == 204 else answer.payload
        for dataset_name in {part.dataset for part in parts}:
            scrub = DATASETS[dataset_name].scrub
            if scrub is not None and isinstance(payload, list):
                payload = [scrub(item) for item in payload]
        payload = storable(without_secrets(answer.body, payload))
        place = self._stage(
            parts,
            payload,
            answer.fetched_at,
            answer.request.as_dict(),
            api_version=answer.api_version,
            status=answer.status,
            etag=answer.etag,
        )
        broken = isinstance(answer, GraphQLAnswer) and bool(answer.errors)
        for part in parts:
            dataset = DATASETS[part.dataset]
            parsed = parse(dataset, part, payload, self.day, answer.fetched_at, hashes=False)
            tally = self.tally(part.dataset, part.scope)
            tally.answers += 1
            tally.items += parsed.items
            tally.rows += len(parsed.rows[dataset.name])
            if part.dataset == self.counted or tally.total is not None:
                tally.begun.update(parsed.begun)
            self.writer.note_accounts({row["user_id"]: row["node_id"] or "" for row in parsed.rows[ACTORS.name]})
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

    def _stage(
        self, parts: list[Part], payload: Any, fetched_at: datetime, request: Mapping[str, Any], **more: Any
    ) -> tuple[str, int]:
        """Stages what came, and what is known of how; returns its part's key and its number there."""
        return self.writer.add(
            {
                "parts": [part.as_list() for part in parts],
                "day": self.day.isoformat(),
                "fetched_at": fetched_at.isoformat(),
                "request": request,
                "page": self.tally(parts[0].dataset, parts[0].scope).answers + 1,
                **more,
                "payload": payload,
            }
        )

    def _spent(self, keys: list[Key], requests: int, points: int) -> None:
        # One scope bears the cost, so that the sum over the ledger is what was spent; one that was heard of, since
        # a tally says that it was.
        bearer = next((self.tallies[key] for key in keys if key in self.tallies), self.spare)
        bearer.requests += requests
        bearer.points += points

    def _went_wrong(
        self,
        error: GitHubError,
        keys: list[Key],
        *,
        of_item: bool = False,
        means: Mapping[str, Meaning] | None = None,
    ) -> None:
        meaning = (means or {}).get(error.kind)
        if error.kind == "unauthorized":
            raise error
        for position, key in enumerate(keys):
            tally = self.tally(*key)
            tally.requests += error.requests if position == 0 else 0
            if meaning == "empty" or (meaning is None and error.kind in _EMPTY):
                tally.detail = str(error)
                continue
            state = State(meaning) if meaning is not None else _STATES.get(error.kind)
            if state is State.gone and _is_of_the_address(error):
                state = None
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
