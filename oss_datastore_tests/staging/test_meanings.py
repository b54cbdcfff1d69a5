"""What GitHub means by a refusal, address by address: the expected states are GitHub's documentation, not our tables.

A list that is refused is `forbidden`; a feature that is off, or a question that this repository is too large for, is
`disabled`; a thing that is not there any more is `gone`; nothing to list is `complete`. All else is a failure, and
only a failure has a letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import GraphRequest, RestRequest, ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, StaticTokens
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.collect_batch import BatchCollection
from oss_datastore.staging.collect_graphql import GraphCollection
from oss_datastore.staging.collect_rest import RestCollection
from oss_datastore.staging.ledger import Coverage, State
from oss_datastore.staging.lines import StageWriter
from oss_datastore.staging.scopes import Scope
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.github.scripted import Scripted, Server
from oss_datastore_tests.staging.fetching import DAY, MemoryLetters, after, fetcher, hurried

BLOCK = {"reason": "dmca", "created_at": "2026-01-01T00:00:00Z", "html_url": "https://github.com/github/dmca"}
ANSWERS = {
    "404": Scripted({"message": "Not Found"}, 404),
    "410": Scripted({"message": "This was deleted"}, 410),
    "410 off": Scripted({"message": "Issues are disabled for this repo"}, 410),
    "451": Scripted({"message": "Repository access blocked", "block": BLOCK}, 451),
    "403 blocked": Scripted({"message": "Repository access blocked", "block": BLOCK}, 403),
    "403": Scripted({"message": "Resource not accessible by integration"}, 403),
    "403 push": Scripted({"message": "Must have push access to repository"}, 403),
    "403 off": Scripted({"message": "Dependabot alerts are disabled for this repository."}, 403),
    "409 empty": Scripted({"message": "Git Repository is empty."}, 409),
    "422": Scripted({"message": "Validation Failed"}, 422),
    "500": Scripted({"message": "Server Error"}, 500),
}
REPOSITORY = {
    "404": "gone",
    "410": "gone",
    "410 off": "disabled",
    "451": "gone",
    "403 blocked": "gone",
    "403": "forbidden",
    "403 push": "forbidden",
    "403 off": "disabled",
    "409 empty": "complete",
    "422": "failed",
    "500": "failed",
}
"""What a refusal says of a list or an object of a repository, where its address has no meaning of its own."""
ORGANIZATION = {"404": "forbidden", "403": "forbidden", "422": "failed", "500": "failed"}
"""Lists of an organisation that is known: GitHub hides from whom may not see them that they are there."""
SHARED = {"404": "asked of each", "403": "asked of each", "403 off": "asked of each", "422": "failed", "500": "failed"}
"""Lists over all repositories of an organisation: where they are refused, each repository is asked."""

_OFF = REPOSITORY | {"404": "disabled"}
_HIDDEN = REPOSITORY | {"404": "forbidden"}
_ISSUES = REPOSITORY | {"410": "disabled"}
_TOO_LARGE = REPOSITORY | {"422": "disabled"}
MEANINGS: Mapping[str, Mapping[str, str]] = {
    "/orgs/{org}": {"404": "gone", "403": "forbidden", "422": "failed", "500": "failed"},
    "/orgs/{org}/repos": ORGANIZATION,
    "/orgs/{org}/repos (settings)": SHARED,
    "/orgs/{org}/members": ORGANIZATION,
    "/orgs/{org}/outside_collaborators": ORGANIZATION,
    "/orgs/{org}/outside_collaborators?filter=2fa_disabled": ORGANIZATION | {"422": "forbidden"},
    "/orgs/{org}/invitations": ORGANIZATION,
    "/orgs/{org}/failed_invitations": ORGANIZATION,
    "/orgs/{org}/teams": ORGANIZATION,
    "/orgs/{org}/security-advisories": ORGANIZATION,
    "/orgs/{org}/installations": ORGANIZATION,
    "/orgs/{org}/hooks": ORGANIZATION,
    "/orgs/{org}/projectsV2": ORGANIZATION,
    "/orgs/{org}/dependabot/alerts": SHARED,
    "/orgs/{org}/code-scanning/alerts": SHARED,
    "/orgs/{org}/secret-scanning/alerts": SHARED,
    "/orgs/{org}/events": SHARED,
    "/repos/{repo}/traffic/views": REPOSITORY,
    "/repos/{repo}/traffic/clones": REPOSITORY,
    "/repos/{repo}/traffic/popular/referrers": REPOSITORY,
    "/repos/{repo}/traffic/popular/paths": REPOSITORY,
    "/repos/{repo}/collaborators": _HIDDEN,
    "/repos/{repo}/dependabot/alerts": REPOSITORY,
    "/repos/{repo}/code-scanning/alerts": _OFF,
    "/repos/{repo}/secret-scanning/alerts": _OFF,
    "/repos/{repo}/labels": REPOSITORY,
    "/repos/{repo}/milestones": REPOSITORY,
    "/repos/{repo}/languages": REPOSITORY,
    "/repos/{repo}/subscribers": _HIDDEN,
    "/repos/{repo}/stargazers": _HIDDEN,
    "/repos/{repo}/stargazers/history": REPOSITORY,
    "/repos/{repo}/releases": REPOSITORY,
    "/repos/{repo}/issues": _ISSUES,
    "/repos/{repo}/issues/comments": _ISSUES,
    "/repos/{repo}/issues/events": _ISSUES,
    "/repos/{repo}/pulls": _OFF,
    "/repos/{repo}/forks": REPOSITORY,
    "/repos/{repo}/commits": REPOSITORY,
    "/repos/{repo}/keys": _HIDDEN,
    "/repos/{repo}/hooks": _HIDDEN,
    "/repos/{repo}/events": REPOSITORY,
    "/repos/{repo}/dependency-graph/sbom": _OFF,
    "/repos/{repo}/stats/contributors": _TOO_LARGE,
    "/repos/{repo}/stats/commit_activity": _TOO_LARGE,
    "/repos/{repo}/stats/code_frequency": _TOO_LARGE,
    "/repos/{repo}/stats/participation": _TOO_LARGE,
    "/repos/{repo}/stats/punch_card": _TOO_LARGE,
    "/user/{account_id}": {"404": "gone", "403": "forbidden", "500": "failed"},
}


def _address(request: RestRequest) -> str:
    if "outside_collaborators_without_two_factor" in request.datasets:
        return f"{request.path}?filter=2fa_disabled"
    return f"{request.path} (settings)" if "repository_security_settings" in request.datasets else request.path


REST = [(s, r) for s in ANSWER_SETS.values() for r in s.requests if isinstance(r, RestRequest)]
GRAPHQL = [(s, r) for s in ANSWER_SETS.values() for r in s.requests if isinstance(r, GraphRequest)]
CELLS = [
    pytest.param(answer_set, request, came, means, id=f"{answer_set.name} {_address(request)} {came}")
    for answer_set, request in REST
    for came, means in MEANINGS.get(_address(request), {}).items()
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def _collection(kind: Any, server: Server, folder: Path, request: Any, datasets: Any, **more: Any) -> Any:
    names = {"org": "acme", "owner": "acme", "name": "lantern", "repo": "acme/lantern", "account_id": "7"}
    scope = Scope("github.com", request.asked_per, 7, {**names, "node_id": "R_7"})
    if getattr(request, "belongs_to", ""):
        planned = tuple((dataset, f"github.com/{ScopeKind.repository}/7") for dataset in datasets)
    else:
        planned = tuple((dataset, str(scope)) for dataset in datasets)
    clock = Clock(after(DAY))
    github = GitHub(
        tokens=StaticTokens("ghp_owner"),
        api_url=server.url,
        graphql_url=f"{server.url}/graphql",
        clock=clock,
        pace=False,
        timer=hurried(),
    )
    writer = StageWriter(LocalStore(folder), "staging/x/", DAY, letters=MemoryLetters())
    if kind is BatchCollection:
        more["scopes"] = (scope,)
    return kind(github, writer, clock, DAY, scope, None, planned, **more)


def _outcome(collection: Any, request: Any) -> dict[str, tuple[str, bool]]:
    """Per dataset what the ledger would say, and whether there is a letter."""
    collection.collect(request)
    if getattr(collection, "refused", None) is not None:
        return {dataset: ("asked of each", False) for dataset, _ in collection.planned}
    found = {}
    for entry, failures in collection.entries():
        assert entry.coverage is None or entry.state.value == "complete"
        found[entry.dataset] = (entry.state.value, bool(failures))
    return found


def test_every_address_that_is_asked_has_a_meaning_here() -> None:
    assert {_address(request) for _, request in REST} == MEANINGS.keys()


@pytest.mark.parametrize(("answer_set", "request_", "came", "means"), CELLS)
def test_a_refusal_means_what_github_says_it_means(
    answer_set: Any, request_: RestRequest, came: str, means: str, server: Server, tmp_path: Path
) -> None:
    server.script(ANSWERS[came])
    inner = {d for item in request_.per_item if item.asked_per is request_.asked_per for d in item.datasets}
    datasets = [d.name for d in answer_set.datasets if d.name in {*request_.datasets, *inner}]
    found = _outcome(_collection(RestCollection, server, tmp_path, request_, datasets), request_)
    assert found == dict.fromkeys(datasets, (means, means == "failed"))


def test_settings_of_repositories_that_are_not_shown_are_forbidden_and_no_repository_is_gone(
    github: Simulator, tmp_path: Path
) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY))
    for name in ("organizations", "repositories"):
        fetch.fetch(name, DAY)
    for fault in ("not_found", "forbidden"):
        github.set_faults(f"{fault}@/orgs/*/repos=1")
        fetch.fetch("repository_security_settings", DAY, force=True)
        ledger = fetch.staging.ledger("repository_security_settings", DAY)
        assert {entry.state for entry in ledger.values()} == {State.forbidden}


@pytest.mark.parametrize("path", [a for a in MEANINGS if "/stats/" in a])
def test_statistics_without_content_are_a_complete_answer_without_rows(
    path: str, server: Server, tmp_path: Path
) -> None:
    request = next(r for _, r in REST if r.path == path)
    server.script(Scripted(None, 204))
    collection = _collection(RestCollection, server, tmp_path, request, request.datasets)
    collection.collect(request)
    entries = [entry for entry, failures in collection.entries() if not failures]
    assert [(e.state.value, e.coverage, e.rows) for e in entries] == [("complete", Coverage.empty, 0)]


ERRORS = {
    "NOT_FOUND": ({"type": "NOT_FOUND", "message": "Could not resolve to a node"}, "gone"),
    "FORBIDDEN": ({"type": "FORBIDDEN", "message": "Resource protected by organization SAML"}, "forbidden"),
    "null": (None, "failed"),
    "unheard of": ({"type": "SOMETHING", "message": "Something else"}, "failed"),
}


@pytest.mark.parametrize("came", ERRORS)
@pytest.mark.parametrize(("answer_set", "request_"), [pytest.param(s, r, id=s.name) for s, r in GRAPHQL])
def test_a_null_in_graphql_means_what_the_error_beside_it_says(
    answer_set: Any, request_: GraphRequest, came: str, server: Server, tmp_path: Path
) -> None:
    error, means = ERRORS[came]
    root = request_.connection.split(".")[0]
    data: dict[str, Any] = {root: [None] if request_.batch else None}
    path = [root, 0] if request_.batch else [root]
    server.script(Scripted({"data": data, **({"errors": [{**error, "path": path}]} if error else {})}))
    kind: Any = BatchCollection if request_.batch else GraphCollection
    each = [part.dataset for part in request_.parts if part.scope_each and not request_.batch]
    datasets = list(dict.fromkeys(part.dataset for part in request_.parts if part.dataset not in each))
    if not datasets:
        datasets = each
    found = _outcome(_collection(kind, server, tmp_path, request_, datasets), request_)
    assert found == dict.fromkeys(datasets, (means, means == "failed"))
