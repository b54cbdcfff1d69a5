"""`dlq`: the dead letter queue from the command line. No Dagster is imported before a day must be loaded anew."""

from __future__ import annotations

import json
import os
from datetime import date

import click

from oss_datastore.commands.days import Day
from oss_datastore.commands.output import as_json, console, table
from oss_datastore.connections import open_queue
from oss_datastore.dead_letters import STATES
from oss_datastore.settings import Settings


@click.group(short_help="List, show, retry and discard dead letters.")
def dlq() -> None:
    """What could not be fetched or parsed, kept until it can be, or until it is lost for good."""


@dlq.command("list", short_help="List letters, the last failed first.")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Default: open and retrying.")
@click.option("--dataset", help="Only of this dataset.")
@click.option("--day", type=Day(), help="Only of this UTC day.")
@click.option("--error-class", help="Only of this class.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="So many at most.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def list_letters(
    states: tuple[str, ...],
    dataset: str | None,
    day: date | None,
    error_class: str | None,
    limit: int,
    wants_json: bool,
) -> None:
    """Lists letters, the last failed first."""
    settings = Settings.load()
    letters = open_queue(settings).list(
        states=states or ("open", "retrying"), dataset=dataset, day=day, error_class=error_class, limit=limit
    )
    if wants_json:
        as_json([letter.as_dict() for letter in letters])
        return
    if not letters:
        click.echo("no dead letters")
        return
    now = settings.clock.now()
    table(
        ("id", "day", "dataset", "scope", "error", "status", "tries", "state", "can be had"),
        [
            (le.id, le.day, le.dataset, le.scope, le.error_class, le.status, le.attempts, le.state, le.recoverable(now))
            for le in letters
        ],
    )
    click.echo("\nshow one:  oss-datastore dlq show ID      retry:  oss-datastore dlq retry ID, or --due")


@dlq.command(short_help="Show a letter: what was asked, what came, its history.")
@click.argument("letter_id", type=int)
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def show(letter_id: int, wants_json: bool) -> None:
    """Shows a letter whole: what was asked, what came, and its history."""
    settings = Settings.load()
    queue = open_queue(settings)
    letter, history = queue.get(letter_id), queue.history(letter_id)
    if wants_json:
        as_json(letter.as_dict() | {"history": [step.as_dict() for step in history]})
        return
    console.print(f"letter {letter.id}: {letter.dataset} of {letter.scope}, {letter.day}", style="bold", markup=False)
    for name, value in (
        ("state", letter.state),
        ("error", f"{letter.error_class}: {letter.message}"),
        ("source", letter.source),
        ("can be had", letter.recoverable(settings.clock.now())),
        (
            "attempts",
            f"{letter.attempts}, first {letter.first_failed_at:%Y-%m-%d %H:%M}, last "
            f"{letter.last_failed_at:%Y-%m-%d %H:%M} UTC",
        ),
        ("resolution", letter.resolution),
        ("note", letter.note),
        ("staged", json.dumps(letter.staged) if letter.staged else None),
        ("request", json.dumps(letter.request, indent=2) if letter.request else None),
        ("status", letter.status),
        ("headers", "\n".join(f"{k}: {v}" for k, v in letter.headers.items()) or None),
    ):
        if value is not None:
            console.print(f"{name:<11} {str(value).replace(chr(10), chr(10) + ' ' * 12)}", markup=False)
    if letter.body is not None:
        console.print(f"body        {letter.body_length} bytes:", markup=False)
        console.print(letter.body[:4000], markup=False)
    console.print("history:")
    for step in history:
        console.print(
            f"  {step.at:%Y-%m-%d %H:%M:%S}  {step.from_state or '-'} -> {step.to_state}  by {step.who}: {step.why}",
            markup=False,
        )


@dlq.command(short_help="Fetch again into the original day, and load it.")
@click.argument("ids", type=int, nargs=-1)
@click.option("--due", is_flag=True, help="All that can still be had.")
@click.option("--dataset", help="All due of this dataset.")
@click.option("--day", type=Day(), help="All due of this UTC day.")
@click.option("--error-class", help="All due of this class.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="So many at most.")
@click.option("--no-load", is_flag=True, help="Stage only; do not load the days into the warehouse.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def retry(
    ids: tuple[int, ...],
    due: bool,
    dataset: str | None,
    day: date | None,
    error_class: str | None,
    limit: int,
    no_load: bool,
    wants_json: bool,
) -> None:
    """Fetches the scope of each letter again into its original day, and loads those days.

    \b
    Exit codes: 0 all were resolved
                3 some are still open, have expired, or were not open
                1 an error
                2 wrong usage
    """
    if not (ids or due or dataset or day or error_class):
        raise click.UsageError("say which: ids, --due, --dataset, --day or --error-class")
    from oss_datastore.commands.demo import demo_world
    from oss_datastore.commands.progress import fetch_progress
    from oss_datastore.retrying import Choice, retry_chosen

    with demo_world(Settings.load()) as settings:
        with fetch_progress() as tell:
            retried = retry_chosen(settings, Choice(ids, dataset, day, error_class, limit), progress=tell)
        if retried.days and not no_load:
            from oss_datastore.commands.running import load_days

            load_days(settings, retried.days, retried.datasets)
    if wants_json:
        parts = ("resolved", "open", "expired", "skipped")
        as_json({name: list(getattr(retried, name)) for name in parts})
    else:
        skipped = list(retried.skipped)
        click.echo(
            f"{len(retried.resolved)} resolved, {len(retried.open)} still open, {len(retried.expired)} expired"
            + (f", {len(skipped)} skipped (not open, or being retried by another): {skipped}" if skipped else "")
        )
    if not retried.is_whole:
        raise click.exceptions.Exit(3)


@dlq.command(short_help="Give letters up, with a reason.")
@click.argument("ids", type=int, nargs=-1, required=True)
@click.option("--reason", required=True, help="Why it is not needed; kept in the letter's history.")
def discard(ids: tuple[int, ...], reason: str) -> None:
    """Gives letters up; further failures of the same cause stay discarded."""
    settings = Settings.load()
    queue = open_queue(settings)
    for letter_id in ids:
        queue.discard(letter_id, who=os.environ.get("USER", "someone"), why=reason)
        click.echo(f"letter {letter_id} is discarded: {reason}")
