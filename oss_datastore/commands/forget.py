"""`forget`: takes a person's data out of everything that is kept, and keeps it out."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from oss_datastore.commands.progress import counted
from oss_datastore.connections import open_queue, open_store, open_warehouse
from oss_datastore.settings import Settings
from oss_datastore.staging.forgetting import rewrite_staged
from oss_datastore.staging.lines import PREFIX
from oss_datastore.staging.store import RawStore
from oss_datastore.staging.suppression import NOBODY, Suppression
from oss_datastore.warehouse.published import forget_published

_WAITING_LETTERS = "dead_letter_queue/"


class UnknownPerson(click.ClickException):
    """Nothing that is loaded names an account of that login."""


@dataclass(frozen=True)
class Person:
    """An account: its numeric id, and every login it had on a loaded day."""

    id: int
    logins: frozenset[str]
    node_ids: frozenset[str] = frozenset()


@click.command(short_help="Take a person's data out of everything, and keep it out.")
@click.option("--user", "login", required=True, help="Login of the account, now or on any loaded day.")
@click.option("--id", "user_id", type=int, help="Its numeric id, where several accounts have had the login.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(login: str, user_id: int | None, yes: bool) -> None:
    """Rewrites the staged answers that name a person, empties letters, removes report and files, and loads all anew.

    The account goes on a list of keyed hashes, so that no later fetch brings it back. Texts that others wrote stay as
    they are. Safe to repeat: a command that was killed goes on.
    """
    settings = Settings.load()
    store = open_store(settings)
    login = login.lstrip("@")
    person = _person(settings, store, login, user_id)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("what is forgotten cannot be brought back: give --yes where nobody can be asked")
    if not yes:
        names = ", ".join(sorted(person.logins))
        click.confirm(f"Forget {names} (account {person.id or 'already on the list'}) in all that is kept?", abort=True)
    # First the list: what is fetched from now on does not name the person.
    suppression = (
        Suppression.extend(store, person.id, person.logins, person.node_ids) if person.id else Suppression.read(store)
    )
    with counted("staged objects", sum(1 for _ in store.list(f"{PREFIX}/"))) as tell:
        staged = rewrite_staged(store, suppression, tell)
    click.echo(f"{staged.changed} of {staged.objects} staged objects named {login} and were rewritten")
    letters = _redact_letters(settings, store, person.logins)
    click.echo(f"{letters} dead letters named {login} and lost the answer they held")
    settings.report_path.unlink(missing_ok=True)
    forget_published(store)
    for path in _files_that_name(settings, person.logins):
        click.echo(f"{path} (OSS_DATASTORE_FILES) names {login}: that file is yours to change", err=True)
    from oss_datastore.commands.running import rebuild_all

    sys.exit(rebuild_all(settings))


def _person(settings: Settings, store: RawStore, login: str, user_id: int | None) -> Person:
    """Who bears or bore a login. Raises UnknownPerson, or UsageError for several accounts and for organisations."""
    if not re.fullmatch(r"[\w.\[\]-]+", login):
        raise click.UsageError(f"{login!r} is no login")
    found = _accounts_of(settings, login, user_id)
    if user_id is not None:
        known = found.get(user_id, Person(user_id, frozenset()))
        return replace(known, logins=known.logins | {login})
    if len(found) > 1:
        numbers = ", ".join(map(str, sorted(found)))
        raise click.UsageError(f"several accounts have had the login {login}: name one by --id ({numbers})")
    if not found:
        if Suppression.read(store).has_login(login):
            return Person(0, frozenset({login}))
        raise UnknownPerson(f"nothing that is loaded names an account {login}; if you know its number, give --id")
    [person] = found.values()
    return replace(person, logins=person.logins | {login})


def _accounts_of(settings: Settings, login: str, user_id: int | None) -> dict[int, Person]:
    """Accounts that had a login on a loaded day (or the one with that number), with all logins each has had."""
    from oss_datastore.warehouse import WarehouseRefused, ask

    warehouse = open_warehouse(settings)
    if not warehouse.is_loaded():
        return {}
    chosen = f"a.user_id = {user_id}" if user_id is not None else f"lower(a.login) = '{login.lower()}'"
    sql = (
        "select distinct b.user_id, b.login, b.node_id, b.type "  # noqa: S608
        f"from psa_pii.actors a join psa_pii.actors b on b.user_id = a.user_id where {chosen}"
    )
    try:
        _, rows = ask(warehouse, sql)
    except WarehouseRefused:
        return {}
    found: dict[int, Person] = {}
    for number, name, node_id, kind in rows:
        if kind == "Organization":
            raise click.UsageError(f"{login} is an organisation; only persons are forgotten")
        person = found.get(number, Person(number, frozenset()))
        logins, node_ids = person.logins | ({name} - {None}), person.node_ids | ({node_id} - {None})
        found[number] = Person(number, logins, node_ids)
    return found


def _redact_letters(settings: Settings, store: RawStore, logins: frozenset[str]) -> int:
    """Empties letters that name a login, in the queue and in what waits for it; how many in the queue."""
    named = re.compile("|".join(_pattern(login) for login in logins), re.IGNORECASE)
    for key in list(store.list(_WAITING_LETTERS)):
        data = store.get(key)
        clean = _emptied(data, named)
        if clean != data:
            store.rewrite(key, clean)
    store.purge(_WAITING_LETTERS)
    queue = open_queue(settings)
    try:
        return sum(queue.redact(login, _pattern(login)) for login in logins)
    finally:
        queue.close()


def _emptied(data: bytes, named: re.Pattern[str]) -> bytes:
    """An entry of the spool whose letters that name somebody hold no answer; what is no entry loses the login."""
    text = data.decode("utf-8", "replace")
    if not named.search(text):
        return data
    try:
        entry = json.loads(text)
        rows = [
            {**row, "body": None, "body_encoding": None} if named.search(json.dumps(row)) else row
            for row in entry.get("rows", ())
        ]
        text = json.dumps({**entry, **({"rows": rows} if "rows" in entry else {})})
    except (ValueError, AttributeError, TypeError):
        pass  # it is in the way of nobody and a person looks at it
    return named.sub(NOBODY, text).encode()


def _pattern(login: str) -> str:
    """A login as a word of its own, for PostgreSQL and Python alike."""
    return rf"(?<![A-Za-z0-9_-]){re.escape(login)}(?![A-Za-z0-9_-])"


def _files_that_name(settings: Settings, logins: frozenset[str]) -> Iterator[Path]:
    if settings.files is None:
        return
    for path in sorted(Path(settings.files).glob("*.csv")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if any(re.search(_pattern(login), text, re.IGNORECASE) for login in logins):
            yield path
