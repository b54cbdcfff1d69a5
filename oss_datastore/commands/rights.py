"""What a token may read of an organisation, dataset by dataset, and what to grant where it may not.

Found out by asking, since GitHub has no other way to tell: one small question per distinct need, so that four datasets
of one permission cost one request. What a day needs besides GitHub is `doctor`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.document import NEEDS
from oss_datastore.catalogue.model import (
    AnswerSet,
    Dataset,
    FileRequest,
    GraphPart,
    GraphRequest,
    Needs,
    RestRequest,
    ScopeKind,
)
from oss_datastore.catalogue.parse import get
from oss_datastore.github import GitHub, GitHubError

_INCLUDED = {
    "repo": {"public_repo", "security_events", "read:repo_hook"},
    "admin:org": {"read:org"},
    "write:org": {"read:org"},
    "admin:repo_hook": {"read:repo_hook"},
    "write:repo_hook": {"read:repo_hook"},
    "project": {"read:project"},
}
"""Scopes of classic tokens that contain others of ours."""

_WHO = {Needs.anyone: "one that may read it", Needs.push: "one with push access", Needs.owner: "an organisation owner"}

ONLY_OWNERS = "answered, but only owners see the whole list"
"""What is told of a list that is seen in part."""

_REFUSALS = frozenset({"forbidden", "not_found", "gone", "blocked"})


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether it is well (`ok`, `limited` or `missing`), and what to do.

    The rest is of datasets: what must be granted, and who sees the whole list.
    """

    what: str
    state: str
    told: str
    permission: str = ""
    classic_scope: str = ""
    visibility: str = ""


@dataclass(frozen=True)
class _Told:
    """What one question came to."""

    state: str
    told: str = ""


@dataclass
class Rights:
    """A token in an organisation: who it is, and what it was refused.

    `scopes` are those of a classic token, None for other kinds. `repository` is the one that questions about
    repositories are asked of, None where there is none.
    """

    github: GitHub
    org: str
    whole: bool
    """The token's account sees whole lists: an owner's, or an app's installation."""
    scopes: frozenset[str] | None
    repository: Mapping[str, Any] | None
    _known: dict[tuple[str, str, Needs, ScopeKind], _Told] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding]:
        """A line for every dataset that comes from GitHub."""
        for answer_set in ANSWER_SETS.values():
            if any(isinstance(request, FileRequest) for request in answer_set.requests):
                continue
            for dataset in answer_set.datasets:
                told = self._of(answer_set, dataset)
                yield Finding(
                    f"{self.org}: {dataset.name}",
                    told.state,
                    told.told,
                    dataset.permission,
                    dataset.classic_scope,
                    NEEDS[dataset.needs],
                )

    def _of(self, answer_set: AnswerSet, dataset: Dataset) -> _Told:
        told = self._asked(answer_set, dataset)
        if told.state == "ok" and not told.told and dataset.needs is Needs.owner and not self.whole:
            return _Told("limited", ONLY_OWNERS)
        return told

    def _asked(self, answer_set: AnswerSet, dataset: Dataset) -> _Told:
        by_rest = [r for r in answer_set.requests if isinstance(r, RestRequest) and _holds(r, dataset)]
        request = by_rest[0] if by_rest else _graph(answer_set, dataset)
        if request.asked_per is ScopeKind.user:
            return _Told("ok", "needs no right")
        if self.repository is None and request.asked_per is ScopeKind.repository:
            return _Told("ok", "there is no repository to ask about")
        key = (dataset.permission, dataset.classic_scope, dataset.needs, request.asked_per)
        if key not in self._known:
            if isinstance(request, GraphRequest):
                self._known[key] = self._by_graphql(request, dataset)
            else:
                self._known[key] = self._by_rest(request, by_rest[1:], dataset)
        return self._known[key]

    def _by_rest(self, request: RestRequest, others: list[RestRequest], dataset: Dataset) -> _Told:
        names = {"org": self.org, "repo": self.repository["full_name"] if self.repository else ""}
        params = {**request.params, **request.variants[0], "per_page": 1}
        try:
            self.github.get(request.path.format(**names), params, org=self.org, accept=request.accept)
        except GitHubError as why:
            kind = request.means.get(why.kind, why.kind)
            if request.belongs_to and others and self.repository and kind in _REFUSALS:
                told = self._by_rest(others[0], others[1:], dataset)
                dearer = "asked repository by repository: the list of the organisation was refused"
                return _Told("ok", dearer) if told == _Told("ok") else told
            return self._refused(kind, why, dataset, request.asked_per)
        return _Told("ok")

    def _by_graphql(self, request: GraphRequest, dataset: Dataset) -> _Told:
        part = next(part for part in request.parts if part.dataset == dataset.name)
        node = self.repository["node_id"] if self.repository else ""
        try:
            answer = self.github.query(request.document, {"ids": [node], "first": 1}, org=self.org)
        except GitHubError as why:
            return self._refused(why.kind, why, dataset, request.asked_per)
        if _shown(get(answer.data, f"{request.connection}.0"), part):
            return _Told("ok")
        said = "; ".join(str(error.get("message")) for error in answer.errors) or "null without an error"
        return _Told("limited", f"{self._grant(dataset, {})} ({said})")

    def _refused(self, kind: str, why: GitHubError, dataset: Dataset, asked_per: ScopeKind) -> _Told:
        about = self.repository["full_name"] if asked_per is ScopeKind.repository and self.repository else self.org
        if kind == "disabled":
            if why.kind == "not_found":
                return _Told("limited", f"switched off for {about}, or not to be seen by this token")
            return _Told("ok", f"switched off for {about}")
        if kind in ("empty_repository", "empty"):
            return _Told("ok", f"{about} is empty")
        if kind not in _REFUSALS:
            return _Told("limited", f"could not be asked: {why}")
        return _Told(
            "limited", f"{self._grant(dataset, why.answer.headers if why.answer else {})} ({kind} for {about})"
        )

    def _grant(self, dataset: Dataset, headers: Mapping[str, str]) -> str:
        """What would help, in GitHub's words, and in those of its answer where it told."""
        if self.scopes is None:
            accepted = headers.get("x-accepted-github-permissions")
            return f"grant {dataset.permission}" + (f"; GitHub accepts {accepted}" if accepted else "")
        accepted = headers.get("x-accepted-oauth-scopes")
        enough = {scope.strip() for scope in accepted.split(",")} if accepted else {dataset.classic_scope.split(" ")[0]}
        if enough & self.scopes or enough == {""}:
            owner = dataset.needs is Needs.push and dataset.scope_kind is ScopeKind.organization
            who = _WHO[Needs.owner if owner else dataset.needs]
            return f"the scopes are enough, the account is not: it must be {who}"
        return f"add the scope {dataset.classic_scope}" + (f"; GitHub accepts {accepted}" if accepted else "")


def with_included(scopes: frozenset[str]) -> frozenset[str]:
    """Scopes of a classic token with those that they contain."""
    return scopes.union(*(_INCLUDED.get(scope, ()) for scope in scopes))


def _holds(request: RestRequest, dataset: Dataset) -> bool:
    """Whether an answer of the request, or what is asked for its items, is of a dataset."""
    return dataset.name in request.datasets or any(_holds(inner, dataset) for inner in request.per_item)


def _graph(answer_set: AnswerSet, dataset: Dataset) -> GraphRequest:
    return next(
        request
        for request in answer_set.requests
        if isinstance(request, GraphRequest) and any(part.dataset == dataset.name for part in request.parts)
    )


def _shown(node: Any, part: GraphPart) -> bool:
    if part.nullable and isinstance(node, dict) and get(node, part.nullable) is None:
        return True
    return get(node, part.path) is not None
