"""`report`, `export` and `query`: what is in the infomarts, as a page, a file or an answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oss_datastore.commands.days import Day
from oss_datastore.commands.output import as_json, table
from oss_datastore.commands.progress import working
from oss_datastore.connections import open_store
from oss_datastore.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from oss_datastore.warehouse import Readable


class Refused(click.ClickException):
    """A statement is not run, or a file not written."""


@click.command(short_help="Write the report page from the infomarts.")
@click.option(
    "--audience",
    type=click.Choice(["public", "internal", "security"]),
    default="internal",
    show_default=True,
    help="Whom it is for: open alerts and two-factor states are for `security` only.",
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: report.html under the home.")
def report(audience: str, output: Path | None) -> None:
    """Writes one self-contained HTML page.

    While a load is under way it is made of the files of the last one, and a line says so.
    """
    from oss_datastore.commands.reading import read_infomarts
    from oss_datastore.report.writing import write_report

    settings = Settings.load()
    path = output or settings.report_path
    with working("writing the report"):
        try:
            size = read_infomarts(settings, lambda marts: write_report(marts, path, audience=audience))
        except OSError as why:
            raise Refused(f"--output: cannot write {path}: {why.strerror or why}") from why
    click.echo(f"{path} ({size / 1e6:.1f} MB)")


@click.command(short_help="Write an infomart as CSV or Parquet.")
@click.argument("mart")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--as-of", "day", type=Day(), help="As it was at the close of this UTC day.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output (csv only).")
def export(mart: str, form: str, day: date | None, output: Path | None) -> None:
    """Writes the infomart MART.

    While a load is under way it is read from the files of the last one, and a line says so. With --as-of it is read
    from the store: a mart with a day of its own is cut at that day; of others the store keeps what they said at the
    end of each load, without people.
    """
    import duckdb

    from oss_datastore.commands.reading import read_infomarts
    from oss_datastore.warehouse.published import NotKept, as_of

    settings = Settings.load()
    if form == "parquet" and output is None:
        raise click.UsageError("--format parquet needs --output")
    with working(f"reading {mart}"):
        if day is not None:
            if day > (closed := settings.clock.last_closed_day()):
                raise click.UsageError(f"--as-of: {day} is not over yet; the last day that is over is {closed}")
            try:
                rows = as_of(open_store(settings), mart, day)
            except NotKept as why:
                raise click.UsageError(f"--as-of: {why}") from None
        else:
            rows = read_infomarts(settings, lambda marts: _rows(marts, mart))
        # One writer for every engine, so that the file does not tell which it was.
        relation = duckdb.from_arrow(rows).order("all")
        try:
            if form == "parquet":
                relation.write_parquet(str(output))
            else:
                relation.write_csv(str(output or "/dev/stdout"))
        except duckdb.IOException as why:
            raise Refused(f"--output: cannot write {output}: {why}") from None


def _rows(marts: Readable, mart: str) -> pa.Table:
    from oss_datastore.warehouse.published import PublishedMarts, marts_of

    known = sorted(marts.digests) if isinstance(marts, PublishedMarts) else marts_of(marts)
    if mart not in known:
        raise click.UsageError(f"there is no infomart {mart!r}; there are: {', '.join(known)}")
    return marts.table(f'select * from infomarts."{mart}"')  # noqa: S608


@click.command(short_help="Ask the warehouse in SQL.")
@click.argument("sql")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def query(sql: str, wants_json: bool) -> None:
    """Runs one SQL statement that reads; what would write is refused.

    The schemas are infomarts, metrics_vault, business_vault, raw_vault, psa and, with personal data, raw_vault_pii and
    psa_pii. While a load is under way infomarts are read from the files of the last one, and a line says so; a query
    that needs other schemas waits for the load.
    """
    from oss_datastore.commands.reading import loaded_warehouse, read_infomarts
    from oss_datastore.warehouse import WarehouseRefused, ask
    from oss_datastore.warehouse.published import PublishedMarts, marts_in

    settings = Settings.load()
    _refuse_what_writes(sql, settings)
    wanted = marts_in(sql)

    def answer(marts: Readable) -> tuple[list[str], list[tuple[Any, ...]]]:
        return ask(marts.only(wanted or ()) if isinstance(marts, PublishedMarts) else marts, sql)

    try:
        columns, rows = ask(loaded_warehouse(settings), sql) if wanted is None else read_infomarts(settings, answer)
    except WarehouseRefused as why:
        raise Refused(_one_line(why)) from None
    if wants_json:
        as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        table(columns, rows)


def _refuse_what_writes(sql: str, settings: Settings) -> None:
    """Refuses several statements, and on DuckDB whatever is no question: it could write files, though no table.

    A transaction that may only read, which is what PostgreSQL is asked in, ends with a second statement.
    """
    import duckdb

    tokens = duckdb.tokenize(sql)
    ends = [at for at, kind in tokens if sql[at] == ";" and kind == duckdb.token_type.operator]
    if ends and any(at > ends[0] and kind != duckdb.token_type.comment and at not in ends for at, kind in tokens):
        raise Refused("one statement at a time: there is more than one")
    if settings.warehouse != "duckdb":
        return
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(sql)]
    except duckdb.Error as why:
        raise Refused(_one_line(why)) from None
    if not kinds:
        raise Refused("there is no statement to run")
    if kinds[0] not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise Refused(f"query only reads, and {kinds[0].name} does not: nothing was changed")


def _one_line(why: Exception) -> str:
    """What an engine says of a statement, without the copy of the statement that it points into."""
    return " ".join(str(why).partition("\nLINE ")[0].split())
