"""A wire shim: Redshift's protocol and words in front of a PostgreSQL. No test stands here.

The unmodified drivers (psycopg2, redshift_connector) and the unmodified dbt adapter talk to it. It judges every
statement by the vocabulary and lets the refused ones fail, takes away what PostgreSQL does not know, and serves COPY of
Parquet from the S3 stand-in within the caller's transaction. It proves drivers, order of statements, transactions and
rows. It does not prove that Redshift takes a statement: that is the vocabulary's part, and in the end a real cluster's.
"""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from oss_datastore_tests.redshift.copying import COPY, CopyFails, rows_as_csv
from oss_datastore_tests.redshift.words import for_postgres

HELPERS = Path(__file__).with_name("helpers.sql")

_SSL_REQUEST = 80877103
_PROTOCOL = 196608
_SERVER_VERSION = b"8.0.2"
_AT_ONCE = 1 << 20
_CATALOGUE = re.compile(r"information_schema|\bpg_\w+|\bsvv_\w+", re.IGNORECASE)
_QUESTION = re.compile(r"\s*(/\*.*?\*/\s*)?(select|with)\b", re.IGNORECASE | re.DOTALL)


@dataclass
class Shim:
    """Serves one PostgreSQL cluster, at `host` and `port`, to any number of connections until it is closed."""

    postgres_url: str
    s3_endpoint: str
    judge: Callable[[str], None]
    statements: list[str] = field(default_factory=list)
    """Every statement that came, in its order."""
    refused: list[str] = field(default_factory=list)
    """What the vocabulary said of those it refused."""

    def __post_init__(self) -> None:
        self._faults: list[tuple[re.Pattern[str], str]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections; those that are open end with their clients."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, database: str) -> str:
        """Address of a database, as the setting takes it."""
        return f"redshift://loader:any-password@{self.host}:{self.port}/{database}?sslmode=disable"

    def behind(self, database: str) -> str:
        """How PostgreSQL itself is reached for a database."""
        return make_dsn(self.postgres_url, dbname=database)

    def prepare(self, database: str) -> None:
        """Makes in a database what Redshift has and PostgreSQL lacks."""
        with closing(psycopg2.connect(self.behind(database))) as connection, connection, connection.cursor() as cursor:
            cursor.execute(HELPERS.read_text(encoding="utf-8"))

    def fail_once(self, pattern: str, message: str) -> None:
        """The next statement that matches fails with this message, as the server's own."""
        self._faults.append((re.compile(pattern, re.IGNORECASE), message))

    def trouble_with(self, statement: str, *, of_adapter: bool) -> str | None:
        """Why a statement is to fail, if it is; notes it.

        The adapter asks the system catalogue in words of its own, which are its makers' to answer for.
        """
        self.statements.append(statement)
        for fault in self._faults:
            if fault[0].search(statement):
                self._faults.remove(fault)
                return fault[1]
        if of_adapter and _QUESTION.match(statement) and _CATALOGUE.search(statement):
            return None
        try:
            self.judge(statement)
        except ValueError as why:
            self.refused.append(str(why))
            return str(why)
        return None

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            parameters = _startup_of(client)
            if parameters is not None:
                with closing(_connect(self.postgres_url)) as server:
                    server.sendall(_startup(self.postgres_url, parameters))
                    of_adapter = "driver_version" in parameters
                    _Relay(self, client, server, parameters["database"], of_adapter).run()


@dataclass
class _Relay:
    """One connection: frames of the client are looked at and passed on, those of the server mostly just passed on."""

    shim: Shim
    client: socket.socket
    server: socket.socket
    database: str
    of_adapter: bool

    def run(self) -> None:
        """Passes frames until one side closes."""
        self.answers = _Frames(self.server)
        questions = _Frames(self.client)
        while True:
            ready, _, _ = select.select([self.client, self.server], [], [])
            if self.server in ready:
                if not self.answers.fill():
                    return
                for kind, body in self.answers:
                    self._to_client(kind, body)
            if self.client in ready:
                if not questions.fill():
                    return
                for kind, body in questions:
                    if kind == b"X":
                        return
                    self._from_client(kind, body)

    def _to_client(self, kind: bytes, body: bytes) -> None:
        if kind == b"S" and body.startswith(b"server_version\0"):
            body = b"server_version\0" + _SERVER_VERSION + b"\0"
        self.client.sendall(_frame(kind, body))

    def _ask(self, statement: str) -> None:
        self.server.sendall(_frame(b"Q", statement.encode() + b"\0"))

    def _from_client(self, kind: bytes, body: bytes) -> None:
        if kind == b"Q":
            statement = body[:-1].decode()
            trouble = self.shim.trouble_with(statement, of_adapter=self.of_adapter)
            copy = COPY.match(statement)
            if trouble:
                self._ask(f"select shim_fails({_literal(trouble)})")
            elif copy:
                self._copy(copy)
            else:
                self._ask(for_postgres(statement))
        elif kind == b"P":
            name, text, rest = body.split(b"\0", 2)
            trouble = self.shim.trouble_with(text.decode(), of_adapter=self.of_adapter)
            sent = f"select shim_fails({_literal(trouble)})" if trouble else for_postgres(text.decode())
            self.server.sendall(_frame(b"P", name + b"\0" + sent.encode() + b"\0" + rest))
        else:
            self.server.sendall(_frame(kind, body))

    def _copy(self, copy: re.Match[str]) -> None:
        try:
            with closing(psycopg2.connect(self.shim.behind(self.database))) as connection:
                data = b"".join(rows_as_csv(copy, self.shim.s3_endpoint, connection.cursor()))
        except CopyFails as why:
            self._ask(f"select shim_fails({_literal(str(why))})")
            return
        self._ask(f"copy {copy['table']} from stdin (format csv)")
        while True:
            if not self.answers.fill():
                raise ConnectionResetError("the server has gone")
            for kind, body in self.answers:
                if kind == b"G":
                    for start in range(0, len(data), _AT_ONCE):
                        self.server.sendall(_frame(b"d", data[start : start + _AT_ONCE]))
                    self.server.sendall(_frame(b"c", b""))
                    return
                self._to_client(kind, body)
                if kind == b"Z":
                    return


class _Frames:
    """The whole frames that have come from a socket: (kind, body)."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source
        self._buffer = bytearray()

    def fill(self) -> bool:
        """Takes what has come; False where the other side has closed."""
        found = self._source.recv(1 << 16)
        self._buffer += found
        return bool(found)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        while len(self._buffer) >= 5:
            (length,) = struct.unpack_from("!i", self._buffer, 1)
            if len(self._buffer) < length + 1:
                return
            kind, body = bytes(self._buffer[:1]), bytes(self._buffer[5 : length + 1])
            del self._buffer[: length + 1]
            yield kind, body


def _frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def _startup_of(client: socket.socket) -> dict[str, str] | None:
    """What a client says at first; None for what is no beginning of a session. TLS is declined."""
    while True:
        length, code = struct.unpack("!ii", _exactly(client, 8))
        rest = _exactly(client, length - 8)
        if code == _SSL_REQUEST:
            client.sendall(b"N")
            continue
        if code != _PROTOCOL:
            return None
        texts = [text.decode() for text in rest.split(b"\0")]
        return dict(zip(texts[::2], texts[1::2], strict=False))


def _startup(postgres_url: str, parameters: dict[str, str]) -> bytes:
    """The same for PostgreSQL: what it does not know is left out, and its planner is told to join whole tables."""
    told = {
        "user": parse_dsn(postgres_url)["user"],
        "database": parameters["database"],
        "application_name": parameters.get("application_name", "shim"),
        "client_encoding": "UTF8",
        "options": "-c timezone=UTC -c enable_nestloop=off",
    }
    body = struct.pack("!i", _PROTOCOL) + b"".join(f"{k}\0{v}\0".encode() for k, v in told.items()) + b"\0"
    return struct.pack("!i", len(body) + 4) + body


def _connect(postgres_url: str) -> socket.socket:
    address = parse_dsn(postgres_url)
    port = address.get("port", "5432")
    if address["host"].startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{address['host']}/.s.PGSQL.{port}")
        return server
    return socket.create_connection((address["host"], int(port)))


def _exactly(source: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = source.recv(count - len(found))
        if not more:
            raise ConnectionResetError("the client has gone")
        found += more
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
