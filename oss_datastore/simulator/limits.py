"""Rate limits as GitHub enforces them: the hourly budget of a token, and the secondary limits on haste.

Windows are measured in real time, which a held calendar does not hold and a moved one moves on; what clients are told
is in terms of the calendar.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

SECONDARY_TEXT = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
    "For more on scraping GitHub and how it may affect your rights, please review our Terms of Service."
)


@dataclass(frozen=True)
class Limits:
    """How much is allowed. The variants of the secondary answer take turns: with `retry-after`, with nothing but
    its text, and with `remaining` 0."""

    core: int = 5_000
    graphql: int = 5_000
    search: int = 30
    installation: int = 5_000
    anonymous: int = 60
    window_seconds: float = 3_600.0
    search_window_seconds: float = 60.0
    primary_status: int = 403
    points_per_minute: int = 900
    graphql_points_per_minute: int = 2_000
    concurrent: int = 100
    secondary_window_seconds: float = 60.0
    secondary_status: int = 403
    secondary_variants: tuple[str, ...] = ("retry-after", "bare", "remaining-zero")
    block_seconds: float = 60.0
    graphql_error_types: tuple[str, ...] = ("RATE_LIMITED", "RATE_LIMIT")


@dataclass
class Pool:
    """A token's budget of one resource within a window."""

    limit: int
    window: float
    used: int = 0
    ends: float = 0.0

    def roll(self, real: float) -> None:
        """Begins a new window once the old one is over."""
        if real >= self.ends:
            self.used, self.ends = 0, real + self.window

    @property
    def remaining(self) -> int:
        """What is left; never below nothing."""
        return max(0, self.limit - self.used)


@dataclass
class Block:
    """A token in the corner: until when, in which words it is told, and when it is told that it ends."""

    until: float
    variant: str
    told: float


@dataclass
class Gate:
    """Keeps the books on every token."""

    limits: Limits
    in_flight: int = 0
    blocked_requests: int = 0
    _pools: dict[tuple[str, str], Pool] = field(default_factory=dict)
    _points: dict[tuple[str, str], deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _blocks: dict[str, Block] = field(default_factory=dict)
    _turns: int = 0
    _wider: dict[str, int] = field(default_factory=dict)

    def allow(self, token: str, limit: int) -> None:
        """Gives a token another hourly limit than the ordinary one."""
        self._wider[token] = limit

    def pool(self, token: str, resource: str, real: float) -> Pool:
        """A token's budget of `core`, `graphql` or `search`."""
        pool = self._pools.get((token, resource))
        if pool is None:
            limits = self.limits
            limit = {"core": limits.core, "graphql": limits.graphql, "search": limits.search}[resource]
            if token in self._wider and resource != "search":
                limit = self._wider[token]
            window = limits.search_window_seconds if resource == "search" else limits.window_seconds
            pool = self._pools[token, resource] = Pool(limits.anonymous if token == "" else limit, window)
        pool.roll(real)
        return pool

    def haste(self, token: str, family: str, points: int, real: float) -> Block | None:
        """Counts a request; the block it meets or causes, if any. Calls during a block make it longer."""
        block = self._blocks.get(token)
        if block is not None:
            if real < block.until:
                self.blocked_requests += 1
                block.told = real + self.limits.block_seconds
                block.until = max(block.until, block.told)
                return block
            del self._blocks[token]
        recent = self._points[token, family]
        while recent and recent[0] <= real - self.limits.secondary_window_seconds:
            recent.popleft()
        recent.extend([real] * points)
        graphql = family == "/graphql"
        allowed = self.limits.graphql_points_per_minute if graphql else self.limits.points_per_minute
        if len(recent) > allowed or self.in_flight > self.limits.concurrent:
            return self.block(token, real)
        return None

    def block(self, token: str, real: float, variant: str | None = None, times: int = 1) -> Block:
        """Sends a token to the corner, in these or the next variant's words, for some `times` as long as usual."""
        if variant is None:
            variants = self.limits.secondary_variants
            variant = variants[self._turns % len(variants)]
            self._turns += 1
        once = self.limits.block_seconds
        block = Block(real + times * once, variant, real + once)
        self._blocks[token] = block
        return block

    def graphql_error_type(self) -> str:
        """The type of the next exhaustion error: both spellings have been seen in the wild."""
        self._turns += 1
        return self.limits.graphql_error_types[self._turns % len(self.limits.graphql_error_types)]
