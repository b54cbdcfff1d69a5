"""Plans beside what they are of: what each token may still ask, and plans kept in the raw store for `status`.

    plans/load_date=D/<moment>.json

How a plan is summed up is `planner`; what is gathered for it is `fetch`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import orjson

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.github import BudgetState, GitHub, GitHubError, RateLimited
from oss_datastore.github.counters import pool_of
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.ledger import LedgerEntry, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import GRAPHQL, HOURLY, Cost, DayPlan, Purse, minute
from oss_datastore.staging.store import RawStore

PREFIX = "plans"


@dataclass
class Purses:
    """The budgets of the organisations' tokens; asked for once, and counted on by the client from then on."""

    github: GitHub
    organizations: Sequence[str]
    _tokens: dict[str, str] | None = field(default=None, init=False)
    _kept: Mapping[tuple[str, str], int] = field(default_factory=dict, init=False)

    def token_of(self, organization: str) -> str | None:
        """The key of the token that asks for an organisation; None where no limit of it is known."""
        if self._tokens is None:
            self._tokens = {}
            for login in self.organizations:
                # What is wrong with token or host is told by the first question that needs an answer.
                with suppress(GitHubError):
                    for state in (self.github.limits(login) or {}).values():
                        self._tokens[login.lower()] = state.token_key
        return self._tokens.get(organization.lower())

    def keep(self, points: Mapping[tuple[str, str], int]) -> None:
        """Leaves so much of each (token, pool) alone, and whatever was kept before no longer."""
        self.github.keep({**dict.fromkeys(self._kept, 0), **points})
        self._kept = points

    @property
    def are_limited(self) -> bool:
        """Whether any token has limits."""
        return any(self.token_of(login) for login in self.organizations)

    def now(self) -> tuple[Purse, ...]:
        """What each token's hourly pools may still ask at this moment."""
        speaks_for: dict[str, list[str]] = {}
        for login in self.organizations:
            token = self.token_of(login)
            if token is not None:
                speaks_for.setdefault(token, []).append(login)
        known = self.github.budget
        return tuple(
            Purse(tuple(logins), pool, state.limit, state.remaining, state.resets_at)
            for token, logins in speaks_for.items()
            for pool in HOURLY
            if (state := known.get((token, pool))) and state.limit is not None and state.remaining is not None
        )

    def why_held(self, error: GitHubError, organization: str) -> str:
        """What of the hour's budget is spent and when there is more, for whoever reads why a scope is pending."""
        pool = GRAPHQL if error.request.api == "v4" else pool_of(error.request.url)
        purse = (self.token_of(organization) or "", pool)
        state: BudgetState | None = self.github.budget.get(purse)
        if not isinstance(error, RateLimited) or error.scope != "primary" or pool not in HOURLY:
            return str(error)
        if state is None or state.limit is None or state.remaining is None:
            return str(error)
        what = "hourly GraphQL points" if pool == GRAPHQL else "hourly budget"
        kept = ", the rest is kept for what expires sooner" if state.remaining and self._kept.get(purse) else ""
        spent = f"{state.limit - state.remaining:,} of {state.limit:,} spent{kept}"
        return f"GitHub's {what}: {spent}, next at {minute(error.resume_at)} UTC"


def keep(store: RawStore, plan: DayPlan) -> None:
    """Keeps a plan for `status`."""
    store.put_if_absent(
        f"{PREFIX}/load_date={plan.day.isoformat()}/{plan.made}.json",
        orjson.dumps(plan.as_dict(), option=orjson.OPT_INDENT_2),
    )


def last_plan(store: RawStore, day: date) -> DayPlan | None:
    """The plan that was made last of a day; None where there was nothing to plan."""
    keys = sorted(store.list(f"{PREFIX}/load_date={day.isoformat()}/"))
    return DayPlan.from_dict(orjson.loads(store.get(keys[-1]))) if keys else None


def spent_since(staging: Staging, day: date, generation: str) -> Cost:
    """REST requests and GraphQL points that the ledger of a day counts from a moment on, named as generations are."""
    spent = Cost()
    for name in ANSWER_SETS:
        for entry in staging.ledger(name, day).values():
            if entry.generation > generation:
                spent += Cost(0 if entry.points else entry.requests, entry.points)
    return spent


@dataclass(frozen=True)
class Waiting:
    """Scopes of a dataset and day that were left for a later run, why, and until when they can be had."""

    day: date
    dataset: str
    scopes: int
    why: str
    until: datetime | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        until = self.until.isoformat() if self.until else None
        return {**asdict(self), "day": self.day.isoformat(), "until": until}


def waiting(missing: Iterable[LedgerEntry]) -> list[Waiting]:
    """Pending scopes by day and dataset, what is lost first on top; the reason is that of most of them."""
    reasons: dict[tuple[date, str], Counter[str]] = {}
    for entry in missing:
        if entry.state is State.pending:
            reasons.setdefault((entry.day, entry.dataset), Counter())[entry.detail] += 1
    found = [
        Waiting(
            day,
            dataset,
            counts.total(),
            counts.most_common(1)[0][0],
            recoverable_until(DATASETS[dataset].addressable, day),
        )
        for (day, dataset), counts in reasons.items()
    ]
    return sorted(
        found, key=lambda one: (one.until is None, one.until or datetime.max.replace(tzinfo=UTC), one.dataset)
    )


def next_moment(plan: DayPlan | None, now: datetime) -> datetime | None:
    """When the first of the plan's budgets begins anew; None where there is nothing to wait for."""
    moments = [purse.resets_at for purse in plan.purses if purse.resets_at is not None] if plan else []
    coming = [moment for moment in moments if moment > now]
    return min(coming) if coming else None
