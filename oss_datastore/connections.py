"""From settings to working parts: client, store, queue, warehouse, fetch loop.

Shared by the Dagster resources and the command line. Nothing here imports Dagster at the top: `dlq list` and `status`
must answer before Dagster would have been imported.
"""

from __future__ import annotations

import atexit
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oss_datastore.clock import Clock
from oss_datastore.settings import Settings, WrongSetting, require_redshift_address

if TYPE_CHECKING:
    from oss_datastore.dead_letters import DeadLetterQueue
    from oss_datastore.dead_letters.embedded import EmbeddedPostgres
    from oss_datastore.dead_letters.spool import SpoolingQueue
    from oss_datastore.github import App, GitHub
    from oss_datastore.staging.fetch import Fetcher, Progress
    from oss_datastore.staging.store import RawStore
    from oss_datastore.warehouse import Warehouse
    from oss_datastore.warehouse.redshift_address import RedshiftAddress, RedshiftLocator

logger = logging.getLogger("oss_datastore")

_servers: dict[Path, EmbeddedPostgres] = {}
"""Embedded servers this process holds, by home: started once, released when the process ends."""

_letters: dict[tuple[Path, str | None], tuple[Clock, SpoolingQueue]] = {}
"""Spooling queues by home and address, with their calendar: each remembers whether the queue was away."""


_locators: dict[str, RedshiftLocator] = {}
"""By the warehouse's URL: temporary credentials hold for an hour and are asked for once."""


class UnusableHome(OSError):
    """The home cannot be made or written."""


def prepare_home(settings: Settings) -> Path:
    """The home as a folder that can be written. Raises UnusableHome with one line that names the setting."""
    home = settings.home_path
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as why:
        raise UnusableHome(f"OSS_DATASTORE_HOME: cannot write to {home}: {why.strerror or why}") from why
    return home


def open_github(settings: Settings, *, pace: bool = True) -> GitHub:
    """A client for the API that the settings name. Raises WrongSetting where there is no token and no App."""
    from oss_datastore.github import GitHub, StaticTokens

    app = _github_app(settings)
    if settings.github_token is None and not settings.github_tokens and app is None:
        raise WrongSetting(
            "GITHUB_TOKEN: is not set; put a token there (see the README for what it must be granted), or set "
            "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"
        )
    tokens = StaticTokens(
        settings.github_token.get_secret_value() if settings.github_token else None,
        {org: token.get_secret_value() for org, token in settings.github_tokens.items()},
    )
    return GitHub(
        tokens=tokens,
        api_url=settings.github_api_url,
        graphql_url=settings.graphql_url,
        clock=settings.clock,
        app=app,
        pace=pace,
    )


def _github_app(settings: Settings) -> App | None:
    """The GitHub App that the settings name, if any. Raises WrongSetting where half of it is missing or wrong."""
    from oss_datastore.github import App, NoToken

    app_id, key = settings.github_app_id, settings.github_app_private_key
    if app_id is None and key is None:
        return None
    if app_id is None:
        raise WrongSetting("GITHUB_APP_ID: is needed with GITHUB_APP_PRIVATE_KEY; it stands on the App's page")
    if key is None:
        raise WrongSetting("GITHUB_APP_PRIVATE_KEY: is needed with GITHUB_APP_ID; put the App's .pem file there")
    try:
        return App.of(app_id, key.get_secret_value())
    except NoToken as why:
        raise WrongSetting(str(why)) from None


def open_store(settings: Settings) -> RawStore:
    """The bucket that S3_ROOT_BUCKET names (with an optional prefix after a slash), else `$HOME/store`."""
    from oss_datastore.staging.store import LocalStore, S3Store

    if not settings.s3_root_bucket:
        return LocalStore(settings.home_path / "store")
    from dagster_aws.s3 import S3Resource

    bucket, _, prefix = settings.s3_root_bucket.removeprefix("s3://").partition("/")
    s3 = S3Resource(endpoint_url=settings.aws_endpoint_url, region_name=settings.aws_default_region, max_attempts=6)
    return S3Store(
        s3.get_client(), bucket, prefix=prefix, kms_key=settings.store_kms_key, storage_class=settings.store_class
    )


def open_queue(settings: Settings, clock: Clock | None = None) -> DeadLetterQueue:
    """The queue at DLQ_URL, or in the embedded PostgreSQL under the home, which is started if it does not run."""
    clock = clock or settings.clock
    from oss_datastore.dead_letters import DeadLetterQueue, QueueUnavailable
    from oss_datastore.dead_letters.embedded import EmbeddedPostgres

    if settings.dlq_url is not None:
        secret = settings.dlq_url

        def read(again: bool = False) -> str:
            # A secret that cannot be read is a queue that is away: letters wait in the spool meanwhile.
            try:
                return secret.asked_again() if again else secret.get_secret_value()
            except WrongSetting as why:
                raise QueueUnavailable(str(why)) from None

        return DeadLetterQueue(read(), clock=clock, asked_again=lambda: read(again=True))
    home = prepare_home(settings)
    if home not in _servers:
        if not _servers:
            atexit.register(release_queue)
        _servers[home] = EmbeddedPostgres(home)
    return DeadLetterQueue(_servers[home].start(), clock=clock)


def release_queue() -> None:
    """Lets go of embedded servers: the last process that uses one stops it."""
    _letters.clear()
    while _servers:
        _servers.popitem()[1].release()


def open_letters(settings: Settings) -> SpoolingQueue:
    """Where runs put letters: the queue, or the raw store while the queue is away. One per home and process."""
    from oss_datastore.dead_letters.spool import SpoolingQueue

    key = (settings.home_path, settings.dlq_url.written if settings.dlq_url else None)
    if key not in _letters:
        clock = settings.clock
        queue = SpoolingQueue(lambda: open_queue(settings, clock), open_store(settings), clock=clock)
        _letters[key] = (clock, queue)
    clock, queue = _letters[key]
    clock.held = settings.held_now
    return queue


def open_warehouse(
    settings: Settings, *, wait_seconds: float = 600.0, tell: Callable[[str], None] = logger.warning
) -> Warehouse:
    """The warehouse of the settings: a DuckDB file under the home, a PostgreSQL, or a Redshift.

    `tell` hears, once, that another process writes; after `wait_seconds` of that, its methods raise WarehouseBusy.
    """
    from oss_datastore.warehouse import DuckDbWarehouse, PostgresWarehouse

    prepare_home(settings)
    if settings.warehouse == "duckdb" or settings.warehouse_url is None:
        return DuckDbWarehouse(settings.warehouse_path, tell, wait_seconds)
    if settings.warehouse == "postgres":
        return PostgresWarehouse(settings.warehouse_url.get_secret_value(), tell, wait_seconds)
    from oss_datastore.warehouse.redshift import RedshiftWarehouse

    def connect() -> Any:
        return _connect_to_redshift(settings)

    return RedshiftWarehouse(connect, open_store(settings), settings.copy_role or "", tell, wait_seconds)


def redshift_address(settings: Settings) -> RedshiftAddress:
    """Where the Redshift of the settings is, and by whom it is entered now. Raises WarehouseUnavailable."""
    from oss_datastore.warehouse.redshift_address import RedshiftLocator

    if settings.warehouse_url is None:
        raise WrongSetting("OSS_DATASTORE_WAREHOUSE_URL: is not set")
    url = settings.warehouse_url.get_secret_value()
    if url not in _locators:
        import boto3

        try:
            require_redshift_address(url)
        except ValueError as why:
            raise WrongSetting(f"OSS_DATASTORE_WAREHOUSE_URL: {why}") from None

        def aws(service: str) -> Any:
            return boto3.client(
                service, region_name=settings.aws_default_region, endpoint_url=settings.aws_endpoint_url
            )

        _locators[url] = RedshiftLocator(url, aws)
    return _locators[url]()


def _connect_to_redshift(settings: Settings) -> Any:
    import psycopg2
    from dagster_aws.redshift import RedshiftClientResource

    address = redshift_address(settings)
    client = RedshiftClientResource(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        sslmode=address.sslmode,
        connect_timeout=30,
    ).get_client()
    # Its own methods commit what an error left behind; transactions are ours.
    return psycopg2.connect(**client.conn_args, application_name="oss_datastore")


def open_fetcher(settings: Settings, *, pace: bool = True, progress: Progress | None = None) -> Fetcher:
    """The fetch loop. Raises WrongSetting where token or organisations are not set."""
    from oss_datastore.staging.fetch import Fetcher
    from oss_datastore.staging.lines import Staging

    if not settings.github_orgs:
        raise WrongSetting("GITHUB_ORGS: is not set; name the organisations to keep, separated by commas")
    return Fetcher(
        github=open_github(settings, pace=pace),
        staging=Staging(open_store(settings)),
        letters=open_letters(settings),
        clock=settings.clock,
        organizations=settings.github_orgs,
        api_url=settings.github_api_url,
        repositories=settings.repositories,
        datasets=settings.datasets,
        files=settings.files,
        progress=progress,
    )
