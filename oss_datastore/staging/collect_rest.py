"""Asks for one scope by REST: pages followed as given, and what hangs on their items asked for one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from oss_datastore.catalogue.model import RestRequest
from oss_datastore.catalogue.parse import Part
from oss_datastore.github import Answer, GitHubError
from oss_datastore.staging.collection import Collection
from oss_datastore.staging.scopes import Scope


class RestCollection(Collection):
    """A unit that is asked for by REST."""

    def collect(self, request: RestRequest) -> None:
        """Asks for everything; what fails is in the tallies afterwards. Raises only what ends the whole run."""
        self._rest(request, self.scope, {})

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
