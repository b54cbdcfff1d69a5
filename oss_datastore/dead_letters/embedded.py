"""A PostgreSQL server of our own below the home folder, for whoever has none.

Here belong start, stop and recovery. What is stored in it does not.

What is true is asked of the kernel, never of a pid file: the server and all its children hold a lock on a file
(they inherit the open file), so "a process of this cluster lives" is exactly "the lock is taken", also after
kill -9, also when the pid in `postmaster.pid` belongs to somebody else by now. Whoever uses the server holds a
shared lock on a second file for as long as its process lives, so the last one to leave can stop it. A third lock
serialises starting and stopping. Connections go through a socket in a private folder, and only the user who
started the server gets in (peer authentication): there is no password that could leak.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from oss_datastore.dead_letters.binaries import ENVIRONMENT, Account, PostgresUnavailable, find_binaries, server_account
from oss_datastore.dead_letters.processes import (
    closing_file,
    is_private,
    open_lock,
    program,
    reached,
    try_lock,
    wait_for,
)

__all__ = ["EmbeddedPostgres", "PostgresUnavailable"]

_DATABASE = "dlq"
_SUPERUSER = "postgres"
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 bytes on Linux, 103 on macOS
_PATIENCE = 60.0  # seconds for a start with recovery, a stop, or another process doing either
_MISSING_SOCKET_PATIENCE = 5.0
_LARGEST_LOG = 5 * 1024 * 1024

_CONFIGURATION = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failed statement would carry letters into the log.
    "log_min_error_statement": "panic",
    "jit": "off",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class EmbeddedPostgres:
    """One cluster in `home/postgres`, shared by all processes that use the home.

    `binaries` names the folder of the programs where it shall not be searched; `durable=False` is for tests, `settings`
    for a server with more to do than keep letters.
    """

    home: Path
    binaries: Path | None = None
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)
    _using: int | None = field(default=None, init=False, repr=False)

    def start(self) -> str:
        """Start the server or join the running one; the address of the database `dlq`.

        Raises `PostgresUnavailable`. The process counts as a user until `release` or its end.
        """
        with self._exclusive():
            if self._using is None:
                self._using = open_lock(self._folder / "users")
                fcntl.flock(self._using, fcntl.LOCK_SH)
            if not self._answers():
                self._bring_up()
            self._make_database(_DATABASE)
        return self.url

    @property
    def url(self) -> str:
        """The address of the database `dlq`; no secret in it."""
        return self._url(_DATABASE)

    def ensure_database(self, name: str) -> str:
        """Make a further database if it is not there; its address."""
        with self._exclusive():
            self._make_database(name)
        return self._url(name)

    def release(self) -> None:
        """Leave; the last user stops the server."""
        with self._exclusive():
            self._leave()
            with closing_file(open_lock(self._folder / "users")) as users:
                if try_lock(users):
                    self._stop()

    def leave(self) -> None:
        """Stop counting as a user and let the server run on."""
        with self._exclusive():
            self._leave()

    def stop(self) -> None:
        """Stop the server, whoever uses it."""
        with self._exclusive():
            self._leave()
            self._stop()

    # --- places ---

    @property
    def _folder(self) -> Path:
        return Path(os.path.abspath(self.home)) / "postgres"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _url(self, database: str) -> str:
        return f"postgresql://{_SUPERUSER}@/{quote(database)}?host={quote(str(self._socket_folder()), safe='')}"

    def _socket_folder(self) -> Path:
        """Where the socket lies: beside the data, or in a private short folder that a note names."""
        beside = self._folder / "socket"
        if _can_hold_a_socket(beside):
            return beside
        with suppress(FileNotFoundError):
            return Path((self._folder / "socket_folder").read_text())
        return beside

    def _make_socket_folder(self, account: Account) -> Path:
        folder = self._socket_folder()
        if not _can_hold_a_socket(folder) or (folder.parent != self._folder and not is_private(folder, account)):
            base = tempfile.gettempdir()
            folder = Path(tempfile.mkdtemp(prefix="oss-datastore-", dir=base if len(base) < 60 else "/tmp"))  # noqa: S108
            (self._folder / "socket_folder").write_text(str(folder))
        folder.mkdir(mode=0o700, exist_ok=True)
        account.own(folder)
        return folder

    def _remove_socket_folder(self) -> None:
        """A folder in a place open to all is not left behind."""
        folder = self._socket_folder()
        if folder.parent != self._folder and is_private(folder, server_account()):
            shutil.rmtree(folder)
            (self._folder / "socket_folder").unlink()

    # --- locks ---

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Only one process at a time starts, stops or counts."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = open_lock(self._folder / "lock")
        except OSError as problem:
            raise PostgresUnavailable(
                f"Cannot use {self._folder} for the embedded PostgreSQL: {problem.strerror}; "
                "check OSS_DATASTORE_HOME and its owner, or set DLQ_URL"
            ) from problem
        with closing_file(lock):
            if not wait_for(lambda: try_lock(lock), _PATIENCE):
                raise PostgresUnavailable(
                    f"Another process has been starting or stopping the PostgreSQL in {self._folder} "
                    f"for {_PATIENCE:.0f} seconds; end it or set DLQ_URL"
                )
            try:
                yield
            except OSError as problem:
                raise PostgresUnavailable(
                    f"The embedded PostgreSQL in {self._folder} failed: {problem.strerror or problem}"
                    f"{f' ({problem.filename})' if problem.filename else ''}; check its disk and owner, or set DLQ_URL"
                ) from problem

    def _leave(self) -> None:
        if self._using is not None:
            os.close(self._using)
            self._using = None

    def _lives(self) -> bool:
        """Whether any process of the cluster lives: the postmaster or a child that survived it."""
        with closing_file(open_lock(self._folder / "server")) as lock:
            return not try_lock(lock)

    def _answers(self) -> bool:
        try:
            with closing(psycopg2.connect(self._url("postgres"), connect_timeout=5)):
                return True
        except psycopg2.OperationalError as problem:
            # A full house is a working server.
            return "too many clients" in str(problem) or "remaining connection slots" in str(problem)

    # --- start ---

    def _bring_up(self) -> None:
        account = server_account()
        if self._survived():
            return
        if not self._data.is_dir():
            self._initialise(account)
        binaries = find_binaries(account, explicit=self.binaries, major=int((self._data / "PG_VERSION").read_text()))
        with closing_file(open_lock(self._folder / "server")) as lock:
            if not try_lock(lock):
                raise PostgresUnavailable(f"Another program started a PostgreSQL in {self._folder}; try again")
            # Nobody else held the lock, so no process of the cluster lives, whatever these files say: the pid in
            # them may belong to another program by now, and PostgreSQL itself would believe it.
            for leftover in (self._data / "postmaster.pid", *self._socket_folder().glob(f"{_SOCKET}*")):
                leftover.unlink(missing_ok=True)
            self._launch(binaries.folder, account, lock)
        if not wait_for(lambda: self._answers() or not self._lives(), _PATIENCE) or not self._answers():
            raise PostgresUnavailable(
                f"The embedded PostgreSQL in {self._folder} did not start: {self._log_end()}; "
                f"see {self._folder / 'log'}, or set DLQ_URL"
            )

    def _survived(self) -> bool:
        """Whether a cluster that lives and does not answer comes to itself.

        It is starting or recovering, or has lost its postmaster and its last processes are about to end.
        """
        began = time.monotonic()
        while self._lives():
            if self._answers():
                return True
            waited = time.monotonic() - began
            if waited > _MISSING_SOCKET_PATIENCE and not (self._socket_folder() / _SOCKET).exists():
                # Somebody cleaned up the folder of the socket: nobody will ever reach this server again.
                self._stop()
            elif waited > _PATIENCE:
                raise PostgresUnavailable(
                    f"Processes of the PostgreSQL in {self._folder} run but do not answer for {_PATIENCE:.0f} "
                    "seconds; end them and try again, or set DLQ_URL"
                )
            time.sleep(0.05)
        return False

    def _initialise(self, account: Account) -> None:
        binaries = find_binaries(account, explicit=self.binaries)
        # Under another name until it is whole: a killed initdb leaves nothing that looks like data.
        # Each has a name of its own, because the initdb of a start that was killed may still write for a moment.
        for leftover in self._folder.glob("data.unfinished*"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="data.unfinished.", dir=self._folder))
        account.own(fresh)
        options = ["--username", _SUPERUSER, "--encoding", "UTF8", "--no-locale", "--auth", "peer"]
        with reached(fresh, account) as (path, files):
            done = subprocess.run(  # noqa: S603
                [binaries.folder / "initdb", "-D", path, *options, *([] if self.durable else ["--no-sync"])],
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                env=ENVIRONMENT,
                pass_fds=files,
                **account.options,
            )
        if done.returncode != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            lines = [line for line in done.stderr.splitlines() if "removing" not in line and line.strip()]
            raise PostgresUnavailable(
                f"Cannot make the embedded PostgreSQL's data in {self._folder}: {lines[-1] if lines else 'no reason'}; "
                "check disk and owner, or set DLQ_URL"
            )
        fresh.rename(self._data)

    def _write_access(self) -> Path:
        """Only we get in. Outside the data, because root must not write where the server's account could have
        put a link, and at each start, because a home may change its owner.
        """
        own = pwd.getpwuid(os.geteuid()).pw_name
        folder = self._folder / "access"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        for name, text in (
            ("pg_hba.conf", "local all all peer map=owner\n"),
            ("pg_ident.conf", f'owner "{own}" {_SUPERUSER}\n'),
        ):
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        return folder

    def _launch(self, folder: Path, account: Account, lock: int) -> None:
        """Start the server, which inherits and so keeps the lock."""
        log = self._folder / "log"
        with suppress(FileNotFoundError):
            if log.stat().st_size > _LARGEST_LOG:
                log.replace(log.with_name("log.old"))
        socket_folder = self._make_socket_folder(account)
        configuration = {**_CONFIGURATION, **({} if self.durable else _NOT_DURABLE), **self.settings}
        with (
            reached(self._data, account) as (data, data_files),
            reached(socket_folder, account) as (socket, socket_files),
            reached(self._write_access(), account) as (access, access_files),
            closing_file(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)) as output,
        ):
            configuration |= {
                "unix_socket_directories": socket,
                "hba_file": f"{access}/pg_hba.conf",
                "ident_file": f"{access}/pg_ident.conf",
            }
            command = [str(folder / "postgres"), "-D", data]
            for name, value in configuration.items():
                command += ["-c", f"{name}={value}"]
            # Through a shell that ends at once: the server belongs to no process of ours, leaves no zombie
            # behind and outlives whoever started it. It keeps the lock by keeping the file open.
            subprocess.run(  # noqa: S603
                ["/bin/sh", "-c", '"$@" &', "sh", *command],
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=ENVIRONMENT,
                start_new_session=True,
                pass_fds=(lock, *data_files, *socket_files, *access_files),
                **account.options,
            )

    def _log_end(self) -> str:
        with suppress(OSError):
            lines = (self._folder / "log").read_text(errors="replace").splitlines()
            failures = [line for line in lines[-30:] if "FATAL" in line or "PANIC" in line]
            return (failures or lines or ["no reason in the log"])[-1].strip()
        return "no log"

    # --- stop and databases ---

    def _stop(self) -> None:
        for how in (signal.SIGINT, signal.SIGQUIT):
            if not self._lives():
                break
            self._signal(how)
            wait_for(lambda: not self._lives(), _PATIENCE / 2)
        if not self._lives():
            self._remove_socket_folder()
        else:
            raise PostgresUnavailable(f"The PostgreSQL in {self._folder} does not stop; see {self._folder / 'log'}")

    def _signal(self, how: signal.Signals) -> None:
        """Signal the postmaster, if the process with its number is one: it may have died while a child lives."""
        with suppress(OSError, ValueError, IndexError):
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            if "postgres" in program(pid):
                os.kill(pid, how)

    def _make_database(self, name: str) -> None:
        with closing(psycopg2.connect(self._url("postgres"), connect_timeout=10)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("select from pg_database where datname = %s", (name,))
                if cursor.rowcount == 0:
                    # Another start may make it at the same moment, or one that was killed a moment ago still does.
                    with suppress(psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                        cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))


def _can_hold_a_socket(folder: Path) -> bool:
    """Whether server and clients can name it: both read a comma as the end of one of several folders."""
    path = folder / _SOCKET
    return len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and not set(str(path)) & set(",'\"\\\n")
