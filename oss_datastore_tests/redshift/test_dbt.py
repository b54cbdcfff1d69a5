"""The dbt project by its Redshift adapter: every way a table is loaded gives the rows that DuckDB has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.connections import open_warehouse
from oss_datastore.resources.dbt import PROJECT, dbt_environment
from oss_datastore.settings import Settings
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import PSA_TABLES, PsaLoader
from oss_datastore_tests.parsed import parsed_for
from oss_datastore_tests.redshift.homes import ROLE, bucket
from oss_datastore_tests.redshift.shim import Shim
from oss_datastore_tests.staging.fetching import MemoryLetters, lived_through
from oss_datastore_tests.warehouse.digests import Digest, digests

DAYS = [date(2026, 10, 13) + timedelta(days=n) for n in range(3)]
ASKED = ("organizations", "repositories", "traffic_views", "issues", "issue_events", "repository_languages")
MODELS = (
    *("hub_org", "hub_repo", "hub_issue", "hub_label", "hub_milestone", "link_org_repo", "link_repo_issue"),
    *("link_issue_label", "sat_repo", "sat_issue", "eff_sat_org_repo", "eff_sat_issue_label", "ma_sat_repo_language"),
    *(
        "ma_sat_repo_traffic_views",
        "nh_link_issue_event",
        "sat_org",
        "sat_repo_counter",
        "sat_repo_activity",
        "pit_repo",
    ),
    "dim_date",
)


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Staging:
    return lived_through(tmp_path_factory.mktemp("store"), DAYS, repos=2, seed=3, datasets=ASKED)


class Loader:
    """Loads days of the staging into one warehouse: psa, then the models above with their checks."""

    def __init__(self, folder: Path, staging: Staging, **settings: str) -> None:
        self.folder = folder
        self.settings = Settings.load(OSS_DATASTORE_HOME=folder, _env_file=None, **settings)
        self.warehouse = open_warehouse(self.settings)
        self.warehouse.prepare(PSA_TABLES)
        self.psa = PsaLoader(staging, self.warehouse, MemoryLetters())
        self.manifest: Any = None

    def load(self, days: Sequence[date], monkeypatch: pytest.MonkeyPatch) -> None:
        for name, answer_set in ANSWER_SETS.items():
            if {dataset.name for dataset in answer_set.datasets} & set(ASKED):
                self.psa.load(name, days)
        for name, value in dbt_environment(self.settings).items():
            monkeypatch.setenv(name, value)
        end = days[-1] + timedelta(days=1)
        window = ["--event-time-start", str(days[0]), "--event-time-end", str(end)]
        if self.manifest is None:
            self.manifest = self._dbt("parse").result
        self._dbt("build", "--select", *MODELS, "--indirect-selection", "cautious", *window)

    def _dbt(self, *arguments: str) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        where = ["--project-dir", str(PROJECT), "--target-path", str(self.folder), "--log-path", str(self.folder)]
        done = dbtRunner(manifest=self.manifest).invoke([*arguments, *where, "--quiet"])
        DuckDBConnectionManager.close_all_connections()
        assert done.success, [r.message for r in done.result or () if r.status not in ("success", "pass")]
        return done

    def digests(self) -> dict[str, Digest]:
        found = digests(self.warehouse)
        return {name: digest for name, digest in found.items() if name.split(".")[1] in (*MODELS, *DATASETS)}


@pytest.fixture
def redshift_settings(redshift_url: str, moto_s3: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    return {
        "OSS_DATASTORE_WAREHOUSE": "redshift",
        "OSS_DATASTORE_WAREHOUSE_URL": redshift_url,
        "OSS_DATASTORE_COPY_ROLE": ROLE,
        "S3_ROOT_BUCKET": bucket(moto_s3),
        "AWS_ENDPOINT_URL": moto_s3,
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "days",
    [
        pytest.param([DAYS[1], DAYS[0]], id="a late day"),
        pytest.param([DAYS[0], DAYS[2], DAYS[1]], id="first, next and late day", marks=pytest.mark.soak),
    ],
)
def test_days_in_any_order_give_the_rows_of_duckdb(
    days: list[date],
    tmp_path: Path,
    staging: Staging,
    redshift: Shim,
    redshift_settings: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "duckdb").mkdir()
    parsed_for(tmp_path / "duckdb" / "warehouse.duckdb", tmp_path / "duckdb")
    plain = Loader(tmp_path / "duckdb", staging)
    plain.load(sorted(days), monkeypatch)
    expected = plain.digests()
    assert {"raw_vault.sat_issue", "business_vault.pit_repo", "infomarts.dim_date", "psa.issues"} <= expected.keys()
    assert [name for name, (rows, _) in expected.items() if not rows and not name.startswith("psa")] == []

    (tmp_path / "redshift").mkdir()
    there = Loader(tmp_path / "redshift", staging, **redshift_settings)
    before = len(redshift.refused)
    for day in days:
        there.load([day], monkeypatch)
    assert redshift.refused[before:] == []
    found = there.digests()
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []
