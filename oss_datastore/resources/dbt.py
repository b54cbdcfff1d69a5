"""The dbt project and how it is run: where it lies, its manifest, and the environment its profiles read."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version
from psycopg2.extensions import parse_dsn

from oss_datastore.connections import open_warehouse, prepare_home, redshift_address
from oss_datastore.resources.rows_at_fault import Hidden, with_rows_at_fault
from oss_datastore.settings import Settings

PROJECT = Path(__file__).resolve().parents[2] / "sql"
MANIFEST = PROJECT / "target" / "manifest.json"
KEPT_RUNS = 5
"""So many runs of dbt leave their log and compiled SQL under the home."""

PARSED = "partial_parse.msgpack"
"""What dbt keeps of a parse in its target folder, so that the next one reads only files that changed."""


class ProjectDoesNotParse(RuntimeError):
    """dbt could not read the project; the message holds what it said."""


def dbt_environment(settings: Settings) -> dict[str, str]:
    """What profiles and models read. Constant for a home, so that dbt's partial parsing holds from run to run."""
    return _without_address(settings) | _address(settings)


def _without_address(settings: Settings) -> dict[str, str]:
    return {
        "OSS_DATASTORE_WAREHOUSE": settings.warehouse,
        "OSS_DATASTORE_WAREHOUSE_PATH": str(settings.warehouse_path),
        "OSS_DATASTORE_RESPONSE_DAYS": str(settings.response_days),
        "OSS_DATASTORE_SLA_DAYS": ",".join(map(str, settings.sla_days)),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # Twelve megabytes of debugging a run, compiled SQL included, which lies beside it anyway.
        "DBT_LOG_LEVEL_FILE": "info",
        "DBT_PROFILES_DIR": str(PROJECT),
    }


def _address(settings: Settings) -> dict[str, str]:
    """The parts of a server's address; dbt hides what begins with DBT_ENV_SECRET_ wherever it prints."""
    if settings.warehouse == "duckdb" or settings.warehouse_url is None:
        return {}
    if settings.warehouse == "redshift":
        address = redshift_address(settings)
        return {
            "OSS_DATASTORE_WAREHOUSE_HOST": address.host,
            "OSS_DATASTORE_WAREHOUSE_PORT": str(address.port),
            "OSS_DATASTORE_WAREHOUSE_USER": address.user,
            "OSS_DATASTORE_WAREHOUSE_DATABASE": address.database,
            "OSS_DATASTORE_WAREHOUSE_SSLMODE": address.sslmode,
            "DBT_ENV_SECRET_WAREHOUSE_PASSWORD": address.password,
        }
    parts = parse_dsn(settings.warehouse_url.get_secret_value())
    return {
        "OSS_DATASTORE_WAREHOUSE_HOST": parts.get("host", "localhost"),
        "OSS_DATASTORE_WAREHOUSE_PORT": parts.get("port", "5432"),
        "OSS_DATASTORE_WAREHOUSE_USER": parts.get("user", ""),
        "OSS_DATASTORE_WAREHOUSE_DATABASE": parts.get("dbname", parts.get("user", "")),
        "OSS_DATASTORE_WAREHOUSE_SSLMODE": parts.get("sslmode", "prefer"),
        "DBT_ENV_SECRET_WAREHOUSE_PASSWORD": parts.get("password", ""),
    }


def prepare_manifest() -> Path:
    """The project's manifest, parsed anew when one of its files is newer. Safe when two processes start at once.

    Where nothing can be written, as in an image, it was parsed when that was built.
    """
    if MANIFEST.exists() and not os.access(MANIFEST.parent, os.W_OK):
        return MANIFEST
    MANIFEST.parent.mkdir(exist_ok=True)
    with (MANIFEST.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not MANIFEST.exists() or MANIFEST.stat().st_mtime < _newest_source():
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "dbt.cli.main", "--quiet", "parse", "--project-dir", str(PROJECT)],
                # Nothing is connected to, and AWS is not asked for credentials.
                env=os.environ | _without_address(Settings.load()) | {"DBT_LOG_PATH": str(MANIFEST.parent)},
                cwd=PROJECT,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                raise ProjectDoesNotParse(f"dbt cannot parse {PROJECT.name}/:\n{done.stdout}{done.stderr}")
            MANIFEST.touch()
    return MANIFEST


def _newest_source() -> float:
    folders = [PROJECT / "models", PROJECT / "macros", PROJECT / "tests"]
    files = [f for folder in folders for f in folder.rglob("*") if f.is_file()]
    return max(f.stat().st_mtime for f in [PROJECT / "dbt_project.yml", PROJECT / "profiles.yml", *files])


@contextmanager
def run_folder(folder: Path, run_id: str) -> Iterator[Path]:
    """dbt's target folder for one run, under `folder` (of a home), with what an earlier run parsed.

    Each run has its own, so that two at once do not write into each other's; the last few are kept. What is parsed
    holds for one home only, because the path of its warehouse is part of it: the first run of a home takes what came
    with the manifest, which was parsed for this home or else is parsed anew.
    """
    target = folder / run_id
    target.mkdir(parents=True, exist_ok=True)
    parsed = folder / PARSED
    with suppress(FileNotFoundError):
        shutil.copy(parsed if parsed.exists() else MANIFEST.with_name(PARSED), target / PARSED)
    try:
        yield target
    finally:
        with suppress(FileNotFoundError):
            os.replace(target / PARSED, parsed)
        runs = sorted((f for f in folder.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime)
        for old in runs[:-KEPT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)


class _CommandLine(DbtCliResource):
    """dagster-dbt's command line without what it makes ready at each start and we never use: seconds of a run."""

    @cached_property
    def _cli_version(self) -> Version:
        """What is installed; `dbt --version` would be a process of its own that also asks the package index."""
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """None: it would only serve metadata that is fetched while dbt runs, and hold DuckDB's file meanwhile."""
        return None


class DbtResource(dg.ConfigurableResource):
    """Runs the dbt command line on the warehouse that the settings name."""

    def run(self, arguments: Sequence[str], context: dg.AssetExecutionContext, hidden: Hidden) -> Iterator[Any]:
        """The Dagster events of one dbt command, as they happen; checks that failed at its end, with rows at fault.

        Of these no column is shown that is `hidden`.
        """
        settings = Settings.load()
        os.environ.update(dbt_environment(settings))
        command_line = _CommandLine(
            project_dir=str(PROJECT),
            profiles_dir=str(PROJECT),
            # The environment this process runs in need not be the one that is activated.
            dbt_executable=str(Path(sys.executable).parent / "dbt"),
        )
        with run_folder(prepare_home(settings) / "dbt", context.run.run_id) as target:
            events = command_line.cli(arguments, context=context, target_path=target).stream()
            yield from with_rows_at_fault(events, target, open_warehouse(settings), hidden)
