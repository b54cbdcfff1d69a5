"""Recorded answers one by one: items become rows or letters, every other answer ends in the state that it means."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.catalogue.parse import Part, parse
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import Failure
from oss_datastore.github import GitHub, StaticTokens, Unauthorized
from oss_datastore.staging.fetch import Fetcher, UnknownOrganization
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.github.scripted import VirtualTime
from oss_datastore_tests.recorded.exchange_world import (
    ORG,
    PULL_ID,
    Exchange,
    ExchangeWorld,
    LettersInMemory,
    exchanges,
)
from oss_datastore_tests.recorded.recordings import needs_recordings
from oss_datastore_tests.recorded.replay import Replay

pytestmark = needs_recordings

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 3, 0, 10, tzinfo=UTC)

LISTS = ("issues", "issue_events", "pull_requests", "pull_request_reviews", "members", "teams", "team_members",
         "team_repositories", "repositories", "repository_collaborators", "traffic_views", "traffic_referrers",
         "dependabot_alerts")  # fmt: skip
"""Datasets at whose addresses answers are served that were recorded elsewhere: every kind of scope and request."""

SHOWN_TO_FEW = {"repositories", "members", "teams", "repository_collaborators"}
"""Lists that are not there for whom GitHub will not show them; whether their owner is gone its own list says."""

KEYS = {
    "organizations": ("org_id", "id"),
    "repositories": ("repo_id", "id"),
    "members": ("user_id", "id"),
    "outside_collaborators": ("user_id", "id"),
    "teams": ("team_id", "id"),
    "team_members": ("user_id", "id"),
    "team_repositories": ("repo_id", "id"),
    "repository_collaborators": ("user_id", "id"),
    "issues": ("issue_id", "id"),
    "issue_comments": ("comment_id", "id"),
    "issue_events": ("event_id", "id"),
    "pull_requests": ("pull_request_id", "id"),
    "pull_request_reviews": ("review_id", "id"),
    "traffic_paths": ("path", "path"),
    "traffic_referrers": ("referrer", "referrer"),
}
"""What tells one row from another: our column, and GitHub's field."""


@dataclass
class Fetched:
    """What became of the scope of a dataset that was answered so."""

    entry: LedgerEntry
    letters: list[Failure]
    rows: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class Asking:
    """Fetches a dataset from a server that answers its address in one way."""

    folder: Path
    replay: Replay
    count: int = 0

    def fetch(self, dataset: str, told: Mapping[str, Any], follow: list[Exchange]) -> Fetched:
        self.replay.script = ExchangeWorld(dataset, told, follow)
        self.count += 1
        letters = LettersInMemory()
        clock = Clock(NOW)
        answer_set = ANSWER_SET_OF[dataset].name
        staging = Staging(LocalStore(self.folder / str(self.count)))
        with GitHub(
            tokens=StaticTokens("a-token-for-the-replay"),
            api_url=self.replay.url,
            graphql_url=f"{self.replay.url}/graphql",
            clock=clock,
            pace=False,
            attempts=2,
            timer=VirtualTime().timer,
        ) as github:
            fetcher = Fetcher(github, staging, letters, clock, (ORG,), self.replay.url, workers=1)
            with suppress(Unauthorized):
                fetcher.fetch(answer_set, DAY)
        entries = {e.dataset: e for e in staging.ledger(answer_set, DAY).values()}
        # Teams become known while their list is read: where that ended the run, only the list itself was planned.
        found = Fetched(entries.get(dataset) or entries["teams"], letters.of(dataset, DAY))
        for line in staging.lines(answer_set, DAY):
            for part in line.parts:
                if part.dataset == dataset:
                    found.rows += parse(DATASETS[dataset], part, line.payload, DAY, line.fetched_at).rows[dataset]
        return found


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with Replay(lambda _: None) as replay:
        yield Asking(tmp_path_factory.mktemp("exchanges"), replay)


ALL = exchanges()
LISTED = [e for e in ALL if e.dataset and e.status == 200]
REFUSED = [e for e in ALL if e.status != 200]
RECORDED_REPOSITORIES = {e.path.removeprefix("/repositories/") for e in ALL if e.path.startswith("/repositories/")}


def items_of(dataset: str, body: Any) -> list[Any]:
    """The items of an answer's body as a reader of GitHub's documentation would count them."""
    if dataset.startswith("traffic_") and isinstance(body, dict):
        return list(body[dataset.removeprefix("traffic_")])
    return body if isinstance(body, list) else [body]


@pytest.mark.parametrize("exchange", LISTED, ids=str)
def test_every_recorded_item_is_a_row_or_has_a_letter(asking: Asking, exchange: Exchange) -> None:
    dataset = str(exchange.dataset)
    items = items_of(dataset, exchange.response["body"])
    found = asking.fetch(dataset, exchange.response, ALL)
    assert found.entry.state is (State.partial if found.letters else State.complete)
    if not found.letters:
        assert found.entry.coverage is (Coverage.full if items else Coverage.empty)
    assert found.entry.rows == len(items) - len(found.letters)
    if dataset in KEYS:
        column, name = KEYS[dataset]
        lettered = Counter(json.loads(f.body or b"null")[name] for f in found.letters)
        assert Counter(r[column] for r in found.rows) == Counter(i[name] for i in items) - lettered
    else:
        served = {(i["timestamp"][:10], i["count"], i["uniques"]) for i in items}
        assert {(str(r["traffic_date"]), r["count"], r["uniques"]) for r in found.rows} == served


@pytest.mark.parametrize("exchange", REFUSED, ids=str)
def test_every_other_answer_ends_in_the_state_that_it_means(asking: Asking, exchange: Exchange) -> None:
    for dataset in LISTS:
        found = asking.fetch(dataset, exchange.response, ALL)
        expected, wants_letter = meaning(exchange, dataset)
        assert found.entry.state in expected, (dataset, found.entry)
        assert bool(found.letters) is wants_letter or found.entry.state is State.partial, (dataset, found.letters)
        assert all(f.message and f.error_class and f.scope == found.entry.scope for f in found.letters)
        if found.entry.state is not State.complete:
            assert found.entry.coverage is None or found.entry.only_parsing
            assert found.entry.detail


def meaning(exchange: Exchange, dataset: str) -> tuple[set[State], bool]:
    """The state an answer means wherever it comes, and whether somebody has to look at it."""
    body = exchange.response.get("body")
    message = body.get("message", "") if isinstance(body, dict) else ""
    if exchange.status == 401:
        return {State.pending}, False
    if dataset == "pull_request_reviews" and exchange.status in (403, 404) and "rate limit" not in message:
        # One pull request of many: its refusal is no answer about the repository.
        return {State.failed, State.pending}, body is not None
    nothing_there = State.forbidden if dataset in SHOWN_TO_FEW else State.gone
    if exchange.status == 404:
        return {State.disabled if dataset == "pull_requests" else nothing_there}, False
    if exchange.status == 429 or "rate limit" in message:
        return {State.pending}, False
    if exchange.status == 403:
        return {State.forbidden, State.pending}, False
    if exchange.status == 204:
        return {State.complete}, False
    if exchange.status == 301:
        # It leads to another repository, which is no list of anything, or to nothing that was recorded.
        recorded_too = any(f"/repositories/{one}" in str(exchange.response) for one in RECORDED_REPOSITORIES)
        if recorded_too or dataset not in ("pull_requests", "pull_request_reviews"):
            return {State.partial, State.gone, nothing_there}, False
        if dataset == "pull_requests":
            return {State.disabled}, False
        return {State.partial, State.failed}, True
    return {State.failed, State.partial}, True


def test_an_organisation_that_is_not_there_is_a_wrong_setting(asking: Asking) -> None:
    for exchange in REFUSED:
        if exchange.dataset == "organizations" and exchange.status == 404:
            with pytest.raises(UnknownOrganization, match=ORG):
                asking.fetch("organizations", exchange.response, ALL)


@pytest.mark.parametrize(
    "body",
    [b"<html>moment</html>", b"", b"null", b"{}", b"[", b'"text"', b"[null]", b"[[]]", b"[1]", b'{"message": "no"}'],
    ids=lambda b: b.decode() or "nothing",
)
def test_a_body_that_is_no_list_is_never_an_empty_list(asking: Asking, body: bytes) -> None:
    for dataset in LISTS:
        found = asking.fetch(dataset, {"status": 200, "headers": {}, "body": body}, [])
        assert found.entry.state in (State.failed, State.partial), (dataset, found.entry)
        assert found.letters, dataset
        assert not found.rows


REQUIRED = {
    "issues": {"id", "number"},
    "issue_comments": {"id", "issue_url"},
    "issue_events": {"id", "event"},
    "pull_requests": {"id", "number"},
    "traffic_paths": {"path", "count", "uniques"},
    "traffic_referrers": {"referrer", "count", "uniques"},
    "traffic_views": {"timestamp", "count", "uniques"},
    "traffic_clones": {"timestamp", "count", "uniques"},
}
"""Fields without which there is no row; of everything else it is the id alone."""


@pytest.mark.parametrize("exchange", LISTED, ids=str)
def test_an_item_without_one_of_its_fields_is_a_row_unless_the_field_is_its_key(exchange: Exchange) -> None:
    dataset = str(exchange.dataset)
    for item in one_of_each_shape(items_of(dataset, exchange.response["body"])):
        for name in item:
            for changed in ({k: v for k, v in item.items() if k != name}, item | {name: None}):
                rows, faults = parsed(dataset, changed)
                required = name in REQUIRED.get(dataset, {"id"})
                if name == "issue_url":
                    continue  # the comment's own address tells the number as well
                assert (rows, bool(faults)) == ((0, True) if required else (1, False)), (name, faults)


@pytest.mark.parametrize("exchange", LISTED, ids=str)
def test_an_item_of_another_shape_is_a_row_or_a_fault_that_names_the_column(exchange: Exchange) -> None:
    dataset = str(exchange.dataset)
    odd: list[Any] = [
        "",
        "text",
        0,
        -1,
        1.5,
        2**70,
        True,
        [],
        {},
        [None],
        {"id": None},
        {"login": "ghost"},
        "\x00",
        "\ud800",
    ]
    for item in one_of_each_shape(items_of(dataset, exchange.response["body"])):
        for changed in ({**item, name: value} for name in [*item, "unheard_of"] for value in odd):
            before = copy.deepcopy(changed)
            rows, faults = parsed(dataset, changed)
            assert changed == before
            assert rows + sum(f.table == dataset for f in faults) == 1, faults
            assert all(f.message for f in faults)


def test_older_and_newer_shapes_of_the_same_thing_are_rows() -> None:
    for dataset, item in (
        ("issues", {"id": 1, "number": 2, "user": None, "labels": [], "assignees": None, "pull_request": None}),
        ("pull_requests", {"id": 1, "number": 2, "user": None, "head": {"repo": None}, "base": None}),
        ("pull_request_reviews", {"id": 1, "user": None, "body": None, "submitted_at": None}),
        ("issue_events", {"id": 1, "event": "closed", "actor": None, "issue": None}),
        ("issue_comments", {"id": 1, "issue_url": "https://api.github.com/repos/o/r/issues/3", "user": None}),
        ("repositories", {"id": 1, "name": "r", "license": None, "owner": None}),
        ("repositories", {"id": 1, "name": "r", "license": {"key": "other", "spdx_id": None}, "topics": None}),
        ("repository_collaborators", {"id": 1, "login": "a", "permissions": {"pull": True, "push": False}}),
        ("repository_collaborators", {"id": 1, "login": "a", "role_name": "a custom role"}),
        ("team_repositories", {"id": 1, "permissions": {"admin": True}}),
        ("teams", {"id": 1, "slug": "t", "parent": None, "permission": "pull"}),
        ("members", {"id": 1, "login": "a"}),
    ):
        assert parsed(dataset, item) == (1, []), dataset


def test_a_label_that_is_only_a_name_is_a_fault_beside_the_issue() -> None:
    rows, faults = parsed("issues", {"id": 1, "number": 2, "labels": ["bug", {"id": 3, "name": "good"}]})
    assert rows == 1
    assert [f.table for f in faults] == ["issue_labels"]


@pytest.mark.parametrize("dataset", ["traffic_views", "traffic_clones"])
def test_traffic_without_its_list_is_not_traffic_of_zero(asking: Asking, dataset: str) -> None:
    name = dataset.removeprefix("traffic_")
    for body in (
        {"count": 0, "uniques": 0},
        {"count": 0, "uniques": 0, name: None},
        {"count": 0, "uniques": 0, name: {}},
    ):
        found = asking.fetch(dataset, {"status": 200, "headers": {}, "body": body}, [])
        assert found.entry.state is State.partial, body
        assert found.letters, body
    found = asking.fetch(dataset, {"status": 200, "headers": {}, "body": {"count": 0, "uniques": 0, name: []}}, [])
    assert (found.entry.state, found.entry.coverage, found.letters) == (State.complete, Coverage.empty, [])


def test_each_record_that_does_not_parse_has_a_letter_of_its_own(asking: Asking) -> None:
    items: list[Any] = [{"id": n, "title": "no number"} for n in range(5)] + [None, "text", {"title": "neither"}]
    items += items[:2]
    found = asking.fetch("issues", {"status": 200, "headers": {}, "body": items}, [])
    assert found.entry.state is State.partial
    assert len(found.letters) == len(items)
    assert len({f.cause for f in found.letters}) == len(items) - 2


def parsed(dataset: str, item: Any) -> tuple[int, list[Any]]:
    """Rows of the dataset's own table and faults of an answer with this one item."""
    declared = DATASETS[dataset]
    payload: Any = [item]
    if dataset in ("traffic_views", "traffic_clones"):
        payload = {"count": 1, "uniques": 1, dataset.removeprefix("traffic_"): [item]}
    elif dataset == "organizations":
        payload = item
    context = {"parent": {"id": PULL_ID, "number": 7}} if dataset == "pull_request_reviews" else None
    part = Part(dataset, f"github.com/{declared.scope_kind}/1", (), context)
    found = parse(declared, part, payload, DAY, NOW)
    return len(found.rows[dataset]), found.faults


def one_of_each_shape(items: list[Any]) -> list[dict[str, Any]]:
    """The first item of each set of fields."""
    shapes: dict[tuple[str, ...], dict[str, Any]] = {}
    for item in items:
        shapes.setdefault(tuple(sorted(item)), item)
    return list(shapes.values())
