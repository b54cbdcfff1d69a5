"""Loads of one staging into warehouses of every engine, for campaigns that compare what comes out."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import boto3

from oss_datastore.assets.vault import dbt_arguments
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.connections import open_warehouse
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.resources.dbt import PROJECT, dbt_environment
from oss_datastore.settings import Settings
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import PSA_TABLES, PsaLoader
from oss_datastore_tests.redshift.shim import Shim
from oss_datastore_tests.redshift.vocabulary import judge
from oss_datastore_tests.staging.fetching import MemoryLetters
from oss_datastore_tests.warehouse.digests import Digest, digests

SEED = 3


class Home:
    """A warehouse that loads days of one staging, psa to infomarts, without the checks."""

    def __init__(self, folder: Path, staging: Staging, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.target = folder / "target"
        self.settings = Settings.load(OSS_DATASTORE_HOME=folder, _env_file=None, **settings)
        self.warehouse = open_warehouse(self.settings)
        self.warehouse.prepare(PSA_TABLES)
        self.loader = PsaLoader(staging, self.warehouse, MemoryLetters())
        self._manifest: Any = None

    def load(self, days: Sequence[date]) -> None:
        """One load of days that follow each other."""
        for name in ANSWER_SETS:
            self.loader.load(name, days)
        self.loader.load_actors(days)
        if self._manifest is None:
            self._manifest = self._dbt("parse").result
        _, *window = dbt_arguments(days)
        self._dbt("run", *[word for word in window if word not in ("--indirect-selection", "cautious")])

    def digests(self) -> dict[str, Digest]:
        """Every table by a digest of its rows."""
        return digests(self.warehouse)

    def _dbt(self, *arguments: str) -> Any:
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        os.environ.update(dbt_environment(self.settings))
        where = ["--project-dir", str(PROJECT), "--target-path", str(self.target), "--log-path", str(self.target)]
        done = dbtRunner(manifest=self._manifest).invoke([*arguments, *where, "--quiet"])
        # dbt keeps the file open in this process.
        DuckDBConnectionManager.close_all_connections()
        if not done.success:
            raise RuntimeError(f"dbt {arguments[0]} failed: {done.exception or done.result}")
        return done


@contextmanager
def engines(folder: Path) -> Iterator[Mapping[str, Any]]:
    """By engine, a function that gives the settings of a new, empty warehouse. Servers end with the block."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    s3 = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    s3.start()
    endpoint = "http://{}:{}".format(*s3.get_host_and_port())
    server = EmbeddedPostgres(folder / "postgres", durable=False)
    server.start()
    shim = Shim(server.url, endpoint, judge)
    access = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(access)

    def postgres() -> dict[str, str]:
        url = server.ensure_database(f"soak_{secrets.token_hex(4)}")
        return {"OSS_DATASTORE_WAREHOUSE": "postgres", "OSS_DATASTORE_WAREHOUSE_URL": url}

    def redshift() -> dict[str, str]:
        name = f"soak-{secrets.token_hex(4)}"
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=name)
        database = name.replace("-", "_")
        server.ensure_database(database)
        shim.prepare(database)
        return {
            "OSS_DATASTORE_WAREHOUSE": "redshift",
            "OSS_DATASTORE_WAREHOUSE_URL": shim.url(database),
            "OSS_DATASTORE_COPY_ROLE": "default",
            "S3_ROOT_BUCKET": name,
            "AWS_ENDPOINT_URL": endpoint,
        }

    try:
        yield {"duckdb": dict, "postgres": postgres, "redshift": redshift}
    finally:
        shim.close()
        server.release()
        s3.stop()
