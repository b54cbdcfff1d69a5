"""The GitHub client: one object for REST, GraphQL and what they may spend.

Only the putting together belongs here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from oss_datastore.clock import Clock
from oss_datastore.github.auth import TokenSource
from oss_datastore.github.budget import Budgets, BudgetState, Timer
from oss_datastore.github.caller import Caller
from oss_datastore.github.graphql import Documents, GraphQL, packaged_document
from oss_datastore.github.messages import Answer, GraphQLAnswer
from oss_datastore.github.rest import Rest
from oss_datastore.github.wire import Wire


class GitHub:
    """Asks GitHub within its limits; safe to use from several threads.

    `pace` off means no spacing of calls; a limit GitHub reports is kept all the same. A call waits `longest_wait`
    seconds for a limit before RateLimited is raised, and is sent `attempts` times where no usable answer comes.
    """

    def __init__(
        self,
        *,
        tokens: TokenSource,
        api_url: str,
        graphql_url: str,
        clock: Clock,
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
        caller = Caller(tokens, self._budgets, clock, timer, attempts)
        self._rest = Rest(caller, self._wire, api_url.rstrip("/"), api_version)
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

    @property
    def budget(self) -> Mapping[tuple[str, str], BudgetState]:
        """What is known of each token's pools, by token key and pool."""
        return {(state.token_key, state.pool): state for state in self._budgets.states()}

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
