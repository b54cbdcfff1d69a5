"""`report`, `export` and `query`: what is in the infomarts, as a page, a file or an answer."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oss_datastore.commands.output import as_json, table
from oss_datastore.connections import open_store, open_warehouse
from oss_datastore.settings import Settings

if TYPE_CHECKING:
    from oss_datastore.warehouse import Warehouse


class NothingLoaded(click.ClickException):
    """The warehouse is not there yet."""


def _warehouse_of(settings: Settings) -> Warehouse:
    warehouse = open_warehouse(settings)
    if not warehouse.is_loaded():
        raise NothingLoaded(
            f"nothing is loaded in {settings.home_path} yet: `oss-datastore run` (or `demo`) comes first"
            if settings.warehouse == "duckdb"
            else "nothing is loaded in OSS_DATASTORE_WAREHOUSE_URL yet: `oss-datastore run` comes first"
        )
    return warehouse


@click.command(short_help="Write the report page from the infomarts.")
@click.option(
    "--audience", type=click.Choice(["public", "internal", "security"]), default="internal", show_default=True
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: report.html under the home.")
def report(audience: str, output: Path | None) -> None:
    """Writes one self-contained HTML page."""
    from oss_datastore.report.writing import write_report

    settings = Settings.load()
    path = output or settings.report_path
    size = write_report(_warehouse_of(settings), path, audience=audience)
    click.echo(f"{path} ({size / 1e6:.1f} MB)")


@click.command(short_help="Write an infomart as CSV or Parquet.")
@click.argument("mart")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--as-of", "day", type=click.DateTime(["%Y-%m-%d"]), help="As it was at the close of this UTC day.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output (csv only).")
def export(mart: str, form: str, day: datetime | None, output: Path | None) -> None:
    """Writes the infomart MART.

    With --as-of it is read from the store and waits for no load: a mart with a day of its own is cut at that day; of
    others the store keeps what they said at the end of each load, without people.
    """
    import duckdb

    from oss_datastore.warehouse.published import NotKept, as_of, marts_of

    settings = Settings.load()
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output")
    if day is not None:
        try:
            rows = as_of(open_store(settings), mart, day.date())
        except NotKept as why:
            raise click.UsageError(f"--as-of: {why}") from None
    else:
        warehouse = _warehouse_of(settings)
        known = marts_of(warehouse)
        if mart not in known:
            raise click.UsageError(f"there is no infomart {mart!r}; there are: {', '.join(known)}")
        rows = warehouse.table(f'select * from infomarts."{mart}"')  # noqa: S608
    # One writer for every engine, so that the file does not tell which it was.
    relation = duckdb.from_arrow(rows).order("all")
    if form == "parquet":
        relation.write_parquet(str(output))
    else:
        relation.write_csv(str(output or "/dev/stdout"))


@click.command(short_help="Ask the warehouse in SQL.")
@click.argument("sql")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def query(sql: str, wants_json: bool) -> None:
    """Runs one SQL statement against the warehouse, which is opened for reading only."""
    from oss_datastore.warehouse import WarehouseRefused, ask

    try:
        columns, rows = ask(_warehouse_of(Settings.load()), sql)
    except WarehouseRefused as why:
        click.echo(f"error: {why}", err=True)
        sys.exit(1)
    if wants_json:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table(columns, rows)
