"""The jobs that people find in the launchpad: each says what it does, and does it or says why not."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from oss_datastore.commands import running


def test_every_job_has_a_sentence_of_its_own(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    told = {job.name: job.description or "" for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert sorted(told) == ["backfill", "daily", "rebuild", "retry_dead_letters", "weekly_digest"]
    assert all(text.endswith(".") for text in told.values())
    assert len(set(told.values())) == len(told)
    for name in told:
        assert definitions.resolve_job_def(name).tags.keys() >= {"oss_datastore/asks_github", "oss_datastore/writes"}


def test_the_launchpad_explains_each_field_that_can_be_set(definitions: dg.Definitions) -> None:
    """The UI fills the launchpad with these fields and their defaults."""
    chosen = {"retry_dead_letters": "retry_letters", "daily": "stage_traffic_views", "backfill": "stage_traffic_views"}
    for job, node in chosen.items():
        op = next(n for n in definitions.resolve_job_def(job).nodes if n.name == node).definition
        fields = op.config_schema.config_type.fields  # type: ignore[attr-defined]
        assert fields
        assert all(field.description.endswith(".") and field.default_provided for field in fields.values()), job


def test_a_backfill_lets_today_go_first(definitions: dg.Definitions) -> None:
    assert definitions.resolve_job_def("backfill").tags["dagster/priority"] == "-1"
    keys = [definitions.resolve_job_def(name).asset_layer.selected_asset_keys for name in ("backfill", "daily")]
    assert keys[0] == keys[1]


@pytest.mark.parametrize("code", [0, 1])
def test_a_rebuild_fails_as_the_command_does(
    definitions: dg.Definitions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path))
    monkeypatch.setattr(running, "rebuild_all", lambda settings: code)
    done = definitions.resolve_job_def("rebuild").execute_in_process(raise_on_error=False)
    assert done.success is (code == 0)
