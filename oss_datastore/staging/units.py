"""Units of work: how what is open of an answer set is divided into requests, and what each leaves to be asked again.

What the inventory answers already is settled here; asking itself is `collect_…`, doing the units is `fetch`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.model import AnswerSet, FileRequest, GraphRequest, RestRequest, ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.github import GitHubError
from oss_datastore.staging.collect_rest import RestCollection
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.due import WAITING, Answered, Question, question_of, waits
from oss_datastore.staging.ledger import LedgerEntry, State
from oss_datastore.staging.lines import StageWriter, Staging
from oss_datastore.staging.scopes import Inventories, Scope, staged_teams

Asked = RestRequest | GraphRequest | FileRequest


@dataclass(frozen=True)
class Unit:
    """One piece of work: one scope, or several that one query asks for.

    `way` is which of the set's requests asks. `spent` is what the same scopes have cost before, when they are asked
    once more in the same fetch.
    """

    way: int
    scope: Scope
    keys: tuple[Key, ...]
    since: datetime | None
    questions: Mapping[str, Question]
    batch: tuple[Scope, ...] = ()
    patient: bool = False
    spent: Mapping[Key, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Errand:
    """What one fetch of one answer set and day works with."""

    answer_set: AnswerSet
    day: date
    writer: StageWriter
    clock: Clock
    scopes: Mapping[ScopeKind, list[Scope]]
    pasts: Mapping[Key, LedgerEntry]
    discovers: frozenset[str]
    settled: frozenset[Key]
    early: bool = False
    held: dict[str, GitHubError] = field(default_factory=dict)
    """Organisations whose token may not ask any more, with the limit it met."""

    @property
    def counted(self) -> str:
        """The dataset whose records are compared with GitHub's count; '' where none is."""
        return self.answer_set.datasets[0].name if self.answer_set.counts else ""

    @property
    def shown_whole(self) -> frozenset[str]:
        """Datasets that GitHub shows whole or, without saying so, not at all."""
        graphs = [r for r in self.answer_set.requests if isinstance(r, GraphRequest)]
        return frozenset(part.dataset for request in graphs for part in request.parts if part.total)

    def settle(self, key: Key, state: State, **more: object) -> None:
        """Says what a (dataset, scope) came to without asking; `more` are further columns of the ledger."""
        generation, now = self.writer.generation, self.clock.now()
        entry = LedgerEntry(*key, self.day, state, generation, fetched_at=now, **more)  # type: ignore[arg-type]
        self.writer.settle(entry, [])


@dataclass(frozen=True)
class Units:
    """Divides errands into units. `has_graphql` tells whether the server knows GraphQL at all."""

    staging: Staging
    inventories: Inventories
    has_graphql: Callable[[], bool]

    def of_all(self, errand: Errand, open_keys: set[Key]) -> list[Unit]:
        """Units that answer for every open key: by the first way, and by further ones where that lacks datasets."""
        units: list[Unit] = []
        left = set(open_keys)
        way = self.first_way(errand.answer_set)
        while left and way < len(errand.answer_set.requests):
            answers_for = _datasets_of(errand.answer_set.requests[way])
            own = {key for key in left if key[0] in answers_for}
            if own:
                units += self._of(errand, way, own)
            left -= own
            way += 1
        return units

    def once_more(self, errand: Errand, unit: Unit, collection: Collection) -> list[Unit]:
        """What a unit leaves to be asked again in this fetch: in another way, as a whole list, or when computed."""
        spent = {key: (tally.requests, tally.points) for key, tally in collection.tallies.items()}
        if isinstance(collection, RestCollection) and (collection.refused or collection.is_cut_off):
            return self._one_by_one(errand, unit, collection, spent)
        if collection.computing and unit.patient and not errand.early:
            keys = tuple(key for key in unit.keys if key in collection.computing)
            return [replace(unit, keys=keys, patient=False, spent={key: spent[key] for key in keys})]
        miscounted = set(collection.miscounted())
        if not miscounted:
            return []
        request = errand.answer_set.requests[unit.way]
        batch = isinstance(request, GraphRequest) and request.batch
        keys = tuple(key for key in unit.keys if key[1] in miscounted)
        whole = {scope: replace(unit.questions[scope], since=None) for scope in miscounted}
        scopes = tuple(scope for scope in unit.batch if str(scope) in miscounted)
        cost = {key: spent[key] for key in keys if key in spent}
        return [Unit(unit.way, unit.scope, keys, None, whole, scopes if batch else (), False, cost)]

    def first_way(self, answer_set: AnswerSet) -> int:
        """The first of the set's requests whose API is there."""
        for number, request in enumerate(answer_set.requests):
            if not isinstance(request, GraphRequest) or self.has_graphql():
                return number
        return len(answer_set.requests) - 1

    def _of(self, errand: Errand, way: int, open_keys: Iterable[Key]) -> list[Unit]:
        """What is to be asked in one way."""
        request = errand.answer_set.requests[way]
        by_scope: dict[str, list[Key]] = defaultdict(list)
        for key in sorted(open_keys):
            by_scope[key[1]].append(key)
        if request.asked_per is ScopeKind.organization:
            return self._of_organizations(errand, way, request, by_scope)
        units = [
            Unit(way, scope, tuple(by_scope[str(scope)]), question.since, {str(scope): question})
            for scope in errand.scopes[request.asked_per]
            if str(scope) in by_scope
            and (question := self._question(errand, request, scope, by_scope[str(scope)])) is not None
        ]
        if isinstance(request, GraphRequest) and request.batch:
            return self._batches(errand, way, units, request.page_size)
        return [replace(unit, patient=errand.answer_set.two_phase) for unit in units]

    def _of_organizations(
        self, errand: Errand, way: int, request: Asked, by_scope: Mapping[str, list[Key]]
    ) -> list[Unit]:
        organizations = errand.scopes[ScopeKind.organization]
        owners = {str(s): str(s) for s in organizations}
        if any(DATASETS[key[0]].scope_kind is ScopeKind.team for keys in by_scope.values() for key in keys):
            owners |= staged_teams(self.staging, errand.day)
        by_login = {s.names["org"]: str(s) for s in organizations}
        for scope in errand.scopes.get(ScopeKind.repository, []):
            owners[str(scope)] = by_login[scope.names["org"]]
        open_scopes = dict(by_scope)
        units: list[Unit] = []
        questions: dict[str, Question] = {}
        if isinstance(request, RestRequest) and request.belongs_to:
            questions = self._questions_of_shared_list(errand, request, open_scopes)
            units += self._of_private(errand, way, request, open_scopes)
        for organization in organizations:
            own = tuple(
                key
                for scope, keys in open_scopes.items()
                if owners.get(scope, str(organization)) == str(organization)
                for key in keys
            )
            if own:
                question = question_of(
                    errand.answer_set, request, organization, own, errand.pasts, errand.day, self.inventories.rows
                )
                since = question.since if isinstance(question, Question) else None
                units.append(Unit(way, organization, own, since, questions))
        return units

    def _questions_of_shared_list(
        self, errand: Errand, request: RestRequest, open_scopes: dict[str, list[Key]]
    ) -> dict[str, Question]:
        """What is asked of each repository by the organisation's list; what need not be asked leaves `open_scopes`."""
        # The list is asked for whether or not anything moved in a single repository.
        always = replace(errand, answer_set=replace(errand.answer_set, probe=(), counts=()))
        questions = {}
        for scope in errand.scopes[ScopeKind.repository]:
            keys = open_scopes.get(str(scope))
            if not keys:
                continue
            if waits(errand.answer_set, scope):
                _answer(errand, keys, WAITING)
                del open_scopes[str(scope)]
                continue
            question = self._question(always, request, scope, keys)
            if question is None:
                del open_scopes[str(scope)]
            else:
                questions[str(scope)] = question
        return questions

    def _of_private(
        self, errand: Errand, way: int, request: RestRequest, open_scopes: dict[str, list[Key]]
    ) -> list[Unit]:
        """Private repositories, asked one by one where the list holds what is public; they leave `open_scopes`."""
        one_by_one = self._way_of_repositories(errand.answer_set, way)
        if not request.public_only or one_by_one is None:
            return []
        private = [s for s in errand.scopes[ScopeKind.repository] if s.inventory and s.inventory.get("is_private")]
        keys = [key for scope in private for key in open_scopes.pop(str(scope), [])]
        return self._of(errand, one_by_one, keys)

    def _question(self, errand: Errand, request: Asked, scope: Scope, keys: Sequence[Key]) -> Question | None:
        """What is to be asked of a scope; None where the inventory answered it, which is settled then."""
        found = question_of(errand.answer_set, request, scope, keys, errand.pasts, errand.day, self.inventories.rows)
        if isinstance(found, Question):
            return found
        _answer(errand, keys, found)
        return None

    def _batches(self, errand: Errand, way: int, units: Sequence[Unit], size: int) -> list[Unit]:
        """Units joined by organisation and moment; those without a node id go the next way."""
        groups: dict[tuple[str, datetime | None], list[Unit]] = defaultdict(list)
        nameless: list[Key] = []
        for unit in units:
            if unit.scope.names.get("node_id"):
                groups[unit.scope.names["org"], unit.since].append(unit)
            else:
                nameless += unit.keys
        joined = []
        for (org, since), group in groups.items():
            asks = next(s for s in errand.scopes[ScopeKind.organization] if s.names["org"] == org)
            for at in range(0, len(group), size):
                chunk = group[at : at + size]
                keys = tuple(key for unit in chunk for key in unit.keys)
                questions = {scope: question for unit in chunk for scope, question in unit.questions.items()}
                joined.append(Unit(way, asks, keys, since, questions, tuple(unit.scope for unit in chunk)))
        if nameless and way + 1 < len(errand.answer_set.requests):
            joined += self._of(errand, way + 1, nameless)
        elif nameless:
            _answer(errand, nameless, Answered(State.failed, None, "its node id is not known"))
        return joined

    def _one_by_one(
        self, errand: Errand, unit: Unit, collection: RestCollection, spent: Mapping[Key, tuple[int, int]]
    ) -> list[Unit]:
        """An organisation's list that was refused, or did not hold all, is asked of each repository."""
        way = self._way_of_repositories(errand.answer_set, unit.way)
        if way is None:
            if collection.refused is not None:
                collection.fail(collection.refused)
            else:
                collection.doubt("the organisation's list holds what no repository of it can be told to own")
            return []
        again = self._of(errand, way, unit.keys)
        if again:
            first = again[0].keys[0]
            requests = collection.spare.requests + sum(n for n, _ in spent.values())
            again[0] = replace(again[0], spent={first: (requests, 0)})
        collection.tallies.clear()
        collection.planned = ()
        return again

    @staticmethod
    def _way_of_repositories(answer_set: AnswerSet, way: int) -> int | None:
        """The next way that asks repository by repository."""
        for number in range(way + 1, len(answer_set.requests)):
            if answer_set.requests[number].asked_per is ScopeKind.repository:
                return number
        return None


def _answer(errand: Errand, keys: Iterable[Key], found: Answered) -> None:
    """Settles what the inventory answered."""
    for key in keys:
        of_count = key[0] == errand.counted
        errand.settle(
            key,
            found.state,
            coverage=found.coverage,
            detail=found.detail,
            listed=found.listed if of_count else None,
            listed_on=found.listed_on if of_count else None,
        )


def _datasets_of(request: Asked) -> set[str]:
    """The datasets a request answers for."""
    if isinstance(request, GraphRequest):
        return {part.dataset for part in request.parts}
    if isinstance(request, FileRequest):
        return {dataset for dataset in DATASETS if DATASETS[dataset].scope_kind is ScopeKind.file}
    return {*request.datasets, *(dataset for inner in request.per_item for dataset in _datasets_of(inner))}
