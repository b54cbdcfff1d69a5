"""What GitHub says of its limits when asked, and that a budget which knows them never meets one."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from oss_datastore.clock import Clock
from oss_datastore.github import GitHub, RateLimited, Unauthorized
from oss_datastore.github.budget import Budgets, Held, Lease
from oss_datastore_tests.github.conftest import Make
from oss_datastore_tests.github.scripted import NOON, Scripted, Server, VirtualTime


def told(**pools: tuple[int, int, float]) -> Scripted:
    resources = {
        pool: {"limit": limit, "used": limit - left, "remaining": left, "reset": int(NOON.timestamp() + resets_in)}
        for pool, (limit, left, resets_in) in pools.items()
    }
    return Scripted({"resources": resources, "rate": resources.get("core", {})})


def test_the_limits_are_known_before_the_first_call(server: Server, github: GitHub) -> None:
    server.script(told(core=(15000, 14000, 1800), graphql=(10000, 9990, 600), scim=(10, 10, 60)))
    limits = github.limits("acme")
    assert limits is not None
    assert {pool: (state.limit, state.remaining) for pool, state in limits.items()} == {
        "core": (15000, 14000),
        "graphql": (10000, 9990),
    }
    assert limits["core"].resets_at == NOON + timedelta(seconds=1801)
    assert server.paths == ["/rate_limit"]
    assert {pool: state.remaining for (_, pool), state in github.budget.items()} == {"core": 14000, "graphql": 9990}


def test_a_budget_that_is_spent_is_known_without_one_refused_call(server: Server, github: GitHub) -> None:
    server.script(told(core=(5000, 0, 1800), graphql=(5000, 0, 1800)))
    github.limits()
    for ask in (lambda: github.get("/x"), lambda: github.query("q", {})):
        with pytest.raises(RateLimited) as caught:
            ask()
        assert caught.value.resume_at == NOON + timedelta(seconds=1801)
    assert server.paths == ["/rate_limit"]
    github.limits()
    assert len(server.paths) == 2


def test_asking_for_the_limits_spends_nothing_of_them(server: Server, github: GitHub) -> None:
    server.script(told(core=(5000, 7, 1800)))
    for _ in range(20):
        github.limits()
    server.script(Scripted({"a": 1}))
    assert github.get("/x").payload == {"a": 1}


@pytest.mark.parametrize("message", ["Rate limiting is not enabled.", "Not Found"])
def test_a_server_without_limits_has_none(server: Server, github: GitHub, message: str) -> None:
    server.script(Scripted({"message": message}, 404))
    assert github.limits() is None


def test_an_answer_of_another_form_tells_nothing(server: Server, github: GitHub) -> None:
    server.script(Scripted({"resources": {"core": {"limit": 5000}, "graphql": None, "search": {"limit": "many"}}}))
    assert github.limits() == {}


def test_a_refused_token_is_an_error_here_too(server: Server, github: GitHub) -> None:
    server.script(Scripted({"message": "Bad credentials"}, 401))
    with pytest.raises(Unauthorized):
        github.limits()


@dataclass
class Hourly:
    """GitHub's own count: so many calls in each hour from the first one on."""

    passing: VirtualTime
    limit: int = 5000
    left: int = 5000
    ends: float = 0.0

    @property
    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passing.total)

    def look(self) -> tuple[int, datetime]:
        """What is left, and when the count begins anew."""
        if self.passing.total >= self.ends:
            self.left, self.ends = self.limit, self.passing.total + 3600
        return self.left, NOON + timedelta(seconds=int(self.ends) + 1)

    def serve(self, points: int = 1) -> dict[str, str]:
        """Counts a call; the headers it is answered with."""
        left, reset = self.look()
        assert left >= points, "asked although nothing was left"
        self.left -= points
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.left),
            "x-ratelimit-reset": str(int(reset.timestamp())),
            "date": format_datetime(self.now, usegmt=True),
        }


@pytest.mark.parametrize("together", [1, 8])
def test_twenty_thousand_calls_at_five_thousand_an_hour_meet_no_limit_and_no_run_waits_for_one(
    passing: VirtualTime, together: int
) -> None:
    hourly, dice, made, runs = Hourly(passing), random.Random(1), 0, 0
    while made < 20_000:
        runs += 1
        budget = Budgets(Clock(NOON), passing.timer).of("key", "core")
        left, reset = hourly.look()
        budget.learn(hourly.limit, left, reset, hourly.now)
        try:
            while made < 20_000:
                under_way: list[tuple[Lease, dict[str, str]]] = []
                for _ in range(max(1, min(together, hourly.look()[0]))):
                    before = passing.total
                    lease = budget.acquire()
                    assert passing.total - before < 1
                    under_way.append((lease, hourly.serve()))
                # Answers overtake each other.
                dice.shuffle(under_way)
                for lease, headers in under_way:
                    budget.settle(lease, status=200, headers=headers)
                    made += 1
        except Held as held:
            assert passing.total == before
            assert not under_way
            wait = (held.resume_at - NOON).total_seconds()
            assert wait > 300
            passing.sleep(wait)
    assert runs == 4
    # Three full hours to wait for, and the pace in the last.
    assert passing.total <= 3 * 3605 + 5000 / 13.5


def test_a_wait_of_less_than_five_minutes_is_waited_for_and_met_with_no_limit(passing: VirtualTime) -> None:
    hourly = Hourly(passing, left=100, ends=280)
    budget = Budgets(Clock(NOON), passing.timer).of("key", "core")
    left, reset = hourly.look()
    budget.learn(hourly.limit, left, reset, hourly.now)
    for _ in range(300):
        lease = budget.acquire()
        budget.settle(lease, status=200, headers=hourly.serve())
    assert 280 < passing.total < 300


def test_a_query_whose_cost_is_known_leaves_only_where_that_is_left(passing: VirtualTime) -> None:
    hourly = Hourly(passing)
    budget = Budgets(Clock(NOON), passing.timer).of("key", "graphql")
    for _ in range(5000 // 7):
        budget.settle(budget.acquire(7), status=200, headers=hourly.serve(7), cost=7)
    assert hourly.left == 2
    with pytest.raises(Held):
        budget.acquire(7)


def test_a_query_is_taken_to_cost_what_it_cost_at_its_dearest(server: Server, make: Make) -> None:
    github = make()

    def answered(cost: int, left: int) -> Scripted:
        reset = str(int(NOON.timestamp()) + 1800)
        headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": reset}
        return Scripted({"data": {"rateLimit": {"cost": cost}}}, headers=headers)

    server.script(answered(20, 40), answered(1, 19))
    for _ in range(2):
        github.query("q", {})
    with pytest.raises(RateLimited):
        github.query("q", {})
    assert len(server.received) == 2


def test_all_limits_together_are_waited_for_no_longer_than_five_minutes(passing: VirtualTime) -> None:
    """Fifty lists, each of which meets a limit of a minute: the sixth wait is not waited for any more."""
    both, held = Budgets(Clock(NOON), passing.timer), 0
    for turn in range(50):
        budget = both.of(f"token {turn % 2}", "core" if turn % 3 else "graphql")
        try:
            lease = budget.acquire()
        except Held:
            held += 1
            continue
        budget.settle(lease, status=403, headers={"retry-after": "60"}, limit="secondary")
    assert 240 <= passing.total <= 300
    assert held > 30


def test_what_is_kept_is_left_alone_while_the_rest_may_be_spent(passing: VirtualTime) -> None:
    hourly = Hourly(passing)
    budget = Budgets(Clock(NOON), passing.timer, pace=False).of("key", "core")
    left, reset = hourly.look()
    budget.learn(hourly.limit, left, reset, hourly.now)
    budget.keep(4990)
    for _ in range(10):
        budget.settle(budget.acquire(), status=200, headers=hourly.serve())
    with pytest.raises(Held) as held:
        budget.acquire()
    assert held.value.scope == "primary"
    assert (passing.total, hourly.left) == (0, 4990)
    budget.keep(0)
    budget.settle(budget.acquire(), status=200, headers=hourly.serve())
    assert hourly.left == 4989
