"""`forget`: takes a person's data out of everything that is kept, and keeps it out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from oss_datastore.connections import open_queue, open_store, open_warehouse
from oss_datastore.settings import Settings
from oss_datastore.staging.forgetting import rewrite_staged
from oss_datastore.staging.store import RawStore
from oss_datastore.staging.suppression import NOBODY, Suppression

_WAITING_LETTERS = "dead_letter_queue/"


class UnknownPerson(click.ClickException):
    """Nothing that is loaded names an account of that login."""


@dataclass(frozen=True)
class Person:
    """An account: its numeric id, and every login it had on a loaded day."""

    id: int
    logins: frozenset[str]


@click.command(short_help="Take a person's data out of everything, and keep it out.")
@click.option("--user", "login", required=True, help="Login of the account, now or on any loaded day.")
@click.option("--id", "user_id", type=int, help="Its numeric id, where several accounts have had the login.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(login: str, user_id: int | None, yes: bool) -> None:
    """Rewrites the staged answers that name a person, empties letters, removes the report and loads everything anew.

    The account goes on a list of keyed hashes, so that no later fetch brings it back. Texts that others wrote stay as
    they are. Safe to repeat: a command that was killed goes on.
    """
    settings = Settings.load()
    store = open_store(settings)
    login = login.lstrip("@")
    person = _person(settings, store, login, user_id)
    if not yes and sys.stdin.isatty():
        names = ", ".join(sorted(person.logins))
        click.confirm(f"Forget {names} (account {person.id or 'already on the list'}) in all that is kept?", abort=True)
    # First the list: what is fetched from now on does not name the person.
    suppression = Suppression.extend(store, person.id, person.logins) if person.id else Suppression.read(store)
    staged = rewrite_staged(store, suppression)
    click.echo(f"{staged.changed} of {staged.objects} staged objects named {login} and were rewritten")
    letters = _redact_letters(settings, store, person.logins)
    click.echo(f"{letters} dead letters named {login} and lost the answer they held")
    settings.report_path.unlink(missing_ok=True)
    for path in _files_that_name(settings, person.logins):
        click.echo(f"{path} (OSS_DATASTORE_FILES) names {login}: that file is yours to change", err=True)
    from oss_datastore.commands.running import rebuild_all

    sys.exit(rebuild_all(settings))


def _person(settings: Settings, store: RawStore, login: str, user_id: int | None) -> Person:
    """Who bears or bore a login. Raises UnknownPerson, or UsageError where several accounts did."""
    found = _accounts_of(settings, login)
    if user_id is not None:
        return Person(user_id, frozenset({login, *found.get(user_id, ())}))
    if len(found) > 1:
        numbers = ", ".join(map(str, sorted(found)))
        raise click.UsageError(f"several accounts have had the login {login}: name one by --id ({numbers})")
    if not found:
        if Suppression.read(store).has_login(login):
            return Person(0, frozenset({login}))
        raise UnknownPerson(f"nothing that is loaded names an account {login}; if you know its number, give --id")
    [(number, logins)] = found.items()
    return Person(number, frozenset({login, *logins}))


def _accounts_of(settings: Settings, login: str) -> dict[int, set[str]]:
    """Accounts that had a login on a loaded day, with all logins each has had."""
    from oss_datastore.warehouse import WarehouseRefused, ask

    warehouse = open_warehouse(settings)
    if not warehouse.is_loaded():
        return {}
    if not re.fullmatch(r"[\w.\[\]-]+", login):
        raise click.UsageError(f"{login!r} is no login")
    sql = (
        "select distinct a.user_id, b.login from psa_pii.actors a join psa_pii.actors b on b.user_id = a.user_id "  # noqa: S608
        f"where lower(a.login) = '{login.lower()}' and b.login is not null"
    )
    try:
        _, rows = ask(warehouse, sql)
    except WarehouseRefused:
        return {}
    found: dict[int, set[str]] = {}
    for number, name in rows:
        found.setdefault(int(number), set()).add(name)
    return found


def _redact_letters(settings: Settings, store: RawStore, logins: frozenset[str]) -> int:
    """Empties letters that name a login, in the queue and in what waits for it; how many in the queue."""
    patterns = [re.compile(_pattern(login).encode(), re.IGNORECASE) for login in logins]
    for key in list(store.list(_WAITING_LETTERS)):
        data = clean = store.get(key)
        for pattern in patterns:
            clean = pattern.sub(rb"\1" + NOBODY.encode() + rb"\2", clean)
        if clean != data:
            store.rewrite(key, clean)
    store.purge(_WAITING_LETTERS)
    queue = open_queue(settings)
    try:
        return sum(queue.redact(login, _pattern(login)) for login in logins)
    finally:
        queue.close()


def _pattern(login: str) -> str:
    """A login as a word of its own, for PostgreSQL and Python alike."""
    return rf"(^|[^A-Za-z0-9-]){re.escape(login)}($|[^A-Za-z0-9-])"


def _files_that_name(settings: Settings, logins: frozenset[str]) -> Iterator[Path]:
    if settings.files is None:
        return
    for path in sorted(Path(settings.files).glob("*.csv")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(re.search(_pattern(login), text, re.IGNORECASE) for login in logins):
            yield path
