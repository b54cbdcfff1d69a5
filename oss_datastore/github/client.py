"""The GitHub client: one object for REST, GraphQL and what they may spend.

Only the putting together belongs here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from oss_datastore.clock import Clock
from oss_datastore.github import errors
from oss_datastore.github.apps import App, AppTokens, Installations, Signatures
from oss_datastore.github.auth import StaticTokens, TokenSource
from oss_datastore.github.budget import Budgets, BudgetState, Timer
from oss_datastore.github.caller import Caller
from oss_datastore.github.counters import FREE, http_date, told_limits
from oss_datastore.github.documents import Documents, packaged_document
from oss_datastore.github.graphql import GraphQL
from oss_datastore.github.messages import Answer, GraphQLAnswer
from oss_datastore.github.rest import Rest
from oss_datastore.github.wire import Wire


class GitHub:
    """Asks GitHub within its limits; safe to use from several threads.

    `pace` off means no spacing of calls; a limit GitHub reports is kept all the same. All calls together wait
    `longest_wait` seconds for limits; beyond that RateLimited is raised. A call is sent `attempts` times where no
    usable answer comes.
    An `app` speaks for every organisation it is installed in that has no token of its own.
    """

    def __init__(
        self,
        *,
        tokens: StaticTokens,
        api_url: str,
        graphql_url: str,
        clock: Clock,
        app: App | None = None,
        api_version: str = "2022-11-28",
        user_agent: str = "oss-datastore",
        pace: bool = True,
        longest_wait: float = 300.0,
        attempts: int = 5,
        workers: int = 8,
        timeout: float = 30.0,
        timer: Timer | None = None,
        documents: Documents = packaged_document,
    ) -> None:
        timer = timer or Timer()
        self._wire = Wire(api_url, graphql_url, user_agent=user_agent, workers=workers, timeout=timeout)
        self._budgets = Budgets(clock, timer, pace, longest_wait)
        self._clock = clock
        api_url = api_url.rstrip("/")
        source: TokenSource = tokens
        if app is not None:
            signing = Caller(Signatures(app), self._budgets, clock, timer, attempts)
            source = AppTokens(tokens, Installations(app, Rest(signing, self._wire, api_url, api_version), timer))
        caller = Caller(source, self._budgets, clock, timer, attempts)
        self._rest = Rest(caller, self._wire, api_url, api_version)
        self._graphql = GraphQL(caller, self._wire, graphql_url, documents)

    def get(
        self,
        path_or_url: str,
        params: Mapping[str, Any] | None = None,
        *,
        org: str | None = None,
        accept: str | None = None,
        etag: str | None = None,
    ) -> Answer:
        """One REST answer: 2xx (202 and 204 as well) or 304; everything else raises a GitHubError.

        A path is joined to the API's address. `org` chooses the token. With `etag` GitHub may answer 304.
        """
        return self._rest.get(path_or_url, params, org=org, accept=accept, etag=etag)

    def pages(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        org: str | None = None,
        accept: str | None = None,
    ) -> Iterator[Answer]:
        """Every page of a REST list, 100 items each unless `per_page` is given; raises as `get` does."""
        return self._rest.pages(path, params, org=org, accept=accept)

    def query(self, document: str, variables: Mapping[str, Any], *, org: str | None = None) -> GraphQLAnswer:
        """The answer to `catalogue/queries/<document>.graphql`; its `errors` are what failed beside the data.

        Raises QueryFailed where no data came, QueryTooHeavy where a smaller page is needed, and what `get` raises.
        """
        return self._graphql.query(document, variables, org=org)

    def splittable(self, document: str, connection: str) -> tuple[str, ...]:
        """What the items of a document's connection can be split into, heaviest first; `*` is all short plain fields.

        Raises ValueError where the document has no such connection.
        """
        return self._graphql.splittable(document, connection)

    def split(self, document: str, connection: str, fields: Iterable[str]) -> str:
        """The name, for `query`, of the part of a document that asks only for these fields of each item.

        What says which item it is (ids, number, times) is asked for as well. Raises ValueError for fields that are not
        there.
        """
        return self._graphql.split(document, connection, fields)

    def limits(self, org: str | None = None) -> Mapping[str, BudgetState] | None:
        """What the organisation's token may still ask, by pool, as GitHub says now; it costs nothing.

        From then on the budgets know it before the first call. None where the server limits nothing. Raises as `get`.
        """
        try:
            answer = self._rest.get("/rate_limit", org=org)
        except (errors.Disabled, errors.NotFound):
            return None
        server_now = http_date(answer.headers.get("date")) or self._clock.now()
        states = {}
        for pool, (limit, remaining, reset) in told_limits(answer.payload).items():
            budget = self._budgets.of(answer.token_key, pool)
            budget.learn(limit, remaining, reset, server_now)
            states[pool] = budget.state()
        return states

    def keep(self, points: Mapping[tuple[str, str], int]) -> None:
        """Leaves so much alone of each (token key, pool) until told otherwise; RateLimited is raised before that."""
        for token_key, pool in points:
            self._budgets.of(token_key, pool).keep(points[token_key, pool])

    @property
    def budget(self) -> Mapping[tuple[str, str], BudgetState]:
        """What is known of each token's pools, by token key and pool."""
        return {(state.token_key, state.pool): state for state in self._budgets.states() if state.pool != FREE}

    @property
    def requests_spent(self) -> int:
        """HTTP requests sent so far."""
        return sum(state.requests for state in self._budgets.states())

    @property
    def points_spent(self) -> int:
        """GraphQL points spent so far."""
        return sum(state.points for state in self._budgets.states())

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()

    def __enter__(self) -> GitHub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
