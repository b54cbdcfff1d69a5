"""`report`, `export` and `query`: what is in the infomarts, as a page, a file or an answer."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from oss_datastore.commands.output import as_json, table
from oss_datastore.connections import open_warehouse
from oss_datastore.settings import Settings


class NothingLoaded(click.ClickException):
    """The warehouse is not there yet."""


def _warehouse_of(settings: Settings):  # type: ignore[no-untyped-def]
    if not settings.warehouse_path.exists():
        raise NothingLoaded(
            f"nothing is loaded in {settings.home_path} yet: `oss-datastore run` (or `demo`) comes first"
        )
    return open_warehouse(settings)


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
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output (csv only).")
def export(mart: str, form: str, output: Path | None) -> None:
    """Writes the infomart MART."""
    settings = Settings.load()
    with _warehouse_of(settings).connect(read_only=True) as connection:
        known = [
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.tables where table_schema = 'infomarts' order by 1"
            ).fetchall()
        ]
        if mart not in known:
            raise click.UsageError(f"there is no infomart {mart!r}; there are: {', '.join(known)}")
        relation = connection.sql(f'select * from infomarts."{mart}" order by all')  # noqa: S608
        if form == "parquet":
            if output is None:
                raise click.UsageError("--format parquet needs --output")
            relation.write_parquet(str(output))
        elif output is None:
            relation.write_csv("/dev/stdout")
        else:
            relation.write_csv(str(output))


@click.command(short_help="Ask the warehouse in SQL.")
@click.argument("sql")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def query(sql: str, wants_json: bool) -> None:
    """Runs one SQL statement against the warehouse, which is opened for reading only."""
    import duckdb

    settings = Settings.load()
    with _warehouse_of(settings).connect(read_only=True) as connection:
        try:
            answer = connection.execute(sql)
            columns = [column[0] for column in answer.description or []]
            rows = answer.fetchall()
        except duckdb.Error as why:
            click.echo(f"error: {why}", err=True)
            sys.exit(1)
    if wants_json:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table(columns, rows)
