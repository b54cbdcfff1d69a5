"""`demo`: thirty days of an organisation that does not exist, from its GitHub to the report, in a few minutes."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oss_datastore.clock import day_close
from oss_datastore.commands.output import console, table
from oss_datastore.commands.progress import is_terminal, run_progress
from oss_datastore.commands.world import MARKER, ORG, DemoWorld, Marker, environment
from oss_datastore.completeness import day_state, unsettled
from oss_datastore.connections import open_fetcher, open_queue, open_store, open_warehouse, prepare_home, release_queue
from oss_datastore.settings import Settings
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import ask

if TYPE_CHECKING:
    from oss_datastore.runs import Runner


@click.command(short_help="Live through thirty days of an invented organisation, and leave its report.")
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True, help="Days to live through.")
@click.option("--repos", type=click.IntRange(2, 2000), default=12, show_default=True, help="Repositories.")
def demo(days: int, repos: int) -> None:
    """Fetches each day under a moving clock from a GitHub served on loopback, then loads all days at once.

    A few failures are planted, so that a dead letter can be seen. Exit code 0 if only they remain.
    """
    began, cpu = time.monotonic(), time.process_time()
    home = Settings.load().home_path
    _make_room(home)
    last = (datetime.now(UTC) - timedelta(days=1)).date()
    first = last - timedelta(days=days - 1)
    marker = Marker(repos, first.isoformat())
    with DemoWorld(repos, _moment(first)) as world:
        os.environ.update(environment(marker, home, world.url))
        os.environ["OSS_DATASTORE_NOW"] = _moment(first).isoformat()
        settings = Settings.load()
        prepare_home(settings)
        marker.write(home)
        click.echo(f"demo: {days} days of {ORG} with {repos} repositories, {first} to {last}")
        errors = _live(world, first, last, began)
        if errors:
            for error in errors:
                click.echo(f"error: {error}", err=True)
            sys.exit(1)
        planted_only = _summary(Settings.load(), first, last)
    seconds = time.monotonic() - began
    click.echo(f"\ntook {seconds:.0f} s ({time.process_time() - cpu:.0f} s of CPU in this process)")
    release_queue()
    sys.exit(0 if planted_only else 3)


@contextmanager
def demo_world(settings: Settings) -> Iterator[Settings]:
    """On a demo home, its GitHub for as long as a command lasts; elsewhere nothing.

    Raises UsageError where a real token would be used on a home that holds invented data.
    """
    marker = Marker.read(settings.home_path)
    if marker is None or settings.github_api_url != "https://api.github.com":
        yield settings
        return
    if settings.github_token is not None and settings.github_token.written != "demo":
        raise click.UsageError(
            f"{settings.home_path} holds the data of `demo`: remove it, or set OSS_DATASTORE_HOME to another folder"
        )
    with DemoWorld(marker.repos, settings.held_now) as world:
        os.environ.update(environment(marker, settings.home_path, world.url))
        click.echo("(this home holds the demo: its GitHub is served on loopback meanwhile)", err=True)
        yield Settings.load()


def _make_room(home: Path) -> None:
    """Empties a home of an earlier demo; a home with other data is left alone."""
    if not home.exists() or not any(home.iterdir()):
        return
    if not (home / MARKER).exists():
        raise click.UsageError(
            f"{home} holds data that is not the demo's: set OSS_DATASTORE_HOME to an empty folder for the demo"
        )
    from oss_datastore.dead_letters.embedded import EmbeddedPostgres

    EmbeddedPostgres(home).stop()
    shutil.rmtree(home)


def _moment(day: date) -> datetime:
    """When a day is fetched: ten minutes after its close, and never in the future."""
    return min(day_close(day) + timedelta(minutes=10), datetime.now(UTC))


def _live(world: DemoWorld, first: date, last: date, began: float) -> list[str]:
    from oss_datastore.resources import GitHubResource
    from oss_datastore.runs import Runner

    count = (last - first).days + 1
    with run_progress(runs=count) as shown:
        runner = Runner(Settings.load(), resources={"github": GitHubResource(pace=False)}, watcher=shown)
        return _live_through(world, runner, first, last, began)


def _live_through(world: DemoWorld, runner: Runner, first: date, last: date, began: float) -> list[str]:
    click.echo(f"definitions loaded after {time.monotonic() - began:.0f} s; fetching")
    names = _repositories(world)
    planted = _planted(names, first, last)
    count = (last - first).days + 1
    for number in range(count):
        day = first + timedelta(days=number)
        os.environ["OSS_DATASTORE_NOW"] = _moment(day).isoformat()
        world.at(_moment(day))
        world.break_things(planted.get(day, {}))
        done = runner.run(day, day, select="group:staging")
        if not done.success:
            return [f"{day}: {error}" for error in done.errors] or [f"{day}: the run failed"]
        if not is_terminal():
            click.echo(f"  {day}: day {number + 1} of {count} fetched ({time.monotonic() - began:.0f} s)")
        if count >= 4 and day == first + timedelta(days=count * 2 // 3):
            world.break_things({})
            _retry(Settings.load(), day)
    world.break_things({})
    click.echo("loading all days into psa, vault and infomarts, and writing the report")
    done = runner.run(first, last, select="not group:staging")
    return list(done.errors) or ([] if done.success else ["the load failed"])


def _repositories(world: DemoWorld) -> list[str]:
    import requests

    headers = {"Authorization": "token demo", "User-Agent": "oss-datastore"}
    answer = requests.get(f"{world.url}/orgs/{ORG}/repos?per_page=100", headers=headers, timeout=30)
    answer.raise_for_status()
    usable = [repo for repo in answer.json() if not repo["archived"] and repo["size"]]
    return [str(repo["full_name"]) for repo in sorted(usable, key=lambda r: -r["stargazers_count"])]


def _planted(names: list[str], first: date, last: date) -> dict[date, dict[str, str]]:
    """Which requests go wrong on which day, whatever the number of attempts: what a reader should have seen once."""
    count = (last - first).days + 1
    planted: dict[date, dict[str, str]] = {last: {f"bad_gateway@/repos/{names[0]}/traffic/views": "1:sticky"}}
    if count >= 4:
        # Retried on the same day: resolved.
        planted[first + timedelta(days=count * 2 // 3)] = {
            f"unavailable@/repos/{names[-1]}/issues/comments": "1:sticky",
            f"unavailable@/repos/{names[-1]}/traffic/popular/referrers": "1:sticky",
        }
        # Nobody retries it in time: the snapshot of that day is lost, and the page says so.
        planted[first + timedelta(days=count // 3)] = {
            f"server_error@/repos/{names[1]}/traffic/popular/paths": "1:sticky"
        }
        # One issue comes without its id: the record waits as a letter, the others are loaded.
        planted[first] = {f"malformed_item@/repos/{names[-1]}/issues/1": "1:sticky"}
    return planted


def _retry(settings: Settings, day: date) -> None:
    """What an administrator would do on reading the alert."""
    from oss_datastore.dead_letters.retry import retry

    queue = open_queue(settings)
    letters = queue.claim(day=day, who="demo")
    fetcher = open_fetcher(settings, pace=False)
    try:
        report = retry(letters, queue, fetcher, who="demo")
    finally:
        fetcher.github.close()
    click.echo(f"  {day}: {len(letters)} dead letters retried, {len(report.resolved)} resolved")


def _summary(settings: Settings, first: date, last: date) -> bool:
    """Says what came of it; True when nothing but the planted failures is left."""
    from oss_datastore.commands.running import tell

    staging = Staging(open_store(settings))
    states = [day_state(staging, first + timedelta(days=n)) for n in range((last - first).days + 1)]
    scopes: Counter[str] = sum((state.states for state in states), Counter())
    warehouse = open_warehouse(settings)
    _, [(requests_, points, rows)] = ask(
        warehouse, "select sum(requests), sum(points), sum(rows) from psa.fetch_ledger"
    )
    _, names = ask(
        warehouse, "select table_name from information_schema.tables where table_schema = 'infomarts' order by 1"
    )
    marts = [(name, ask(warehouse, f'select count(*) from infomarts."{name}"')[1][0][0]) for (name,) in names]  # noqa: S608
    tell(settings)
    letters = open_queue(settings).list(states=("open", "retrying", "resolved", "expired"))
    console.print("\nfetched", style="bold")
    click.echo(f"  {requests_} requests and {points} GraphQL points gave {rows} rows")
    click.echo("  planned scopes: " + ", ".join(f"{n} {state}" for state, n in sorted(scopes.items())))
    console.print("\ninfomarts", style="bold")
    table(("  rows", "mart"), [(f"  {count}", name) for name, count in marts])
    console.print("\ndead letters (planted)", style="bold")
    now = settings.clock.now()
    table(
        ("  id", "day", "dataset", "error", "state", "can be had"),
        [(f"  {le.id}", le.day, le.dataset, le.error_class, le.state, le.recoverable(now)) for le in letters],
    )
    still_open = [letter for letter in letters if letter.state == "open"]
    retryable = [
        le for le in still_open if le.source != "etl" and not (le.recoverable_until and le.recoverable_until <= now)
    ]
    if retryable:
        click.echo(f"\n  read one:   oss-datastore dlq show {retryable[0].id}")
        click.echo(f"  retry it:   oss-datastore dlq retry {retryable[0].id}")
    click.echo(f"\nreport: {settings.report_path}")
    click.echo("UI:     make ui")
    left = unsettled(states)
    # A letter that expired tells of a scope that stays missing, as one that is open does.
    told = {(le.dataset, le.scope, le.day) for le in letters if le.state in ("open", "expired")}
    return sum(left.values()) == len(told)
