"""The recorded traffic of a real repository, fetched daily in windows and merged, equals the series to the number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from oss_datastore.settings import Settings
from oss_datastore_tests.parsed import parsed_home
from oss_datastore_tests.recorded.homes import after_close, at, environment, fetch_loop, rows, runner, same_store
from oss_datastore_tests.recorded.loading import load_windows
from oss_datastore_tests.recorded.recordings import needs_recordings
from oss_datastore_tests.recorded.replay import Replay
from oss_datastore_tests.recorded.traffic_world import (
    ORG,
    QUIET,
    REPO,
    TrafficWorld,
    cumulative,
    series,
    snapshot,
)

pytestmark = needs_recordings

FIRST, LAST = date(2020, 12, 14), date(2021, 4, 30)
WHOLE_FROM = date(2020, 12, 3)
"""The first fetch, of 2020-12-15, serves thirteen days before it, the first of them cut."""

ANSWER_SETS = ("organizations", "repositories", "traffic_views", "traffic_clones", "traffic_paths", "traffic_referrers")
MARTS = ("repo_traffic_daily", "repo_traffic_paths", "repo_traffic_referrers", "repo_popularity_daily")


@dataclass(frozen=True)
class Fetched:
    """A home whose store holds every day, and what its plans share."""

    home: Path
    replay: Replay
    queue_url: str


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Fetched]:
    home = tmp_path_factory.mktemp("traffic")
    world = TrafficWorld(after_close(FIRST))
    with Replay(world) as replay, environment(home, replay.url, ORG, postgres_url) as settings:
        loop = fetch_loop(settings)
        for day in days(FIRST, LAST):
            world.now = loop.clock.held = after_close(day)
            for name in ANSWER_SETS:
                report = loop.fetch(name, day)
                assert {d: set(c) for d, c in report.states.items()} == {name: {"complete"}}, (name, day)
        loop.github.close()
        yield Fetched(home, replay, postgres_url)


def test_the_series_comes_out_to_the_number_when_the_job_loads_the_last_days(fetched: Fetched, tmp_path: Path) -> None:
    with plan(fetched, tmp_path) as settings:
        load_windows([(FIRST, LAST - timedelta(days=3))], ANSWER_SETS, MARTS)
        at(after_close(LAST))
        asked = len(fetched.replay.asked)
        above = " or ".join(f'+key:"infomarts/{mart}"' for mart in MARTS)
        done = runner().run(LAST - timedelta(days=2), LAST, select=above)
        assert done.success, done.errors
        assert not any("traffic" in path for path in fetched.replay.asked[asked:])
        expect_the_series(settings)
        expect_lists_and_counters(settings)


@pytest.mark.soak
def test_the_series_comes_out_to_the_number_in_random_windows_some_of_them_twice(
    fetched: Fetched, tmp_path: Path
) -> None:
    chance = random.Random(20201214)
    cuts = sorted(chance.sample(days(FIRST + timedelta(days=1), LAST), 6))
    windows = [
        (a, b - timedelta(days=1)) for a, b in zip([FIRST, *cuts], [*cuts, LAST + timedelta(days=1)], strict=True)
    ]
    chance.shuffle(windows)
    with plan(fetched, tmp_path) as settings:
        load_windows([*windows, windows[2]], ANSWER_SETS, MARTS)
        expect_the_series(settings)
        expect_lists_and_counters(settings)


def test_ten_days_in_a_row_that_were_never_fetched_leave_no_hole(fetched: Fetched, tmp_path: Path) -> None:
    never = days(date(2021, 2, 3), date(2021, 2, 12))
    with plan(fetched, tmp_path, without=frozenset(never)) as settings:
        load_windows(
            [(never[-1] + timedelta(days=1), LAST), (FIRST, never[0] - timedelta(days=1))], ANSWER_SETS, MARTS[:1]
        )
        expect_the_series(settings)


def plan(fetched: Fetched, home: Path, *, without: frozenset[date] = frozenset()) -> AbstractContextManager[Settings]:
    same_store(fetched.home, parsed_home(home), without=without)
    return environment(
        home, fetched.replay.url, ORG, fetched.queue_url, OSS_DATASTORE_START_DATE=FIRST.isoformat(),
        OSS_DATASTORE_DATASETS="traffic_*",
    )  # fmt: skip


def expect_the_series(settings: Settings) -> None:
    for repo in (REPO, QUIET):
        views, clones = series("views", repo), series("clones", repo)
        expected = {d: (*views[d], *clones[d], "complete", True) for d in days(WHOLE_FROM, LAST)}
        found = rows(
            settings,
            "select traffic_date, views_count, views_uniques, clones_count, clones_uniques, data_state, is_final "
            f"from infomarts.repo_traffic_daily where full_name = '{ORG}/{repo}'",
        )
        merged = {row[0]: row[1:] for row in found}
        assert len(merged) == len(found)
        assert {d: r for d, r in merged.items() if d >= WHOLE_FROM} == expected
        assert not any(r[-1] for d, r in merged.items() if d < WHOLE_FROM)


def expect_lists_and_counters(settings: Settings) -> None:
    for kind, column in (("paths", "path"), ("referrers", "referrer")):
        found: dict[date, list[tuple[object, ...]]] = {}
        for day, *row in rows(
            settings,
            f"select day, {column}, views_count_14_days, views_uniques_14_days "
            f"from infomarts.repo_traffic_{kind} where full_name = '{ORG}/{REPO}' order by day, rank",
        ):
            found.setdefault(day, []).append(tuple(row))
        assert found == {
            d: [(r[column], r["count"], r["uniques"]) for r in snapshot(kind, after_close(d))]
            for d in days(FIRST, LAST)
        }
    counted = rows(
        settings,
        "select day, stargazers_count, forks_count from infomarts.repo_popularity_daily "
        f"where full_name = '{ORG}/{REPO}' and is_final order by day",
    )
    assert counted == [
        (d, cumulative("stars", after_close(d)), cumulative("forks", after_close(d))) for d in days(FIRST, LAST)
    ]


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
