"""Recorded items of public repositories through the whole job: every one is a row or a letter, every hub is exact."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from oss_datastore.settings import Settings
from oss_datastore_tests.parsed import parsed_home
from oss_datastore_tests.recorded.devlake_world import DevlakeWorld, Item, repositories
from oss_datastore_tests.recorded.homes import after_close, environment, rows, runner
from oss_datastore_tests.recorded.recordings import needs_recordings
from oss_datastore_tests.recorded.replay import Replay

pytestmark = needs_recordings

DAY = date(2026, 3, 2)

LISTED = ("issues", "issue_comments", "issue_events", "pull_requests")


@dataclass(frozen=True)
class Loaded:
    """The home after the job, and what was served."""

    settings: Settings
    world: DevlakeWorld

    def items(self, dataset: str) -> list[tuple[int, Item]]:
        """(number of the repository, item) of everything that was served of a dataset."""
        found: list[tuple[int, Item]] = []
        for repository in self.world.repositories.values():
            if dataset in LISTED:
                items = repository.lists.get(dataset, [])
            elif dataset == "pull_request_reviews":
                items = [i for some in repository.reviews.values() for i in some]
            else:
                pulls = repository.lists.get("pull_requests", [])
                items = [
                    {"pull": p["id"], **asked}
                    for p in pulls
                    for asked in [*(p.get("requested_reviewers") or []), *(p.get("requested_teams") or [])]
                ]
            found += [(repository.id, item) for item in items]
        return found

    def column(self, sql: str) -> list[Any]:
        return [row[0] for row in rows(self.settings, sql)]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Loaded]:
    world = DevlakeWorld(repositories())
    home = parsed_home(tmp_path_factory.mktemp("devlake"))
    now = {"OSS_DATASTORE_NOW": after_close(DAY).isoformat(), "OSS_DATASTORE_START_DATE": "2026-03-01"}
    with (
        Replay(world) as replay,
        environment(home, replay.url, ",".join(world.owners), postgres_url, **now) as settings,
    ):
        done = runner().run(DAY, DAY)
        assert done.success, done.errors
        yield Loaded(settings, world)


def test_every_item_is_a_row_or_has_a_letter(loaded: Loaded) -> None:
    for dataset, key in (
        ("issues", "issue_id"),
        ("issue_comments", "comment_id"),
        ("issue_events", "event_id"),
        ("pull_requests", "pull_request_id"),
        ("pull_request_reviews", "review_id"),
    ):
        served = Counter(item["id"] for _, item in loaded.items(dataset))
        assert served
        kept = loaded.column(f"select {key} from psa.{dataset}")
        assert Counter(kept) == dict.fromkeys(served, 1), dataset
    served_pairs = {(i["pull"], i["id"]) for _, i in loaded.items("review_requests")}
    assert set(rows(loaded.settings, "select pull_request_id, reviewer_id from psa.review_requests")) == served_pairs


def test_every_planned_scope_has_a_state_that_says_what_was_there(loaded: Loaded) -> None:
    states: dict[str, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    for dataset, state, coverage in rows(loaded.settings, "select dataset, state, coverage from psa.fetch_ledger"):
        states[dataset][state, coverage] += 1
    count = len(loaded.world.repositories)
    for dataset in (*LISTED, "pull_request_reviews", "review_requests"):
        full = len({repo for repo, _ in loaded.items(dataset)})
        assert states[dataset] == Counter({("complete", "full"): full, ("complete", "empty"): count - full}), dataset
    for dataset in ("traffic_views", "traffic_clones", "traffic_paths", "traffic_referrers", "dependabot_alerts"):
        assert states[dataset] == {("gone", None): count}, dataset


def test_each_hub_holds_exactly_the_ids_of_the_items(loaded: Loaded) -> None:
    heads = {i["head"]["repo"]["id"] for _, i in loaded.items("pull_requests") if (i.get("head") or {}).get("repo")}
    expected = {
        "hub_issue.issue_id": {i["id"] for _, i in loaded.items("issues")},
        "hub_pull_request.pull_request_id": {i["id"] for _, i in loaded.items("pull_requests")},
        "hub_repo.repo_id": {r.id for r in loaded.world.repositories.values()} | heads,
        "hub_org.org_id": set(range(1, 1 + len(loaded.world.owners))),
        "hub_user.user_id": set(accounts(loaded)),
        "hub_team.team_id": {i["id"] for _, i in loaded.items("review_requests") if "slug" in i},
        "hub_advisory.ghsa_id": set(),
    }
    for name, ids in expected.items():
        hub, column = name.split(".")
        found = loaded.column(f"select {column} from raw_vault.{hub}")
        assert len(found) == len(set(found)), hub
        assert set(found) == ids, hub


def test_the_issues_list_holds_pull_requests_and_both_sides_are_kept_apart(loaded: Loaded) -> None:
    served = {i["id"]: "pull_request" in i for _, i in loaded.items("issues")}
    assert any(served.values())
    assert not all(served.values())
    assert dict(rows(loaded.settings, "select issue_id, is_pull_request from psa.issues")) == served
    shown = loaded.column("select issue_id from infomarts.issue_current")
    assert sorted(shown) == sorted(i for i, is_pull in served.items() if not is_pull)


def test_links_and_their_attributes_are_those_of_the_items(loaded: Loaded) -> None:
    pairs = {
        (
            "link_repo_issue",
            "hub_repo r using (repo_hk) join raw_vault.hub_issue i using (issue_hk)",
            "repo_id, issue_id",
        ): {(repo, i["id"]) for repo, i in loaded.items("issues")},
        (
            "link_repo_pull_request",
            "hub_repo r using (repo_hk) join raw_vault.hub_pull_request p using (pull_request_hk)",
            "repo_id, pull_request_id",
        ): {(repo, i["id"]) for repo, i in loaded.items("pull_requests")},
        (
            "link_issue_author",
            "hub_user u on u.user_hk = author_hk join raw_vault.hub_issue i using (issue_hk)",
            "issue_id, user_id",
        ): {(i["id"], i["user"]["id"]) for _, i in loaded.items("issues") if i.get("user")},
        (
            "link_pull_request_author",
            "hub_user u on u.user_hk = author_hk join raw_vault.hub_pull_request p using (pull_request_hk)",
            "pull_request_id, user_id",
        ): {(i["id"], i["user"]["id"]) for _, i in loaded.items("pull_requests") if i.get("user")},
        (
            "link_issue_assignee",
            "hub_user u on u.user_hk = assignee_hk join raw_vault.hub_issue i using (issue_hk)",
            "issue_id, user_id",
        ): {(i["id"], a["id"]) for _, i in loaded.items("issues") for a in i.get("assignees") or []},
    }
    for (link, joined, columns), expected in pairs.items():
        found = rows(loaded.settings, f"select {columns} from raw_vault.{link} join raw_vault.{joined}")
        assert len(found) == len(set(found)), link
        assert set(found) == expected, link
    for link, column, dataset in (
        ("nh_link_issue_comment", "comment_id", "issue_comments"),
        ("nh_link_issue_event", "event_id", "issue_events"),
        ("link_pull_request_review", "review_id", "pull_request_reviews"),
    ):
        found_ids = loaded.column(f"select {column} from raw_vault.{link}")
        assert sorted(found_ids) == sorted({i["id"] for _, i in loaded.items(dataset)}), link


def accounts(loaded: Loaded) -> Iterator[int]:
    """Everybody whom an item names; a fork's owner and the account of a branch are no part of what happened."""
    for dataset in (*LISTED, "pull_request_reviews"):
        for _, item in loaded.items(dataset):
            yield from _accounts({k: v for k, v in item.items() if k not in ("head", "base")})


def _accounts(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        if isinstance(value.get("login"), str) and isinstance(value.get("id"), int):
            yield value["id"]
        for inner in value.values():
            yield from _accounts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _accounts(inner)
