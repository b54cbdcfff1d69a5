"""The history is a pure function of a seed and an instant, and has in it what a client must survive."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from oss_datastore.simulator import World
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.dice import DAY, seconds
from oss_datastore.simulator.world.repositories import Repository


def at(year: int, month: int, day: int, hour: int = 12) -> int:
    return seconds(datetime(year, month, day, hour, tzinfo=UTC))


def acme(seed: int = 1, repositories: int = 12) -> Org:
    org = World(seed, ("acme",), repositories).org("acme")
    assert org is not None
    return org


def facts(org: Org, instant: int) -> dict[str, Any]:
    """Everything that is so at an instant, in plain words."""
    return {
        "members": sorted((who.login, role) for who, role in org.members(instant).items()),
        "outside": [who.login for who in org.outside_collaborators(instant)],
        "teams": {
            team.slug: (
                sorted((who.login, *held) for who, held in org.team_people(team, instant).items()),
                org.team_repositories(team, instant),
            )
            for team in org.teams_at(instant)
        },
        "repositories": {
            repository.full_name(instant): (
                [repository.growth.total(kind, instant) for kind in ("stars", "forks", "watchers")],
                [repository.growth.seen("views", instant // DAY - back, instant) for back in range(14)],
                repository.growth.popular("referrers", instant),
                repository.head(instant),
                [(item.number, item.issue_id, repr(item.at(instant))) for item in repository.items(instant)],
                [(alert.number, alert.at(instant)) for alert in repository.alerts(instant)],
            )
            for repository in org.repositories_at(instant)
        },
    }


def test_the_same_instant_is_the_same_in_another_world_of_the_same_seed_whatever_was_asked_before() -> None:
    one, other = acme(), acme()
    early, late = at(2025, 3, 1), at(2026, 11, 20)
    facts(one, late)
    assert facts(one, early) == facts(other, early)
    assert facts(one, late) == facts(other, late)


def test_another_seed_is_another_world() -> None:
    instant = at(2026, 1, 1)
    assert facts(acme(1), instant) != facts(acme(2), instant)


def test_a_repository_does_not_depend_on_how_many_others_there_are_save_for_the_parts_they_play() -> None:
    instant = at(2026, 1, 1)
    few, many = acme(repositories=12).repositories[0], acme(repositories=40).repositories[0]
    assert few.growth.total("stars", instant) == many.growth.total("stars", instant)
    assert few.growth.traffic(instant // DAY) == many.growth.traffic(instant // DAY)


def test_history_only_goes_on() -> None:
    org = acme()
    early, late = at(2026, 3, 1), at(2026, 5, 1)
    for repository in org.repositories_at(early):
        before = {item.number: item for item in repository.items(early)}
        after = {item.number: item for item in repository.items(late)}
        assert before.items() <= after.items()
        for item in before.values():
            assert list(item.happened(late))[: len(item.happened(early))] == list(item.happened(early))
            assert item.at(early).updated <= early


def test_every_item_has_an_id_of_its_own_that_no_32_bits_hold() -> None:
    org, instant = acme(repositories=40), at(2026, 11, 20)
    items = [item for repository in org.repositories_at(instant) for item in repository.items(instant)]
    assert len({item.issue_id for item in items}) == len(items)
    assert not {item.issue_id for item in items} & {item.pull_id for item in items}
    assert min(item.issue_id for item in items) > 2**31
    moments = [event.at for item in items for event in item.events]
    assert moments
    for item in items:
        times = [event.at for event in item.events]
        assert times == sorted(set(times))


def test_about_one_to_three_items_change_on_a_day_in_an_organisation_of_twelve() -> None:
    org, end = acme(), at(2026, 11, 1, 0)
    changed = 0
    for repository in org.repositories:
        for item in repository.items(end):
            days = {event.at // DAY for event in item.events if end - 90 * DAY <= event.at < end}
            changed += len(days)
    assert 1 <= changed / 90 <= 6


def test_people_join_leave_and_change_role() -> None:
    org = acme()
    days = [at(2026, 1, 1) + day * DAY for day in range(0, 330, 5)]
    members = [org.members(day) for day in days]
    joined = {who.login for before, after in itertools.pairwise(members) for who in after.keys() - before}
    left = {who.login for before, after in itertools.pairwise(members) for who in before.keys() - after}
    assert joined
    assert left
    assert {role for day in members for role in day.values()} == {"admin", "member"}
    assert any(org.outside_collaborators(a) != org.outside_collaborators(b) for a, b in itertools.pairwise(days))


def test_teams_are_nested_and_change() -> None:
    org = acme()
    early, late = at(2025, 1, 1), at(2026, 11, 1)
    engineering, platform = org.team("engineering", late), org.team("platform", late)
    assert engineering is not None
    assert platform is not None
    assert platform.parent is engineering
    people = org.team_people(engineering, late)
    assert any(inherited for _, inherited in people.values())
    assert {role for role, _ in people.values()} == {"maintainer", "member"}
    assert org.team_people(engineering, early).keys() != people.keys()
    assert org.team_repositories(engineering, early) != org.team_repositories(engineering, late)


@pytest.mark.parametrize("moment", [date(2025, 1, 15), date(2026, 1, 15), date(2026, 11, 20), date(2027, 6, 1)])
def test_every_plausible_present_has_a_past(moment: date) -> None:
    instant = at(moment.year, moment.month, moment.day)
    repositories = acme().repositories_at(instant)
    assert len(repositories) >= 9
    assert sum(len(repository.items(instant)) for repository in repositories) > 100
    assert sum(len(repository.alerts(instant)) for repository in repositories) > 20


def part(name: str, instant: int) -> Repository:
    found = acme().repository(name, instant)
    assert found is not None
    return found


def test_the_last_repositories_play_their_parts() -> None:
    now = at(2026, 11, 20)
    anvil = part("anvil", now)
    assert anvil.head(now) is None
    assert anvil.items(now) == []
    assert part("ledger-ui", now).traits.private
    assert part("relay", now).archived(at(2025, 3, 1))
    assert not part("harbor", now).archived(at(2026, 11, 1))
    assert part("harbor", now).archived(now)
    assert part("mosaic-docs", now).traits.alerts_enabled is False


def test_a_repository_changes_its_name_and_keeps_the_old_ones() -> None:
    org = acme()
    days = (at(2025, 9, 1), at(2025, 10, 1), at(2026, 4, 1), at(2026, 11, 20))
    repository = part("compass-operator", days[0])
    names = [repository.name(day) for day in days]
    assert len(set(names)) == 4
    for day in days:
        for name in names[: names.index(repository.name(day)) + 1]:
            assert org.repository(name, day) is not None
    assert org.repository(names[3], days[0]) is None


def test_an_archived_repository_stays_as_it_was() -> None:
    relay = part("relay", at(2026, 1, 1))
    early, late = at(2025, 3, 1), at(2026, 11, 1)
    assert [item.at(early) for item in relay.items(early)] == [item.at(late) for item in relay.items(late)]
    assert relay.pushed(early) == relay.pushed(late)


def test_alerts_are_fixed_dismissed_and_reopened() -> None:
    now = at(2026, 11, 20)
    turns = [
        [turn.state for turn in alert.turns if turn.at <= now]
        for repository in acme().repositories
        for alert in repository.alerts(now)
    ]
    assert ["fixed"] in turns
    assert ["dismissed"] in turns
    assert any(states[:2] == ["dismissed", "open"] for states in turns)
    assert ["auto_dismissed"] in turns


def test_traffic_follows_the_week_and_has_launches() -> None:
    growth = acme().repositories[0].growth
    first = date(2025, 1, 6)
    days = [(first + timedelta(days=offset)) for offset in range(364)]
    counts = [growth.traffic((day - date(1970, 1, 1)).days)[0].count for day in days]
    weekdays = [count for day, count in zip(days, counts, strict=True) if day.weekday() < 5]
    weekends = [count for day, count in zip(days, counts, strict=True) if day.weekday() >= 5]
    assert sum(weekdays) / len(weekdays) > 1.3 * sum(weekends) / len(weekends)
    assert max(counts) > 3 * sorted(counts)[len(counts) // 2]


def test_a_thousand_repositories_are_there_at_once_and_no_two_share_a_name_or_an_id() -> None:
    org = acme(repositories=1_000)
    now = at(2026, 11, 20)
    repositories = org.repositories_at(now)
    assert len(repositories) == 1_000
    assert len({repository.id for repository in repositories}) == 1_000
    assert len({repository.name(now) for repository in repositories}) == 1_000
    assert len({who.login for who in org.members(now)}) == len(org.members(now))


def test_several_organisations_share_nothing_but_the_community() -> None:
    world = World(1, ("acme", "globex"), 8)
    now = at(2026, 1, 1)
    acme_, globex = world.orgs["acme"], world.orgs["globex"]
    assert not {r.id for r in acme_.repositories} & {r.id for r in globex.repositories}
    assert not {who.id for who in acme_.members(now)} & {who.id for who in globex.members(now)}
