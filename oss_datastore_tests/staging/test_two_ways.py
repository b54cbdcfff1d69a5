"""REST and GraphQL, and both versions of REST, tell the same things: the rows come out alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import TABLES
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

# Fields that lists of REST leave out, whatever GraphQL says of them.
ONLY_GRAPHQL = {
    "repositories": {
        "is_mirror",
        "is_empty",
        "archived_at",
        "subscribers_count",
        "open_issues_count",
        "issues_count",
        "open_pull_requests_count",
        "pull_requests_count",
        "issues_updated_at",
        "pull_requests_updated_at",
        "default_branch_sha",
        "has_vulnerability_alerts_enabled",
        "is_security_policy_enabled",
        "code_of_conduct",
        "delete_branch_on_merge",
        "merge_commit_allowed",
        "squash_merge_allowed",
        "rebase_merge_allowed",
        "parent_repo_id",
    },
}
"""Only what is null in REST may differ; the rest of the repository's list is spelled out, so that a typo shows."""


def rows_of(fetch: Fetcher) -> dict[str, list[dict[str, Any]]]:
    warehouse = MemoryWarehouse()
    loader = PsaLoader(fetch.staging, warehouse, MemoryLetters())  # type: ignore[arg-type]
    for name in ("repositories", "members", "teams", "repository_collaborators", "pull_requests"):
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


@pytest.mark.parametrize(
    "name", ["repositories", "pull_requests", "pull_request_reviews", "members", "teams", "repository_collaborators"]
)
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
            elif name in ONLY_GRAPHQL and row[column.name] is not None:
                assert column.name in ONLY_GRAPHQL[name], (key, column.name)
        assert {k: row[k] for k in table.hash_keys if by_rest[key][k] is not None} == {
            k: by_rest[key][k] for k in table.hash_keys if by_rest[key][k] is not None
        }
    assert set(table.key) < compared


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
