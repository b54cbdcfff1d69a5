"""REST and GraphQL, and both versions of REST, tell the same things: the rows come out alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SET_OF, TABLES
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.ledger import State
from oss_datastore.warehouse import PsaLoader
from oss_datastore_tests.staging.fetching import (
    DAY,
    MemoryLetters,
    MemoryWarehouse,
    after,
    differences,
    entries,
    fetch_all,
    fetcher,
    load,
)

ONLY_GRAPHQL = {
    "repositories": {
        "auto_merge_allowed",
        "branch_update_allowed",
        "archived_at",
        "code_of_conduct",
        "default_branch_sha",
        "delete_branch_on_merge",
        "discussions_count",
        "discussions_updated_at",
        "has_contributing_guidelines",
        "has_funding_links",
        "has_vulnerability_alerts_enabled",
        "is_empty",
        "is_mirror",
        "is_security_policy_enabled",
        "issue_templates_count",
        "issues_count",
        "issues_updated_at",
        "latest_release_at",
        "merge_commit_allowed",
        "open_issues_count",
        "open_pull_requests_count",
        "parent_repo_id",
        "pull_request_templates_count",
        "pull_requests_count",
        "pull_requests_updated_at",
        "rebase_merge_allowed",
        "releases_count",
        "squash_merge_allowed",
        "subscribers_count",
    },
    "members": {"two_factor_enabled"},
    "teams": {"created_at", "settings_updated_at"},
    "labels": {"created_at", "updated_at"},
    "pull_requests": {
        "additions",
        "body",
        "body_length",
        "body_md5",
        "changed_files",
        "comments_count",
        "commits_count",
        "deletions",
        "last_commit_at",
        "mergeable",
        "merged_by_id",
        "review_decision",
    },
    "review_requests": {"as_code_owner"},
    "commits": {"additions", "changed_files", "deletions"},
}
"""Fields that lists of REST leave out, whatever GraphQL says of them: all others must agree."""

BOTH = (
    "repositories",
    "members",
    "teams",
    "repository_collaborators",
    "labels",
    "milestones",
    "repository_languages",
    "watchers",
    "releases",
    "release_assets",
    "pull_requests",
    "pull_request_reviews",
    "pull_request_commits",
    "review_requests",
    "stargazers",
    "forks",
    "commits",
    "projects",
)
"""Datasets that both APIs tell of. Teams' members and repositories are not among them: REST counts in child teams."""


def rows_of(fetch: Fetcher) -> dict[str, list[dict[str, Any]]]:
    warehouse = MemoryWarehouse()
    loader = PsaLoader(fetch.staging, warehouse, MemoryLetters())  # type: ignore[arg-type]
    for name in sorted({ANSWER_SET_OF[dataset].name for dataset in BOTH}):
        loader.load(name, [DAY])
    return warehouse.rows


@pytest.fixture(scope="module")
def both(_github: Simulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """Rows by GraphQL and by REST."""
    _github.set_now(after(DAY))
    _github.set_faults(None)
    found = []
    for rest in (False, True):
        fetch = fetcher(_github, tmp_path_factory.mktemp("two_ways"), now=after(DAY), rest=rest)
        fetch_all(fetch, DAY)
        assert {e.state for e in entries(fetch.staging, DAY)} <= {State.complete, State.disabled, State.gone}
        assert State.gone not in {e.state for e in fetch.staging.ledger("pull_requests", DAY).values()}
        found.append(rows_of(fetch))
    return found[0], found[1]


@pytest.mark.parametrize("name", BOTH)
def test_rest_and_graphql_give_the_same_row(name: str, both: tuple[Any, Any]) -> None:
    table = TABLES[name]
    by_graphql, by_rest = ({tuple(row[c] for c in table.key): row for row in rows[name]} for rows in both)
    assert by_graphql.keys() == by_rest.keys()
    assert by_graphql
    compared: set[str] = set()
    for key, row in by_graphql.items():
        for column in table.columns:
            other = by_rest[key][column.name]
            if other is not None:
                assert row[column.name] is None or row[column.name] == other, (key, column.name)
                compared.add(column.name)
            elif row[column.name] is not None:
                assert column.name in ONLY_GRAPHQL.get(name, ()), (key, column.name)
        # GraphQL names no app as the author of a commit or release, REST names its bot: one of them is null then.
        known = [k for k in table.hash_keys if row[k] is not None and by_rest[key][k] is not None]
        assert known
        assert [row[k] for k in known] == [by_rest[key][k] for k in known], key
    assert set(table.key) <= compared


def test_whoever_is_asked_for_a_review_is_the_same_by_rest(both: tuple[Any, Any]) -> None:
    asked = [
        {(r["pull_request_id"], r["reviewer_kind"], r["reviewer_id"]) for r in rows["review_requests"]} for rows in both
    ]
    assert asked[0] == asked[1]
    assert asked[0]


def test_both_versions_of_rest_give_the_same_rows(github: Simulator, tmp_path: Path) -> None:
    found = []
    for version in ("2022-11-28", "2026-03-10"):
        fetch = fetcher(github, tmp_path / version, now=after(DAY), rest=True, api_version=version)
        fetch_all(fetch, DAY)
        found.append(load(fetch.staging, [DAY]))
    for rows in found:
        # The newer version has no merge_commit_sha any more.
        rows["pull_requests"] = sorted(
            re.sub(r"'(merge_commit_sha|sat_pull_request_hd)': ('\w+'|None)", "", row) for row in rows["pull_requests"]
        )
    assert differences(*found) == {}
