"""The hourly schedule on a ledger: what it requests after outages, and that it requests nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State
from oss_datastore.staging.lines import StageWriter, Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.staging.fetching import MemoryLetters

LAST = date(2026, 11, 20)


@pytest.fixture
def staging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staging:
    """A home on the morning after LAST, with nothing staged."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path))
    monkeypatch.setenv("GITHUB_ORGS", "acme")
    monkeypatch.setenv("OSS_DATASTORE_NOW", datetime(2026, 11, 21, 3, tzinfo=UTC).isoformat())
    return Staging(LocalStore(tmp_path / "store"))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def stage(staging: Staging, day: date, state: State = State.complete) -> None:
    """Every answer set of a day, each with one scope that came to `state`."""
    for name, answer_set in ANSWER_SETS.items():
        with_state = state if name == "traffic_views" else State.complete
        writer = StageWriter(staging.store, staging.folder(name, day), day, letters=MemoryLetters())
        for dataset in answer_set.datasets:
            entry = LedgerEntry(
                dataset.name,
                f"github.com/{dataset.scope_kind}/1",
                day,
                with_state,
                writer.generation,
                Coverage.empty if with_state is State.complete else None,
                fetched_at=datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1),
            )
            writer.settle(entry, [])
        writer.close()


def requested(definitions: dg.Definitions, instance: dg.DagsterInstance) -> list[tuple[str, str]]:
    """Ranges that a tick requests."""
    schedule = definitions.get_schedule_def("hourly")
    context = dg.build_schedule_context(
        instance=instance,
        repository_def=definitions.get_repository_def(),
        scheduled_execution_time=datetime(2026, 11, 21, 3, tzinfo=UTC),
    )
    ticked = schedule.evaluate_tick(context)
    return [
        (request.tags[ASSET_PARTITION_RANGE_START_TAG], request.tags[ASSET_PARTITION_RANGE_END_TAG])
        for request in ticked.run_requests or []
    ]


def under_way(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, first: date, last: date, job: str = "daily"
) -> None:
    """A run of a range of days; what is begun by hand in the UI bears the name of Dagster's own job."""
    tags = {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}
    location = GrpcServerCodeLocationOrigin(host="127.0.0.1", port=9, location_name="oss_datastore")
    origin = RemoteRepositoryOrigin(location, "__repository__").get_job_origin(job)
    instance.add_run(dg.DagsterRun(job_name=job, status=status, tags=tags, remote_job_origin=origin))


@pytest.mark.parametrize("outage", [1, 2, 10])
def test_after_an_outage_the_missing_days_in_a_row_are_one_range(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging, outage: int
) -> None:
    for back in range(outage, 14):
        stage(staging, LAST - timedelta(days=back))
    first = LAST - timedelta(days=outage - 1)
    assert requested(definitions, instance) == [(first.isoformat(), LAST.isoformat())]


def test_days_with_whole_ones_between_them_are_several_ranges(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging
) -> None:
    gap = {LAST, LAST - timedelta(days=3), LAST - timedelta(days=4)}
    for day in (LAST - timedelta(days=back) for back in range(14)):
        if day not in gap:
            stage(staging, day)
    assert requested(definitions, instance) == [("2026-11-16", "2026-11-17"), ("2026-11-20", "2026-11-20")]


def test_nothing_is_requested_where_everything_is_whole(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging
) -> None:
    for back in range(14):
        stage(staging, LAST - timedelta(days=back))
    assert requested(definitions, instance) == []


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_what_is_queued_or_running_is_not_requested_again(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging, status: dg.DagsterRunStatus
) -> None:
    stage(staging, LAST - timedelta(days=5))
    under_way(instance, status, LAST - timedelta(days=2), LAST)
    assert requested(definitions, instance) == [("2026-11-16", "2026-11-17")]
    under_way(instance, status, LAST - timedelta(days=4), LAST - timedelta(days=3), job="__ASSET_JOB")
    assert requested(definitions, instance) == []


def test_a_day_whose_run_failed_is_requested_again(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging
) -> None:
    stage(staging, LAST - timedelta(days=1))
    under_way(instance, dg.DagsterRunStatus.FAILURE, LAST, LAST)
    assert requested(definitions, instance) == [("2026-11-20", "2026-11-20")]


def test_an_older_day_of_which_something_failed_is_asked_again_and_one_that_is_forbidden_is_not(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging
) -> None:
    broken, refused = LAST - timedelta(days=4), LAST - timedelta(days=2)
    for day in (LAST - timedelta(days=back) for back in range(14)):
        stage(staging, day, {broken: State.failed, refused: State.forbidden}.get(day, State.complete))
    assert requested(definitions, instance) == [(broken.isoformat(), broken.isoformat())]


def test_without_an_organisation_there_is_nothing_to_request(
    definitions: dg.Definitions, instance: dg.DagsterInstance, staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ORGS", "")
    assert requested(definitions, instance) == []
