"""Loads windows of staged days one after another as the job does, without a Dagster run for each.

A run of the job takes many seconds however little there is to load; an order of windows is many loads. What each
loads is the same: staged days by `PsaLoader`, then dbt with the arguments of the job. It works in a process of its own,
because dbt keeps the warehouse file open in the process that called it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, timedelta

Span = tuple[date, date]


def load_windows(
    windows: Sequence[Span], answer_sets: Sequence[str], marts: Sequence[str] = (), *, checks: bool = True
) -> None:
    """Loads windows in the order given: psa, then what the marts need of the vault and the marts; all without names.

    Without `checks` what dbt makes is not looked at.
    """
    asked = {
        "windows": [[first.isoformat(), last.isoformat()] for first, last in windows],
        "answer_sets": list(answer_sets),
        "marts": list(marts),
        "checks": checks,
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__, json.dumps(asked)], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def _main(windows: list[list[str]], answer_sets: list[str], marts: list[str], checks: bool) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    from oss_datastore.assets.vault import dbt_arguments
    from oss_datastore.connections import open_letters, open_store, open_warehouse
    from oss_datastore.resources.dbt import PARSED, PROJECT, dbt_environment
    from oss_datastore.settings import Settings
    from oss_datastore.staging.lines import Staging
    from oss_datastore.warehouse import PSA_TABLES, PsaLoader

    settings = Settings.load()
    os.environ.update(dbt_environment(settings))
    target = settings.home_path / "target"
    target.mkdir(exist_ok=True)
    with suppress(FileNotFoundError):
        shutil.copy(settings.home_path / "dbt" / PARSED, target)
    warehouse = open_warehouse(settings)
    warehouse.prepare(PSA_TABLES)
    loader = PsaLoader(Staging(open_store(settings)), warehouse, open_letters(settings))
    where = ["--project-dir", str(PROJECT), "--target-path", str(target), "--log-path", str(target), "--quiet"]
    manifest = None
    for first, last in ((date.fromisoformat(a), date.fromisoformat(b)) for a, b in windows):
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        # dbt in this process keeps the file open for writing, and the loader looks into it first.
        DuckDBConnectionManager.close_all_connections()
        for name in answer_sets:
            loader.load(name, days)
        loader.load_actors(days, answer_sets)
        if manifest is None:
            manifest = dbtRunner().invoke(["parse", *where]).result
        chosen = ["--select", *(f"+{mart}" for mart in marts)] if marts else []
        chosen += [] if checks else ["--exclude-resource-type", "test"]
        done = dbtRunner(manifest=manifest).invoke([*dbt_arguments(days), *where, *chosen])
        if not done.success:
            raise SystemExit(f"dbt failed for {first} to {last}: {done.exception or done.result}")


if __name__ == "__main__":
    _main(**json.loads(sys.argv[1]))
