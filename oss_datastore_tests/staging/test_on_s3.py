"""A day staged in a bucket is the day staged in a folder."""

from __future__ import annotations

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import SETTLED
from oss_datastore.staging.lines import Staging
from oss_datastore_tests.staging.fetching import DAY, Tables, after, differences, entries, fetch_all, fetcher, load
from oss_datastore_tests.staging.store_fixtures import fresh_s3_store


def test_a_day_staged_on_s3_gives_the_same_tables_and_is_not_asked_twice(
    github: Simulator, moto_s3: str, tmp_path: object, whole: Tables
) -> None:
    store = fresh_s3_store(moto_s3, prefix="kept")
    fetch = fetcher(github, tmp_path, now=after(DAY), staging=Staging(store))  # type: ignore[arg-type]
    fetch_all(fetch, DAY)
    assert {e.state for e in entries(fetch.staging, DAY)} <= SETTLED
    assert differences(load(Staging(store), [DAY]), whole) == {}
    objects = list(store.list("staging/"))
    github.application.log.clear()
    again = fetcher(github, tmp_path, now=after(DAY), staging=Staging(store))  # type: ignore[arg-type]
    fetch_all(again, DAY)
    assert not [entry for entry in github.log if entry.target.startswith("/repos/")]
    assert list(store.list("staging/")) == objects
