"""One question until there is an answer or an error: budget, attempts and the count of both.

Shared by REST and GraphQL, which only say how to send a call and how to judge a reply. What a limit means for the next
call is `budget.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from oss_datastore.clock import Clock
from oss_datastore.github import errors
from oss_datastore.github.auth import NoToken, Token, TokenSource
from oss_datastore.github.budget import Budgets, Held, Timer
from oss_datastore.github.classification import Limit
from oss_datastore.github.messages import Answer, Request
from oss_datastore.github.wire import Reply, Silence

Asked = TypeVar("Asked")

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0


@dataclass(frozen=True)
class Verdict:
    """What a reply is: an answer (no error), or which failure."""

    error: type[errors.GitHubError] | None = None
    came: str = ""
    limit: Limit | None = None
    final: bool = False
    """The same call would fail again, whatever the error says about its kind."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Attributes the error carries beside the usual ones."""


@dataclass
class Spent:
    """What one question has cost so far."""

    requests: int = 0
    points: int = 0


@dataclass(frozen=True)
class Caller:
    """Asks with a token, within its budget, as often as it makes sense."""

    tokens: TokenSource
    budgets: Budgets
    clock: Clock
    timer: Timer
    attempts: int

    def with_token(self, request: Request, org: str | None, ask: Callable[[Token], Asked]) -> Asked:
        """Ask with the token of an organisation; once more with another where GitHub refuses it and there is one.

        Raises Unauthorized where there is none at all.
        """
        token = self._token(request, lambda: self.tokens.token(org))
        try:
            return ask(token)
        except errors.Unauthorized as error:
            refused = error
        other = self._token(request, lambda: self.tokens.renew(org, token, refused.answer))
        if other is None:
            raise refused
        return ask(other)

    def _token(self, request: Request, find: Callable[[], Asked]) -> Asked:
        problem = ""
        try:
            return find()
        except NoToken as missing:
            problem = str(missing)
        raise errors.Unauthorized(request, problem)

    def ask(
        self,
        request: Request,
        token: Token,
        pool: str,
        spent: Spent,
        *,
        send: Callable[[], Reply | Silence],
        judge: Callable[[Reply | Silence], Verdict],
        cost: Callable[[Reply], int | None],
        expected: int = 1,
    ) -> Reply:
        """Send until a reply is judged an answer. `expected` points are reserved before each call."""
        budget = self.budgets.of(token.key, pool)
        failed = 0
        answer: Answer | None = None
        while True:
            held: Held | None = None
            try:
                lease = budget.acquire(expected)
            except Held as standing:
                held = standing
            if held is not None:
                raise errors.RateLimited(
                    request,
                    resume_at=held.resume_at,
                    scope=held.scope,
                    answer=answer,
                    requests=spent.requests,
                    points=spent.points,
                )
            reply: Reply | Silence | None = None
            verdict = Verdict()
            try:
                reply = send()
                verdict = judge(reply)
            finally:
                came = reply if isinstance(reply, Reply) else None
                spent.requests += 1
                spent.points += budget.settle(
                    lease,
                    status=came.status if came else None,
                    headers=came.headers if came else {},
                    limit=verdict.limit,
                    cost=cost(came) if came else 0,
                )
            if verdict.error is None and came is not None:
                return came
            answer = self.answer(request, came, token, spent) if came else None
            if verdict.limit is not None:
                continue
            failed += 1
            problem = verdict.error or errors.Unreachable
            if verdict.final or not problem.transient or failed >= self.attempts:
                tries = f" ({failed} attempts)" if failed > 1 else ""
                error = problem(
                    request,
                    verdict.came + tries,
                    answer=answer,
                    requests=spent.requests,
                    points=spent.points,
                )
                for name, value in verdict.details.items():
                    setattr(error, name, value)
                raise error
            pause = min(FIRST_PAUSE * 2 ** (failed - 1), LONGEST_PAUSE)
            # Jitter: eight threads that failed together must not come back together.
            self.timer.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311

    def answer(
        self, request: Request, reply: Reply, token: Token, spent: Spent, *, moved_to: str | None = None
    ) -> Answer:
        """The reply as the rest of the project sees it."""
        return Answer(
            request=request,
            status=reply.status,
            headers=reply.headers,
            body=reply.body,
            fetched_at=self.clock.now(),
            api_version=reply.headers.get("x-github-api-version-selected"),
            requests=spent.requests,
            points=spent.points,
            token_key=token.key,
            moved_to=moved_to,
            parsed=reply.json,
        )
