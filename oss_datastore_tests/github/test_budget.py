"""Pacing uses what is allowed and no more; a limit stops everything it concerns."""

from __future__ import annotations

import contextlib
import threading
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_datastore.clock import Clock
from oss_datastore.github.budget import CONCURRENT, Budget, Budgets, Held, Timer
from oss_datastore.github.counters import epoch, http_date, pool_of
from oss_datastore_tests.github.scripted import NOON, VirtualTime


def budgets(passing: VirtualTime, *, pace: bool = True, longest_wait: float = 300.0) -> Budgets:
    return Budgets(Clock(NOON), passing.timer, pace, longest_wait)


def core(passing: VirtualTime, *, pace: bool = True, longest_wait: float = 300.0) -> Budget:
    return budgets(passing, pace=pace, longest_wait=longest_wait).of("key", "core")


def call(budget: Budget, headers: dict[str, str] | None = None, status: int = 200, **more: object) -> None:
    budget.settle(budget.acquire(), status=status, headers=headers or {}, **more)  # type: ignore[arg-type]


def counters(remaining: int, *, resets_in: float = 3000, limit: int = 5000) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(NOON.timestamp() + resets_in)),
    }


def most_in(seconds: float, moments: list[float]) -> int:
    return max(bisect_left(moments, moment + seconds) - index for index, moment in enumerate(moments))


def is_spaced(moments: list[float]) -> bool:
    """No two REST calls at once, and a sixteenth not within a second even where calls are squeezed by 60 ms."""
    return most_in(0.06, moments) == 1 and most_in(1.06, moments) <= 15


@pytest.mark.parametrize(
    ("pool", "allowed"),
    [("core", 900), ("graphql", 2000), ("search", 30), ("code_search", 10), ("dependency_sbom", 100)],
)
def test_no_minute_holds_more_calls_than_allowed_and_nine_tenths_are_used(
    passing: VirtualTime, pool: str, allowed: int
) -> None:
    budget = budgets(passing).of("key", pool)
    moments = []
    while passing.total < 600:
        lease = budget.acquire()
        moments.append(passing.now)
        budget.settle(lease, status=200, headers={})
    assert most_in(60.0, moments) <= allowed
    assert len(moments) >= 0.9 * allowed * 10


@given(st.lists(st.floats(0, 90), max_size=40), st.integers(1, 30))
def test_idle_time_is_never_saved_up_for_a_burst(idle: list[float], batch: int) -> None:
    passing = VirtualTime()
    budget = core(passing)
    moments = []
    for seconds in idle:
        passing.sleep(seconds)
        for _ in range(batch):
            lease = budget.acquire()
            moments.append(passing.now)
            budget.settle(lease, status=200, headers={})
    assert not moments or is_spaced(moments)


def test_eight_threads_share_one_pace() -> None:
    budget = Budgets(Clock(), Timer(), True, 300.0).of("key", "core")
    moments: list[float] = []
    began = Timer().monotonic()

    def work() -> None:
        while Timer().monotonic() - began < 2.0:
            lease = budget.acquire()
            moments.append(Timer().monotonic())
            Timer().sleep(0.1)
            budget.settle(lease, status=200, headers={})

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = max(moments) - began
    # Less than the virtual minutes above show: a busy machine wakes threads late.
    assert 0.8 * 15 * took <= len(moments) <= 15 * took + 1


def test_searches_and_other_rest_calls_keep_the_rest_pace_together(passing: VirtualTime) -> None:
    both = budgets(passing)
    moments = []
    for turn in range(200):
        lease = (budget := both.of("key", "search" if turn % 50 == 0 else "core")).acquire()
        moments.append(passing.now)
        budget.settle(lease, status=200, headers={})
    assert is_spaced(moments)


def test_a_costly_query_makes_the_next_ones_wait(passing: VirtualTime) -> None:
    budget = budgets(passing).of("key", "graphql")
    spent = 0
    while passing.total < 120:
        spent += budget.settle(budget.acquire(), status=200, headers={}, cost=20)
    assert 0.9 * 4000 <= spent <= 4000 + 20


def test_a_query_cheaper_than_expected_gives_back_what_was_set_aside(passing: VirtualTime) -> None:
    budget = budgets(passing).of("key", "graphql")
    while passing.total < 60:
        budget.settle(budget.acquire(20), status=200, headers={}, cost=1)
    assert budget.state().requests > 1800
    assert budget.state().points == budget.state().requests


def test_threads_that_wake_late_lose_no_pace(passing: VirtualTime) -> None:
    late = Timer(passing.monotonic, lambda seconds: passing.sleep(seconds + 0.008))
    budget = Budgets(Clock(NOON), late).of("key", "core")
    moments = []
    while passing.total < 120:
        lease = budget.acquire()
        moments.append(passing.now)
        budget.settle(lease, status=200, headers={})
    assert len(moments) >= 13.8 * 120
    assert is_spaced(moments)


def test_without_pacing_nothing_waits(passing: VirtualTime) -> None:
    budget = core(passing, pace=False)
    for _ in range(2000):
        call(budget)
    assert passing.total == 0


def test_two_tokens_have_budgets_of_their_own(passing: VirtualTime) -> None:
    both = budgets(passing)
    call(both.of("one", "core"), {"retry-after": "60"}, 403, limit="secondary")
    call(both.of("two", "core"))
    assert passing.total == 0


def test_an_exhausted_hour_lets_nothing_leave_until_the_reset(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, counters(0, resets_in=120))
    call(budget)
    assert 120 <= passing.total <= 123


def test_an_exhausted_hour_of_one_pool_does_not_hold_another(passing: VirtualTime) -> None:
    both = budgets(passing)
    call(both.of("key", "core"), counters(0, resets_in=120))
    call(both.of("key", "graphql"))
    assert passing.total == 0


def test_calls_in_flight_are_counted_against_what_remains(passing: VirtualTime) -> None:
    budget = core(passing, pace=False)
    call(budget, counters(2, resets_in=1000))
    budget.acquire()
    budget.acquire()
    polls = 0

    def sleep(seconds: float) -> None:
        nonlocal polls
        polls += 1
        if polls == 3:
            raise TimeoutError

    budget._account.timer = Timer(passing.monotonic, sleep)
    with pytest.raises(TimeoutError):
        budget.acquire()


def test_a_query_dearer_than_what_remains_waits_for_the_reset(passing: VirtualTime) -> None:
    budget = budgets(passing).of("key", "graphql")
    call(budget, counters(5, resets_in=100))
    budget.acquire(20)
    assert passing.total >= 100


def test_a_late_answer_does_not_bring_spent_calls_back(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, counters(7))
    call(budget, counters(9))
    assert budget.state().remaining == 7


def test_a_new_hour_brings_a_new_budget(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, counters(0, resets_in=10))
    call(budget, counters(4999, resets_in=3600))
    assert budget.state().remaining == 4999


def test_a_wait_longer_than_a_run_waits_ends_it_at_once_and_for_every_following_call(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, counters(0, resets_in=1800))
    for _ in range(5):
        with pytest.raises(Held) as held:
            budget.acquire()
        assert held.value.scope == "primary"
        assert timedelta(minutes=30) <= held.value.resume_at - NOON <= timedelta(minutes=30, seconds=2)
    assert passing.total == 0


def test_a_run_that_gave_up_stays_so_even_when_little_of_the_wait_is_left(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, counters(0, resets_in=301))
    with pytest.raises(Held):
        budget.acquire()
    passing.sleep(200)
    with pytest.raises(Held):
        budget.acquire()
    passing.sleep(103)
    call(budget)


def test_a_clock_of_ours_that_is_wrong_changes_no_wait(passing: VirtualTime) -> None:
    budget = Budgets(Clock(NOON - timedelta(hours=5)), passing.timer).of("key", "core")
    call(budget, {**counters(0, resets_in=60), "date": format_datetime(NOON, usegmt=True)})
    call(budget)
    assert 60 <= passing.total <= 63


def test_the_counters_of_a_server_fault_are_not_believed(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, {**counters(0), "retry-after": "3600"}, 502)
    call(budget)
    assert passing.total < 1


def test_retry_after_is_kept_to_the_second(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, {"retry-after": "7"}, 403, limit="secondary")
    call(budget)
    assert 7 <= passing.total < 8


def test_retry_after_may_be_a_date(passing: VirtualTime) -> None:
    budget = core(passing)
    until = format_datetime(NOON + timedelta(seconds=8), usegmt=True)
    call(budget, {"retry-after": until, "date": format_datetime(NOON, usegmt=True)}, 429, limit="secondary")
    call(budget)
    assert 8 <= passing.total < 9


def test_a_secondary_limit_without_a_time_doubles_from_a_minute_and_ends_within_five(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, {}, 403, limit="secondary")
    call(budget, {}, 403, limit="secondary")
    assert 60 <= passing.total < 61
    call(budget, {}, 403, limit="secondary")
    assert 180 <= passing.total < 182
    with pytest.raises(Held) as held:
        budget.acquire()
    assert held.value.scope == "secondary"
    assert passing.total < 182


def test_a_secondary_limit_holds_every_pool_of_the_token(passing: VirtualTime) -> None:
    both = budgets(passing)
    call(both.of("key", "core"), {}, 403, limit="secondary")
    call(both.of("key", "graphql"))
    assert passing.total >= 60


def test_answers_to_calls_that_were_under_way_do_not_double_the_wait(passing: VirtualTime) -> None:
    budget = core(passing, pace=False)
    leases = [budget.acquire() for _ in range(8)]
    for lease in leases:
        budget.settle(lease, status=403, headers={}, limit="secondary")
    call(budget)
    assert 60 <= passing.total < 61


def test_a_limit_that_keeps_coming_back_with_no_wait_still_ends(passing: VirtualTime) -> None:
    budget = core(passing)
    answers = 0
    with contextlib.suppress(Held):
        while answers < 20:
            call(budget, {"retry-after": "0"}, 429, limit="secondary")
            answers += 1
    assert 5 <= answers < 20
    assert passing.total <= 300


def test_after_a_limit_one_call_goes_ahead_and_the_others_wait_for_it(passing: VirtualTime) -> None:
    budget = core(passing, pace=False)
    call(budget, {"retry-after": "5"}, 429, limit="secondary")
    probe = budget.acquire()
    went: list[float] = []
    waiting = threading.Thread(target=lambda: (budget.acquire(), went.append(1.0)))
    budget._account.timer = Timer(passing.monotonic, lambda seconds: threading.Event().wait(0.001))
    waiting.start()
    threading.Event().wait(0.03)
    assert not went
    budget.settle(probe, status=200, headers={})
    waiting.join(5)
    assert went


def test_no_more_than_a_hundred_calls_are_under_way(passing: VirtualTime) -> None:
    both = Budgets(Clock(NOON), Timer(passing.monotonic, lambda seconds: threading.Event().wait(0.001)), pace=False)
    leases = [both.of("key", "core" if turn % 2 else "graphql").acquire() for turn in range(CONCURRENT)]
    went: list[int] = []
    more = threading.Thread(target=lambda: (both.of("key", "core").acquire(), went.append(1)))
    more.start()
    threading.Event().wait(0.03)
    assert not went
    both.of("key", "core").settle(leases[1], status=200, headers={})
    more.join(5)
    assert went


def test_points_are_read_off_the_counters_where_the_answer_does_not_tell(passing: VirtualTime) -> None:
    budget = budgets(passing).of("key", "graphql")
    assert budget.settle(budget.acquire(), status=200, headers=counters(4000), cost=None) == 1
    assert budget.settle(budget.acquire(), status=200, headers=counters(3988), cost=None) == 12
    assert budget.settle(budget.acquire(), status=200, headers={}, cost=None) == 1
    assert budget.settle(budget.acquire(), status=200, headers=counters(3980), cost=3) == 3
    assert budget.state().points == 17


def test_counters_of_another_resource_are_not_ours(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, {**counters(0), "x-ratelimit-resource": "code_scanning_upload"})
    call(budget)
    assert budget.state().remaining is None


def test_calls_that_a_server_takes_from_another_budget_are_missing_there(passing: VirtualTime) -> None:
    both = budgets(passing)
    call(both.of("key", "core"), counters(9))
    call(both.of("key", "dependency_sbom"), {**counters(0), "x-ratelimit-resource": "core"})
    with pytest.raises(Held):
        both.of("key", "core").acquire()
    call(both.of("key", "dependency_sbom"))


def test_the_state_says_what_is_left(passing: VirtualTime) -> None:
    budget = core(passing)
    call(budget, counters(4321, resets_in=600))
    state = budget.state()
    assert (state.token_key, state.pool, state.limit, state.remaining, state.requests) == ("key", "core", 5000, 4321, 1)
    assert state.resets_at is not None
    assert timedelta(seconds=599) <= state.resets_at - NOON <= timedelta(seconds=602)
    assert state.blocked_until is None


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "{{now}}", "1.5", "²", "9" * 40])
def test_a_value_that_is_no_number_is_none(text: str | None) -> None:
    assert epoch(text) is None


def test_a_reset_in_milliseconds_is_not_taken_for_seconds() -> None:
    assert epoch("1507651200000") == datetime(2017, 10, 10, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "{{now timezone='GMT'}}", "Tue, 99 Foo 2020"])
def test_a_date_that_is_none_is_none(text: str | None) -> None:
    assert http_date(text) is None


@pytest.mark.parametrize(
    ("path", "pool"),
    [
        ("/repos/o/r/issues?q=/search/", "core"),
        ("/search/issues", "search"),
        ("/api/v3/search/code", "code_search"),
        ("/repos/o/r/dependency-graph/sbom", "dependency_sbom"),
        ("/repos/search/issues", "core"),
    ],
)
def test_github_counts_some_addresses_apart(path: str, pool: str) -> None:
    assert pool_of(f"https://api.github.com{path}") == pool
