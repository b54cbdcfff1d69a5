"""How much may be asked, and when: pacing, limits and what was spent, per token and pool.

Only time and counts belong here: what an answer means is `classification.py`, how it is sent is `wire.py`.

A token has one `Account` with what all its calls share (calls in flight, a secondary limit) and one `Budget` for each
pool GitHub counts apart (core, graphql, search, ...). Figures are those of GitHub's documentation of rate limits.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from oss_datastore.clock import Clock
from oss_datastore.github.classification import Limit
from oss_datastore.github.counters import count, epoch, http_date, named_wait
from oss_datastore.github.pacing import Pacers

log = logging.getLogger(__name__)

CONCURRENT = 100
SECONDARY_WAIT = 60.0
"""Seconds to stay away after a secondary limit that names no time; doubled each time it comes back."""
_SAME_WINDOW = 30.0
_NAP = 5.0
_POLL = 0.01


@dataclass(frozen=True)
class Timer:
    """How time passes: real, or virtual in tests. The calendar is `Clock`; this is for durations."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class BudgetState:
    """What is known of one token's pool, for people."""

    token_key: str
    pool: str
    limit: int | None
    """Per window (an hour, a minute for searches), as GitHub last said."""
    remaining: int | None
    resets_at: datetime | None
    blocked_until: datetime | None
    requests: int
    """Sent by this process."""
    points: int
    """GraphQL points spent by this process."""


@dataclass(frozen=True)
class Lease:
    """The right to send one call."""

    points: int
    epochs: tuple[int, int]
    probe: bool


class Held(Exception):
    """A limit lasts longer than a run may still wait: no call leaves until then."""

    def __init__(self, scope: Limit, resume_at: datetime) -> None:
        super().__init__(f"{scope} rate limit until {resume_at:%Y-%m-%d %H:%M:%S} UTC")
        self.scope = scope
        self.resume_at = resume_at


@dataclass
class _Block:
    """A time in which no call may leave, and how often it came back."""

    scope: Limit
    until: float = 0.0
    strikes: int = 0
    epoch: int = 0
    """Grows with each block, so that answers to calls that left before it are not taken for calls that ignored it."""
    given_up: bool = False
    probing: bool = False

    def open(self, until: float) -> None:
        if not self.strikes:
            self.given_up = False
        self.until = max(self.until, until)

    def clear(self) -> None:
        self.strikes, self.until, self.given_up = 0, 0.0, False


class Patience:
    """How long a client may still wait for limits: all tokens, pools and blocks together.

    A moment in which several calls wait is counted once. Without such a sum each of fifty lists would wait its five
    minutes anew.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._granted_until = float("-inf")
        self._lock = threading.Lock()

    def grants(self, now: float, until: float) -> bool:
        """Whether a call may wait until then; if so, the wait is booked."""
        with self._lock:
            more = until - max(now, self._granted_until)
            if more > self._left:
                return False
            if more > 0:
                self._left -= more
                self._granted_until = until
            return True


class Account:
    """What all calls of one token share."""

    def __init__(self, token_key: str, *, clock: Clock, timer: Timer, pace: bool, patience: Patience) -> None:
        self.token_key = token_key
        self.clock = clock
        self.timer = timer
        self.pace = pace
        self.patience = patience
        self.lock = threading.Lock()
        self.in_flight = 0
        self.block = _Block("secondary")
        self.pacers = Pacers()
        self._budgets: dict[str, Budget] = {}

    def budget(self, pool: str) -> Budget:
        with self.lock:
            if pool not in self._budgets:
                self._budgets[pool] = Budget(self, pool)
            return self._budgets[pool]

    def known(self, pool: str) -> Budget | None:
        """The budget of a pool that was asked before; the caller holds the lock."""
        return self._budgets.get(pool)

    def budgets(self) -> list[Budget]:
        with self.lock:
            return list(self._budgets.values())


class Budget:
    """One token's pool. Thread safe: `acquire` before each call, `settle` after it, always both."""

    def __init__(self, account: Account, pool: str) -> None:
        self.pool = pool
        self._account = account
        self._block = _Block("primary")
        self._limit: int | None = None
        self._remaining: int | None = None
        self._window_ends = 0.0
        self._points_in_flight = 0
        self._kept = 0
        self._requests = 0
        self._points = 0

    def acquire(self, points: int = 1) -> Lease:
        """Wait until a call may leave. Raises Held at once where that would take longer than a run waits."""
        account = self._account
        while True:
            with account.lock:
                now = account.timer.monotonic()
                pause = self._hindrance(now, points)
                if pause <= 0 and account.pace:
                    # Nobody reserves a moment: the first thread awake takes it, and what one oversleeps is not lost.
                    pause = account.pacers.free_at(self.pool) - now
                if pause <= 0:
                    return self._depart(now, points)
            account.timer.sleep(min(pause, _NAP))

    def settle(
        self,
        lease: Lease,
        *,
        status: int | None,
        headers: Mapping[str, str],
        limit: Limit | None = None,
        cost: int | None = 0,
    ) -> int:
        """Book what came back (status None: nothing did) and return the points it cost.

        `cost` None means that the answer does not tell: the points are read off the counters in the headers.
        """
        account = self._account
        with account.lock:
            now = account.timer.monotonic()
            account.in_flight -= 1
            self._points_in_flight -= lease.points
            self._requests += 1
            if lease.probe:
                account.block.probing = self._block.probing = False
            spent = 0
            # The counters and times of a 5xx come from whatever failed on the way; nothing may wait for them.
            if status is not None and status < 500:
                server_now = http_date(headers.get("date")) or account.clock.now()
                counted = self._observe(now, headers, server_now)
                spent = (counted or 1) if cost is None else cost
                if limit is not None:
                    self._strike(now, lease, limit, headers, server_now)
                else:
                    self._recover(lease)
            self._points += spent
            if spent:
                account.pacers.correct(self.pool, now, spent - lease.points)
            return spent

    def state(self) -> BudgetState:
        account = self._account
        with account.lock:
            now = account.timer.monotonic()
            today = account.clock.now()
            open_window = self._window_ends > now
            blocked = max(account.block.until, self._block.until)
            return BudgetState(
                token_key=account.token_key,
                pool=self.pool,
                limit=self._limit,
                remaining=self._remaining if open_window else self._limit,
                resets_at=today + timedelta(seconds=self._window_ends - now) if open_window else None,
                blocked_until=today + timedelta(seconds=blocked - now) if blocked > now else None,
                requests=self._requests,
                points=self._points,
            )

    def _hindrance(self, now: float, points: int) -> float:
        """Seconds to wait before asking again; 0 where nothing hinders. Called under the lock."""
        account = self._account
        for block in (account.block, self._block):
            if block.until > now:
                # Given up once, it stays so: the rest of a run would trickle out of what is left of the wait.
                if block.given_up or not account.patience.grants(now, block.until):
                    block.given_up = True
                    raise Held(block.scope, account.clock.now() + timedelta(seconds=block.until - now))
                return block.until - now
            if block.strikes and block.given_up:
                block.clear()
            # One call finds out whether the limit is over; the others would all be punished for it.
            if block.strikes and block.probing:
                return _POLL
        if account.in_flight >= CONCURRENT:
            return _POLL
        if self._remaining is not None and self._window_ends > now:
            free = self._remaining - self._kept
            if free - self._points_in_flight >= points:
                return 0.0
            if free >= points:
                return _POLL
            if self._remaining >= points:
                if account.patience.grants(now, self._window_ends):
                    return self._window_ends - now
                raise Held("primary", account.clock.now() + timedelta(seconds=self._window_ends - now))
            self._block.open(self._window_ends)
            self._tell(self._block, now)
            return self._hindrance(now, points)
        return 0.0

    def keep(self, points: int) -> None:
        """From now on so many are left alone: they belong to calls that must not come too late."""
        with self._account.lock:
            self._kept = points

    def learn(self, limit: int, remaining: int, reset: datetime, server_now: datetime) -> None:
        """Take in what GitHub says of this pool when asked for its limits."""
        with self._account.lock:
            self._count(self._account.timer.monotonic(), limit, remaining, reset, server_now)

    def _depart(self, now: float, points: int) -> Lease:
        account = self._account
        account.pacers.take(self.pool, now, points)
        probe = False
        for block in (account.block, self._block):
            if block.strikes:
                block.probing = probe = True
        account.in_flight += 1
        self._points_in_flight += points
        return Lease(points, (account.block.epoch, self._block.epoch), probe)

    def _observe(self, now: float, headers: Mapping[str, str], server_now: datetime) -> int | None:
        """Read the counters; the points since the last answer where they tell, else None."""
        pool = headers.get("x-ratelimit-resource", self.pool)
        limit, remaining = count(headers.get("x-ratelimit-limit")), count(headers.get("x-ratelimit-remaining"))
        reset = epoch(headers.get("x-ratelimit-reset"))
        if remaining is None or reset is None:
            return None
        if pool != self.pool:
            # A server that does not count such calls apart takes them from a budget of ours all the same.
            other = self._account.known(pool)
            if other is not None:
                other._count(now, limit, remaining, reset, server_now)
            return None
        return self._count(now, limit, remaining, reset, server_now)

    def _count(
        self, now: float, limit: int | None, remaining: int, reset: datetime, server_now: datetime
    ) -> int | None:
        # The server's own clock, where it tells it: ours may be wrong. Its seconds are cut, hence the one more.
        ends = now + (reset - server_now).total_seconds() + 1.0
        if ends <= now:
            return None
        same_window = limit == self._limit and self._window_ends > now and abs(ends - self._window_ends) <= _SAME_WINDOW
        before, self._limit = self._remaining, limit
        if same_window and before is not None:
            # Answers overtake each other: in one window only the smallest figure is the newest.
            self._remaining = min(before, remaining)
            return before - self._remaining or None
        self._remaining, self._window_ends = remaining, ends
        return None

    def _strike(self, now: float, lease: Lease, limit: Limit, headers: Mapping[str, str], server_now: datetime) -> None:
        block = self._account.block if limit == "secondary" else self._block
        departed_in = lease.epochs[0 if limit == "secondary" else 1]
        if departed_in == block.epoch:
            again = block.strikes
            if not again:
                block.given_up = False
            block.strikes += 1
            block.epoch += 1
        else:
            again = max(block.strikes - 1, 0)
        wait = named_wait(limit, headers, server_now)
        wait = SECONDARY_WAIT * 2**again if wait is None else max(wait, 1.0 * 2**again)
        block.open(now + wait)
        self._tell(block, now)

    def _recover(self, lease: Lease) -> None:
        for block, departed_in in zip((self._account.block, self._block), lease.epochs, strict=True):
            if block.strikes and departed_in == block.epoch:
                block.clear()

    def _tell(self, block: _Block, now: float) -> None:
        log.info(
            "token %s: %s rate limit of %s, no calls for %.0f s",
            self._account.token_key,
            block.scope,
            self.pool,
            block.until - now,
        )


@dataclass
class Budgets:
    """All budgets of a client, which waits `longest_wait` seconds for limits in sum."""

    clock: Clock
    timer: Timer = field(default_factory=Timer)
    pace: bool = True
    longest_wait: float = 300.0
    _accounts: dict[str, Account] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _patience: Patience = field(init=False)

    def __post_init__(self) -> None:
        self._patience = Patience(self.longest_wait)

    def of(self, token_key: str, pool: str) -> Budget:
        """The one budget of this token and pool."""
        with self._lock:
            if token_key not in self._accounts:
                self._accounts[token_key] = Account(
                    token_key, clock=self.clock, timer=self.timer, pace=self.pace, patience=self._patience
                )
            account = self._accounts[token_key]
        return account.budget(pool)

    def states(self) -> list[BudgetState]:
        with self._lock:
            accounts = list(self._accounts.values())
        return [budget.state() for account in accounts for budget in account.budgets()]
