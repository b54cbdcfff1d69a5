"""Asks for one scope by REST: pages followed as given, and what hangs on their items asked for one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.model import Addressable, RestRequest, ScopeKind
from oss_datastore.catalogue.parse import Part, get
from oss_datastore.github import Answer, GitHubError
from oss_datastore.staging.collection import Collection, Key
from oss_datastore.staging.ledger import State
from oss_datastore.staging.scopes import Scope

_REFUSED = frozenset({"forbidden", "not_found", "disabled"})
"""What an organisation's list answers where the token may ask repository by repository only."""

_LONG_FEED = 200
"""GitHub's feeds end after three hundred events, however few hours that may be: one this long may have been cut."""

_ID_IN_PATH = re.compile(r"/repositories/(\d+)")


@dataclass
class RestCollection(Collection):
    """A unit that is asked for by REST.

    `refused` says that the organisation's list was not for this token, `is_cut_off` that it ended before the moment
    from which changes were asked, or held what belongs to nobody: both leave it to be asked of each repository.
    """

    refused: GitHubError | None = None
    is_cut_off: bool = False

    def collect(self, request: RestRequest) -> None:
        """Asks for everything; what fails is in the tallies afterwards. Raises only what ends the whole run."""
        for dataset, scope in self.planned:
            question = self.questions.get(scope)
            if dataset in self.shown_whole and question is not None:
                self.tally(dataset, scope).total = question.expected
        if request.belongs_to:
            self._rest_of_all(request)
        else:
            self._rest(request, self.scope, {})

    def _rest_of_all(self, request: RestRequest) -> None:
        """One list of the organisation's, its items shared out among the repositories they belong to."""
        named: dict[int, list[Key]] = {}
        for key in self.planned:
            named.setdefault(int(key[1].rsplit("/", 1)[1]), []).append(key)
        heard = 0
        try:
            for variant in request.variants:
                for answer in self._rest_answers(request, self.scope, variant):
                    items = answer.payload if isinstance(answer.payload, list) else None
                    if items is None:
                        self._keep(answer, [Part(*key) for key in self.planned])
                        return
                    found = {get(item, request.belongs_to) for item in items}
                    # An item that does not say whose it is: only each repository's own list can tell.
                    self.is_cut_off = self.is_cut_off or None in found
                    parts = [
                        Part(*key, (), {**variant, "only": [request.belongs_to, number]})
                        for number, keys in named.items()
                        if number in found
                        for key in keys
                    ]
                    self._keep(answer, self._of_what_is_new(parts, request.newest_first))
                    heard += len(items)
                    if request.newest_first and self._is_past(items, request.newest_first):
                        break
                else:
                    is_feed = DATASETS[request.datasets[0]].addressable is Addressable.feed
                    self.is_cut_off = self.is_cut_off or (is_feed and self.since is not None and heard >= _LONG_FEED)
        except GitHubError as error:
            if error.kind in _REFUSED and not any(tally.answers for tally in self.tallies.values()):
                self.refused = error
                self.spare.requests += error.requests
                return
            self._went_wrong(error, list(self.planned), means=request.means)
            return
        for key in self.planned:
            tally, question = self.tally(*key), self.questions.get(key[1])
            if question is not None and question.off and not tally.answers:
                tally.state, tally.detail = State.disabled, question.off

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
                    if self._is_elsewhere(answer, scope):
                        self._gone(own, "its name leads to another repository now")
                        return
                    parts = [Part(d, str(scope), (), {**variant, **context} or None) for d in datasets]
                    if not self._keep(answer, self._of_what_is_new(parts, request.newest_first)):
                        break
                    self._per_item(request, scope, answer)
                    if request.newest_first and self._is_past(answer.payload, request.newest_first):
                        break
        except GitHubError as error:
            if "parent" in context:
                # One record of many: its refusal says nothing about the scope.
                self._went_wrong(error, own, of_item=True, means=request.means)
            else:
                # What hangs on the list hangs on its missing pages, too.
                hit = self._unanswered(own) if request.per_item else own
                self._went_wrong(error, hit, means=request.means)

    @staticmethod
    def _is_elsewhere(answer: Answer, scope: Scope) -> bool:
        """Whether a redirect led to another repository than the one that was meant: names are used again."""
        found = _ID_IN_PATH.search(answer.moved_to or "")
        return bool(found and scope.kind is ScopeKind.repository and int(found[1]) != scope.id)

    def _gone(self, keys: Iterable[Key], detail: str) -> None:
        for key in keys:
            tally = self.tally(*key)
            tally.state, tally.detail = State.gone, detail

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
