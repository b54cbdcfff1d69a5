"""A page for each audience, made once from an organisation with planted troubles."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oss_datastore.report import Audience, SqlMarts, build_report
from oss_datastore_tests.infomarts.conftest import compiled_in, mart_sql
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.report.organisation import organisation

__all__ = ["compiled_in", "mart_sql"]


@pytest.fixture(scope="session")
def marts(mart_sql: dict[str, str]) -> Marts:
    """The marts of the organisation."""
    marts = Marts(mart_sql, organisation())
    for name in mart_sql:
        marts.build(name)
    return marts


@pytest.fixture(scope="session")
def page(marts: Marts) -> Callable[[str], str]:
    """The page of an audience."""
    pages: dict[str, str] = {}

    def of(audience: str) -> str:
        if audience not in pages:
            source = SqlMarts(marts.connection.cursor)
            links = {"Queue": "http://127.0.0.1:3000/queue", "Bad": "javascript:alert(1)"}
            pages[audience] = build_report(source, audience=Audience(audience), title="acme, this week", links=links)
        return pages[audience]

    return of
