"""Which repositories and datasets are asked for, by globs, and by whose token."""

from __future__ import annotations

from pathlib import Path

import pytest

from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, StaticTokens, Token
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.scopes import Inventories, is_asked_for, unmatched_patterns
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, fetch_all, fetcher, hurried


@pytest.mark.parametrize(
    ("patterns", "asked"),
    [
        ((), {"issues", "issue_comments", "traffic_views"}),
        (("issue*",), {"issues", "issue_comments"}),
        (("issues", "traffic_?iews"), {"issues", "traffic_views"}),
        (("releases",), set()),
    ],
)
def test_globs_name_datasets(patterns: tuple[str, ...], asked: set[str]) -> None:
    names = ("issues", "issue_comments", "traffic_views")
    assert {name for name in names if is_asked_for(name, patterns)} == asked


def test_organisations_and_repositories_are_always_asked_for() -> None:
    assert is_asked_for("organizations", ("issues",))
    assert is_asked_for("repositories", ("issues",))


def test_a_glob_names_repositories_by_name_or_with_their_owner_in_any_case(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY), rest=True)
    fetch.fetch("repositories", DAY)
    (organization,) = fetch.resolve(DAY)
    inventories = Inventories(fetch.staging)

    def repositories(patterns: tuple[str, ...]) -> list[str]:
        return [scope.names["repo"] for scope in inventories.repositories(DAY, DAY, organization, patterns)]

    every = repositories(())
    assert len(every) == 3
    first = every[0].partition("/")[2]
    for patterns, found in (
        ((f"ACME/{first.upper()}",), every[:1]),
        ((first.title(),), every[:1]),
        (("acme/*",), every),
        ((f"*{first[1:]}",), every[:1]),
        (("globex/*",), []),
    ):
        assert repositories(patterns) == found
    assert unmatched_patterns(fetch.staging, DAY, ("acme/*", "globex/*", first, "nothing")) == ["globex/*", "nothing"]


def test_what_matches_is_not_judged_before_there_is_a_list(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY))
    assert unmatched_patterns(fetch.staging, DAY, ("nothing",)) == []


def test_every_call_names_the_organisation_whose_token_it_needs(tmp_path: Path) -> None:
    clock = Clock(after(DAY))
    with Simulator(orgs=("acme", "globex"), repos=2, now=after(DAY), limits=PLENTY, timeout_seconds=0.05) as github:
        fetch = Fetcher(
            # There is no token but those of the organisations: a call that names none would end the run.
            github=GitHub(
                tokens=StaticTokens(None, {"ACME": "ghp_a", "globex": "ghp_g"}),
                api_url=github.url,
                graphql_url=github.graphql_url,
                clock=clock,
                pace=False,
                timer=hurried(),
            ),
            staging=Staging(LocalStore(tmp_path)),
            letters=MemoryLetters(),
            clock=clock,
            organizations=("acme", "globex"),
            api_url=github.url,
        )
        fetch_all(fetch, DAY)
        spent = {state.token_key for state in fetch.github.budget.values()}
    assert spent == {Token.of("ghp_a").key, Token.of("ghp_g").key}
    assert len(fetch.staging.ledger("organizations", DAY)) == 2


def test_teams_that_a_staged_list_names_are_planned_whoever_read_it(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY), datasets=("teams",))
    fetch.fetch("teams", DAY)
    assert {dataset for dataset, _ in fetch.staging.ledger("teams", DAY)} == {"teams"}
    whole = fetcher(github, tmp_path, now=after(DAY))
    whole.fetch("teams", DAY)
    assert {dataset for dataset, _ in whole.staging.ledger("teams", DAY)} == {
        "teams",
        "team_members",
        "team_repositories",
    }
