"""Makes what the PostgreSQL of a deployment lacks: Dagster's user and database, and one for the warehouse.

Started in front of the code location, by the address of the administrator (DLQ_URL). May be repeated: what is there
stays, and Dagster's user gets the password that DAGSTER_POSTGRES_URL names. The queue's own schema is made by whoever
connects to it first.
"""

from __future__ import annotations

from contextlib import closing
from os import environ
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg2
from psycopg2 import sql

from oss_datastore.settings import Settings


def main() -> None:
    """Prepares the server that the environment names. Raises WrongSetting, psycopg2.Error."""
    settings = Settings.load()
    if settings.dlq_url is None:
        raise SystemExit("DLQ_URL: is not set")
    warehouse = settings.warehouse_url if settings.warehouse == "postgres" else None
    prepare(
        settings.dlq_url.get_secret_value(),
        environ["DAGSTER_POSTGRES_URL"],
        warehouse.get_secret_value() if warehouse else None,
    )


def prepare(administrator: str, dagster: str, warehouse: str | None) -> None:
    """Makes user and databases by the administrator's address. A warehouse on another server is left alone."""
    there, wanted = urlsplit(administrator), urlsplit(dagster)
    user, password = unquote(wanted.username or ""), unquote(wanted.password or "")
    with closing(psycopg2.connect(administrator)) as connection:
        # A database cannot be made within a transaction.
        connection.autocommit = True
        cursor = connection.cursor()
        _make_user(cursor, user, password)
        _make_database(cursor, wanted.path.strip("/"), owner=user)
        if warehouse is not None and _place(urlsplit(warehouse)) == _place(there):
            _make_database(cursor, urlsplit(warehouse).path.strip("/"))
        # By default everybody may connect to every database.
        cursor.execute(
            sql.SQL("revoke connect, temporary on database {} from public").format(_named(there.path.strip("/")))
        )


def _make_user(cursor: Any, user: str, password: str) -> None:
    cursor.execute("select from pg_roles where rolname = %s", [user])
    verb = sql.SQL("alter" if cursor.rowcount else "create")
    cursor.execute(
        sql.SQL("{} role {} login password {}").format(verb, _named(user), sql.Literal(password)),
    )
    # Whoever is no superuser may give a database only to a role that they may become.
    cursor.execute(sql.SQL("grant {} to current_user").format(_named(user)))


def _make_database(cursor: Any, name: str, owner: str | None = None) -> None:
    cursor.execute("select from pg_database where datname = %s", [name])
    if not cursor.rowcount:
        owned = sql.SQL("owner {}").format(_named(owner)) if owner else sql.SQL("")
        cursor.execute(sql.SQL("create database {} {}").format(_named(name), owned))
    cursor.execute(sql.SQL("revoke connect, temporary on database {} from public").format(_named(name)))


def _named(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _place(address: Any) -> tuple[str | None, int]:
    return address.hostname, address.port or 5432


if __name__ == "__main__":
    main()
