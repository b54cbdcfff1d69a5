"""The lists of the simulated world: they agree with the counts, keep their past, and hold what clients trip over."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from oss_datastore.simulator import World
from oss_datastore.simulator.world import Org, deploy_keys, discussions, forks, labels, milestones, releases, rules
from oss_datastore.simulator.world.commits import pull_commits
from oss_datastore.simulator.world.dice import DAY, seconds
from oss_datastore.simulator.world.people import WEB_FLOW, person
from oss_datastore.simulator.world.profiles import profile
from oss_datastore.simulator.world.projects import project_items, projects
from oss_datastore.simulator.world.repositories import Repository

LATE = seconds(datetime(2026, 11, 20, 10, 30, tzinfo=UTC))
EARLY = LATE - 200 * DAY - 4_321


@pytest.fixture(scope="module")
def acme() -> Org:
    org = World(1, ("acme",), 12).org("acme")
    assert org is not None
    return org


def everything(repository: Repository, instant: int) -> list[Any]:
    """All lists of a repository at an instant."""
    lists: Sequence[Callable[[Repository, int], Any]] = (
        labels.labels,
        milestones.milestones,
        releases.releases,
        deploy_keys.deploy_keys,
        rules.protections,
        discussions.discussions,
    )
    crowds = [
        [(entry.who.id, entry.since) for entry in repository.crowd(kind).at(instant)] for kind in ("stars", "watchers")
    ]
    named = [(fork.id, fork.full_name, fork.created, fork.pushed) for fork in forks.forks(repository, instant)]
    return [[repr(each) for each in make(repository, instant)] for make in lists] + [
        crowds,
        named,
        repository.commits(instant),
    ]


def test_the_same_instant_has_the_same_lists_whatever_was_asked_before() -> None:
    one, other = (World(5, ("acme",), 6).orgs["acme"].repositories[0] for _ in range(2))
    late = everything(one, LATE)
    assert everything(one, EARLY) == everything(other, EARLY)
    assert everything(other, LATE) == late


@pytest.mark.parametrize("kind", ["stars", "forks", "watchers"])
def test_there_are_as_many_people_as_are_counted_and_nobody_twice(acme: Org, kind: str) -> None:
    for repository in acme.repositories_at(LATE):
        for instant in range(LATE - 3 * DAY, LATE, 21_600):
            crowd = repository.crowd(kind).at(instant)
            assert len(crowd) == repository.growth.total(kind, instant)
            assert len({entry.who.id for entry in crowd}) == len(crowd)
            assert all(repository.created <= entry.since <= instant < entry.until for entry in crowd)


def test_people_take_their_stars_back(acme: Org) -> None:
    crowds = [repository.crowd("stars") for repository in acme.repositories_at(EARLY)]
    gone = [
        {entry.who.id for entry in crowd.at(EARLY)} - {entry.who.id for entry in crowd.at(LATE)} for crowd in crowds
    ]
    assert any(gone)
    for crowd, lost in zip(crowds, gone, strict=True):
        assert len(crowd.everybody(LATE)) >= len(crowd.at(LATE)) + len(lost)


def test_everybody_in_a_crowd_is_found_by_id_and_by_login(acme: Org) -> None:
    world = World(1, ("acme",), 12)
    for entry in acme.repositories[0].crowd("stars").at(LATE)[::97]:
        assert world.user_by_id(entry.who.id) == world.user(entry.who.login, LATE) == entry.who
    assert world.user_by_id(1_000_001) is None
    assert world.user("not-there", LATE) is None
    assert world.user_by_id(WEB_FLOW.id) == WEB_FLOW


def test_the_branch_begins_with_the_first_commit_and_ends_with_the_head(acme: Org) -> None:
    for repository in acme.repositories_at(LATE):
        commits = repository.commits(LATE)
        assert (commits[0].sha if commits else None) == repository.head(LATE)
        assert len({commit.sha for commit in commits}) == len(commits)
        assert all(newer.parent == older.sha for newer, older in itertools.pairwise(commits))
        earlier = repository.commits(EARLY) if repository.exists(EARLY) else []
        assert commits[len(commits) - len(earlier) :] == earlier


def test_rebased_work_arrives_days_after_it_was_committed(acme: Org) -> None:
    commits = acme.repositories[0].commits(LATE)
    late = [commit for commit in commits if commit.pushed - commit.committer.at > DAY]
    assert 0.01 < len(late) / len(commits) < 0.15
    assert max(commit.pushed - commit.committer.at for commit in commits) < 7 * DAY
    assert any(commit.author.at < commit.committer.at - DAY for commit in commits)


def test_commits_are_by_people_with_and_without_accounts_and_merges_by_github(acme: Org) -> None:
    repository = acme.repositories[0]
    commits = repository.commits(LATE)
    assert {commit.author.account is None for commit in commits} == {True, False}
    merged = {item.number for item in repository.items(LATE) if item.at(LATE).merged}
    assert {commit.pull for commit in commits} - {None} == merged
    assert {commit.committer.account for commit in commits if commit.pull} == {WEB_FLOW}
    by_number = {commit.pull: commit.sha for commit in commits}
    assert all(by_number[number] == repository.items(LATE)[number - 1].merge_commit() for number in merged)


def test_a_pull_request_has_a_commit_for_each_push(acme: Org) -> None:
    for item in acme.repositories[0].items(LATE):
        if item.is_pull:
            commits = pull_commits(item, LATE)
            assert len(commits) == item.at(LATE).pushes
            assert commits[-1].sha == item.head(len(commits))


def test_downloads_grow_until_a_file_is_replaced(acme: Org) -> None:
    replaced = 0
    for repository in acme.repositories:
        for release in releases.releases(repository, LATE):
            for asset in release.uploads:
                counts = [asset.downloads(instant) for instant in range(asset.created, LATE, 10 * DAY)]
                assert counts == sorted(counts)
            present = release.assets(LATE)
            assert len({asset.name for asset in present}) == len(present)
            replaced += any(asset.until < LATE for asset in release.uploads)
    assert replaced


def test_releases_are_drafted_then_published(acme: Org) -> None:
    drafts = [
        release
        for repository in acme.repositories
        for day in range(0, 60, 5)
        for release in releases.releases(repository, LATE - day * DAY)
        if release.draft(LATE - day * DAY)
    ]
    assert drafts
    assert all(release.published > release.created for release in drafts)


def test_labels_come_change_and_keep_their_ids(acme: Org) -> None:
    days = range(LATE - 800 * DAY, LATE, 25 * DAY)
    seen = [
        {label.id: label for repository in acme.repositories for label in labels.labels(repository, day)}
        for day in days
    ]
    assert len(seen[-1]) > len(seen[0]) >= 9 * len(acme.repositories)
    changes = [
        (before[each], after[each]) for before, after in itertools.pairwise(seen) for each in before.keys() & after
    ]
    assert any(one.name != other.name for one, other in changes)
    assert any(one.color != other.color for one, other in changes)
    assert all(one == other or one.updated < other.updated for one, other in changes)


def test_milestones_count_what_lies_in_them(acme: Org) -> None:
    repository = acme.repositories[0]
    found = milestones.milestones(repository, LATE)
    states = [item.at(LATE) for item in repository.items(LATE)]
    assert sum(each.open_items + each.closed_items for each in found) == sum(bool(state.milestone) for state in states)
    assert [each.closed is None for each in found] == [False] * (len(found) - 1) + [True]
    assert all(each == milestones.milestone(repository, each.number, LATE) for each in found)


def test_forks_name_their_original_as_it_was_called_then(acme: Org) -> None:
    restless = next(each for each in acme.repositories if len(each.traits.names) > 1)
    assert len({fork.name for fork in forks.forks(acme.repositories[0], LATE)}) == 1
    for fork in forks.forks(restless, LATE):
        assert fork.name == restless.name(fork.created)
    identities = [fork.id for each in acme.repositories for fork in forks.forks(each, LATE)]
    assert len(set(identities)) == len(identities)
    assert forks.parent_of(identities[0]) == acme.repositories[0].id
    assert max(identities) < 2**31


def test_discussions_are_answered_and_closed_in_their_time(acme: Org) -> None:
    found = [each for repository in acme.repositories for each in discussions.discussions(repository, LATE)]
    assert {each.accepted(LATE) is None for each in found} == {True, False}
    assert {each.closed <= LATE for each in found} == {True, False}
    for each in found:
        assert each.created <= each.updated(LATE) <= LATE
        assert each.accepted(each.created) is None
        assert (each.accepted(LATE) is None) or each.accepted(LATE) in each.comments(LATE)
    assert {bool(discussions.discussions(each, LATE)) for each in acme.repositories} == {True, False}


def test_rules_grow_stricter_and_are_relaxed_for_a_while(acme: Org) -> None:
    days = range(LATE - 500 * DAY, LATE, 10 * DAY)
    seen = {
        (repository.number, rule.id, rule.reviews, rule.admins)
        for repository in acme.repositories_at(days[0])
        for day in days
        for rule in rules.protections(repository, day)
    }
    assert len(seen) > len({entry[:2] for entry in seen})
    assert {entry[3] for entry in seen} == {True, False}
    owners = {type(each.owner) for repository in acme.repositories for each in rules.rulesets(repository, LATE)}
    assert owners == {Org, Repository}


def test_keys_come_and_go(acme: Org) -> None:
    days = range(LATE - 800 * DAY, LATE, 25 * DAY)
    seen = [
        {key.id for repository in acme.repositories_at(day) for key in deploy_keys.deploy_keys(repository, day)}
        for day in days
    ]
    assert any(before - after for before, after in itertools.pairwise(seen))
    assert any(after - before for before, after in itertools.pairwise(seen))


def test_projects_gather_issues_and_one_is_closed(acme: Org) -> None:
    found = projects(acme, LATE)
    assert [project.number for project in found] == [1, 2, 3, 4]
    assert {project.public for project in found} == {True, False}
    assert {project.closed is None for project in found} == {True, False}
    for project in found:
        assert project.created <= project.updated <= LATE
        items = project_items(project, LATE)
        assert items
        assert {item.repository for item in items} <= set(project.repositories)


def test_profiles_change_and_followers_come(acme: Org) -> None:
    people = [person(number) for number in range(200)]
    before, after = ([profile(who, instant) for who in people] for instant in (EARLY, LATE))
    moved = sum(one.location != other.location for one, other in zip(before, after, strict=True))
    assert 3 < moved < 60
    assert all(one.followers <= other.followers for one, other in zip(before, after, strict=True))
    assert all(one.updated <= other.updated <= LATE for one, other in zip(before, after, strict=True))
    for pick in ("website", "twitter", "company", "bio", "name", "email"):
        assert {getattr(each, pick) is None for each in after} == {True, False}
