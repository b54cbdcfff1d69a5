"""A failure is never a fact: only a whole list, seen by who may see it whole, says that something is absent."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import SETTLED, Coverage, State, Visibility
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore, StoreUnavailable
from oss_datastore_tests.staging.fetching import DAY, MemoryLetters, after, entries, fetch_all, fetcher

ACCESS = ("members", "outside_collaborators", "teams", "team_members", "team_repositories")


@pytest.mark.parametrize("rest", [False, True])
def test_access_seen_by_a_member_is_partial_and_has_a_letter(rest: bool, github: Simulator, tmp_path: Path) -> None:
    letters = MemoryLetters()
    fetch = fetcher(github, tmp_path, letters, now=after(DAY), role="ghp_member", rest=rest)
    fetch_all(fetch, DAY)
    seen = [entry for entry in entries(fetch.staging, DAY) if entry.dataset in ACCESS]
    assert {entry.dataset for entry in seen} >= {"members", "teams"}
    for entry in seen:
        assert entry.state in (State.partial, State.forbidden, State.gone), entry
        assert entry.coverage is None
        if entry.state is State.partial:
            assert entry.visibility is Visibility.member
            assert "low_visibility" in {f.error_class for f in letters.of(entry.dataset)}
    collaborators = fetch.staging.ledger("repository_collaborators", DAY).values()
    assert {entry.state for entry in collaborators} == {State.forbidden}
    traffic = fetch.staging.ledger("traffic_views", DAY).values()
    assert {entry.state for entry in traffic} == {State.forbidden}


@pytest.mark.parametrize("rest", [False, True])
def test_access_seen_by_an_owner_is_whole(rest: bool, github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY), rest=rest)
    fetch_all(fetch, DAY)
    seen = [e for e in entries(fetch.staging, DAY) if e.dataset in (*ACCESS, "repository_collaborators")]
    assert {e.state for e in seen} == {State.complete}
    assert {e.coverage for e in seen} <= {Coverage.full, Coverage.empty}


@pytest.mark.parametrize("rest", [False, True])
def test_a_team_that_failed_is_asked_alone_and_never_called_gone(rest: bool, github: Simulator, tmp_path: Path) -> None:
    letters = MemoryLetters()
    fetch = fetcher(github, tmp_path, letters, now=after(DAY), rest=rest)
    for name in ("organizations", "repositories"):
        fetch.fetch(name, DAY)
    github.set_faults("server_error@/orgs/acme/teams/*=0.5:sticky,bad_gateway@/graphql/TeamMembers*=1")
    fetch.fetch("teams", DAY)
    first = fetch.staging.ledger("teams", DAY)
    failed = {key for key, entry in first.items() if entry.state not in SETTLED}
    assert bool(failed) is rest
    github.set_faults("server_error@/orgs/acme/teams=1:sticky,bad_gateway@/graphql/Teams*=1:sticky")
    again = fetcher(github, tmp_path, letters, now=after(DAY), rest=rest)
    again.fetch("teams", DAY, only={scope for _, scope in failed} or {next(iter(first))[1]}, force=not rest)
    ledger = again.staging.ledger("teams", DAY)
    assert State.gone not in {entry.state for entry in ledger.values()}
    assert {ledger[key].state for key in failed} <= {State.failed, State.partial}
    github.set_faults(None)
    github.application.log.clear()
    last = fetcher(github, tmp_path, letters, now=after(DAY), rest=rest)
    last.fetch("teams", DAY)
    assert {entry.state for entry in last.staging.ledger("teams", DAY).values()} == {State.complete}
    if rest:
        inner = [e.target for e in github.log if "/orgs/acme/teams/" in e.target]
        asked = {target.partition("?")[0] for target in inner}
        assert len(asked) == len(failed), "teams that were whole were asked again"
        assert not letters.open


@pytest.mark.parametrize("rest", [False, True])
def test_a_list_of_teams_that_is_retried_alone_brings_what_it_names(
    rest: bool, github: Simulator, tmp_path: Path
) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY), rest=rest)
    for name in ("organizations", "repositories"):
        fetch.fetch(name, DAY)
    github.set_faults("server_error@/orgs/acme/teams=1:sticky,bad_gateway@/graphql/Teams*=1:sticky")
    fetch.fetch("teams", DAY)
    failed = fetch.staging.ledger("teams", DAY)
    assert {dataset for dataset, _ in failed} == {"teams"}
    github.set_faults(None)
    retried = fetcher(github, tmp_path, now=after(DAY), rest=rest)
    retried.fetch("teams", DAY, only={scope for _, scope in failed})
    whole = fetcher(github, tmp_path / "whole", now=after(DAY), rest=rest)
    for name in ("organizations", "repositories", "teams"):
        whole.fetch(name, DAY)
    came, expected = (
        {key: entry.state for key, entry in one.staging.ledger("teams", DAY).items()} for one in (retried, whole)
    )
    assert came == expected
    assert {dataset for dataset, _ in came} == {"teams", "team_members", "team_repositories"}


def test_two_organisations_do_not_speak_for_each_others_teams(tmp_path: Path) -> None:
    from oss_datastore_tests.staging.fetching import PLENTY

    with Simulator(orgs=("acme", "globex"), repos=3, now=after(DAY), limits=PLENTY) as github:
        made: dict[str, Any] = {"now": after(DAY), "organizations": ("acme", "globex"), "rest": True}
        fetch = fetcher(github, tmp_path, **made)
        for name in ("organizations", "repositories"):
            fetch.fetch(name, DAY)
        github.set_faults("server_error@/orgs/acme/teams/*=1:sticky")
        fetch.fetch("teams", DAY)
        failed = {k for k, e in fetch.staging.ledger("teams", DAY).items() if e.state is State.failed}
        assert failed
        again = fetcher(github, tmp_path, **made)
        again.fetch("teams", DAY)
        ledger = again.staging.ledger("teams", DAY)
        assert {ledger[key].state for key in failed} == {State.failed}
        assert State.gone not in {entry.state for entry in ledger.values()}


def test_pull_requests_that_did_not_come_take_their_reviews_with_them(github: Simulator, tmp_path: Path) -> None:
    letters = MemoryLetters()
    fetch = fetcher(github, tmp_path, letters, now=after(DAY), rest=True)
    for name in ("organizations", "repositories"):
        fetch.fetch(name, DAY)
    github.set_faults("server_error@/repos/*/pulls=1:sticky")
    fetch.fetch("pull_requests", DAY)
    assert {e.state for e in fetch.staging.ledger("pull_requests", DAY).values()} == {State.failed}
    assert letters.of("pull_request_reviews")


def test_a_full_disk_stops_the_fetch_and_nothing_half_written_counts(
    github: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY))
    for name in ("organizations", "repositories"):
        fetch.fetch(name, DAY)
    write = LocalStore.put_if_absent

    def full(self: LocalStore, key: str, data: bytes) -> None:
        if "/part-" in key:
            raise StoreUnavailable(f"{key} cannot be written: {errno.errorcode[errno.ENOSPC]}: free some space")
        write(self, key, data)

    monkeypatch.setattr(LocalStore, "put_if_absent", full)
    with pytest.raises(StoreUnavailable, match="free some space"):
        fetch.fetch("issues", DAY)
    ledger = Staging(LocalStore(tmp_path)).ledger("issues", DAY)
    assert {entry.state for entry in ledger.values()} == {State.pending}
    monkeypatch.undo()
    again = fetcher(github, tmp_path, now=after(DAY))
    again.fetch("issues", DAY)
    assert {entry.state for entry in again.staging.ledger("issues", DAY).values()} == {State.complete}


def test_a_dataset_that_is_left_out_and_repositories_that_are_not_wanted_are_not_asked(
    github: Simulator, tmp_path: Path
) -> None:
    wide = fetcher(github, tmp_path / "wide", now=after(DAY))
    fetch_all(wide, DAY)
    every = {e.scope for e in wide.staging.ledger("issues", DAY).values()}
    name = next(
        node["nameWithOwner"]
        for line in wide.staging.lines("repositories", DAY)
        for node in line.payload["data"]["organization"]["repositories"]["nodes"]
    )
    fetch = fetcher(github, tmp_path / "narrow", now=after(DAY), repositories=(name,), datasets=("issue*", "repo*"))
    reports = fetch_all(fetch, DAY)
    left_out = {report.answer_set for report in reports if report.note.startswith("left out")}
    assert "traffic_views" in left_out
    for dataset in ("issues", "repository_collaborators"):
        seen = {e.scope for e in fetch.staging.ledger(dataset, DAY).values()}
        assert len(seen) == 1
        assert seen < every
