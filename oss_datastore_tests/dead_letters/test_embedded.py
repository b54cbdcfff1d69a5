"""The server of our own: start, stop, several users, and every way in which it or they can be killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg2
import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import (
    STATES,
    DeadLetterQueue,
    EmbeddedPostgres,
    PostgresUnavailable,
    binaries,
    embedded,
    processes,
)
from oss_datastore.dead_letters.binaries import server_account
from oss_datastore_tests.dead_letters.failures import failure


def folders() -> list[Path]:
    """One folder of programs per version that this machine has."""
    found = {binaries._version(folder / "postgres")[0]: folder for folder in reversed(list(binaries._candidates()))}
    return [folder for version, folder in sorted(found.items(), key=str) if version is not None]


needs_server = pytest.mark.skipif(not folders(), reason="no PostgreSQL programs: install the extra [embedded]")
pytestmark = needs_server


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    if (tmp_path / "home" / "postgres").exists():
        EmbeddedPostgres(tmp_path / "home").stop()


@pytest.fixture
def server(home: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(home, durable=False)


@pytest.fixture
def durable(home: Path) -> EmbeddedPostgres:
    """As people run it, except that making its data does not wait for the disk."""
    quick = EmbeddedPostgres(home, durable=False)
    with quick._exclusive():
        quick._initialise(server_account())
    return EmbeddedPostgres(home)


def write(url: str, count: int = 7) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("create table if not exists kept (n int)")
        cursor.execute("insert into kept select generate_series(1, %s)", (count,))


def rows(url: str) -> int:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from kept")
        found: int = cursor.fetchone()[0]
        return found


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0]))


def gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


# --- the usual ---


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: "-".join(folder.parts[-3:-1]))
def test_every_version_found_starts_keeps_what_was_written_and_stops(home: Path, folder: Path) -> None:
    server = EmbeddedPostgres(home, binaries=folder)
    url = server.start()
    assert url == server.url
    write(url)
    first = postmaster(home)
    assert server.start() == url
    assert postmaster(home) == first
    server.release()
    assert gone(first)
    assert rows(server.start()) == 7
    server.stop()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(url)


def test_a_further_database_is_made_once(server: EmbeddedPostgres) -> None:
    url = server.start()
    dagster = server.ensure_database("dagster")
    write(dagster)
    assert server.ensure_database("dagster") == dagster != url
    assert rows(dagster) == 7


def test_the_address_works_for_sqlalchemy_too(server: EmbeddedPostgres) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(server.start().replace("postgresql:", "postgresql+psycopg2:"))
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select current_database()")).scalar() == "dlq"
    engine.dispose()


def test_what_is_written_is_durable_in_utc_and_utf8(durable: EmbeddedPostgres) -> None:
    with closing(psycopg2.connect(durable.start())) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select current_setting('fsync'), current_setting('timezone'), current_setting('server_encoding'), "
            "current_setting('listen_addresses')"
        )
        assert cursor.fetchone() == ("on", "UTC", "UTF8", "")


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: "-".join(folder.parts[-3:-1]))
def test_the_queue_works_on_every_version_found(home: Path, folder: Path) -> None:
    url = EmbeddedPostgres(home, binaries=folder, durable=False).start()
    with closing(DeadLetterQueue(url, clock=Clock())) as queue:
        late = failure(recoverable_until=None)
        lost = failure(cause="lost", recoverable_until=datetime(2026, 1, 1, tzinfo=UTC))
        numbers = queue.put_many([late, lost, failure(cause="known", recoverable_until=None), late])
        assert {letter.id for letter in queue.claim(who="retry")} == {numbers[0], numbers[2]}
        assert queue.renew(numbers, who="retry") == 2
        assert queue.reopen(numbers[0], who="retry", why="502 again").attempts == 2
        queue.discard(numbers[2], who="ann", why="known")
        assert [letter.id for letter in queue.expire_lost(who="retry")] == [numbers[1]]
        assert queue.resolve_scope(late.dataset, late.scope, late.day, who="run", why="complete") == 1
        assert {state: sum(kinds.values()) for state, kinds in queue.counts().items()} == {
            "open": 0,
            "retrying": 0,
            "resolved": 1,
            "expired": 1,
            "discarded": 1,
        }
        assert len(queue.list(states=STATES)) == 3
        assert len(queue.transitions_since(0)) == 9
        queue.remember("a", "b")
        assert queue.recall("a") == "b"


# --- privacy ---


def test_no_folder_is_opened_to_anybody(tmp_path: Path) -> None:
    outer = tmp_path / "closed"
    outer.mkdir(mode=0o700)
    before = {path: path.stat().st_mode for path in [outer, *outer.parents]}
    server = EmbeddedPostgres(outer / "home", durable=False)
    server.start()
    try:
        assert {path: path.stat().st_mode for path in [outer, *outer.parents]} == before
        assert (outer / "home" / "postgres").stat().st_mode & 0o077 == 0
        assert (outer / "home" / "postgres" / "data").stat().st_mode & 0o077 == 0
        assert server._socket_folder().stat().st_mode & 0o077 == 0
    finally:
        server.stop()


def test_the_server_inherits_no_secret_from_our_environment(
    server: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_canary")
    server.start()
    assert "GITHUB_TOKEN" not in postmaster(home).environ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try as somebody else")
def test_another_user_does_not_get_in(server: EmbeddedPostgres) -> None:
    url = server.start()
    folder = Path(re.sub(r".*host=", "", url).replace("%2F", "/"))
    psql = shutil.which("psql") or str(folders()[-1] / "psql")
    account = server_account()
    # Even the server's own account, which reaches the socket, is refused: only root was let in.
    with processes.reached(folder, account) as (path, files):
        tried = subprocess.run(
            [psql, "-h", path, "-U", "postgres", "-c", "select 1", "dlq"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            pass_fds=files,
            **account.options,
        )
    assert tried.returncode != 0
    assert "eer authentication failed" in tried.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_runs_it_as_an_unprivileged_user(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    assert postmaster(home).username() == "nobody"
    assert postmaster(home).uids().effective != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_programs_below_a_closed_folder_are_made_reachable_without_opening_it(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = [folder for folder in folders() if "pginstall" in str(folder)]
    if not wheels:
        pytest.skip("needs the programs of the wheel")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = wheels[-1].parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, copy_function=binaries._link_or_copy)
    cache = Path(f"/var/tmp/oss-datastore-test-{os.getpid()}")
    monkeypatch.setattr(binaries, "_CACHE", cache)
    monkeypatch.setattr(binaries, "_candidates", lambda: iter([closed / wheels[-1].relative_to(package.parent)]))
    try:
        server = EmbeddedPostgres(home, durable=False)
        write(server.start())
        assert postmaster(home).exe().startswith(str(cache))
        assert closed.stat().st_mode & 0o777 == 0o700
        server.stop()
    finally:
        shutil.rmtree(cache, ignore_errors=True)


# --- killed ---


def kill_postmaster(home: Path) -> None:
    postmaster(home).kill()


def kill_all(home: Path) -> None:
    first = postmaster(home)
    for process in [first, *first.children(recursive=True)]:
        process.kill()


def kill_a_child(home: Path) -> None:
    with suppress(psutil.NoSuchProcess):  # the postmaster ends the others itself
        for process in postmaster(home).children():
            process.kill()


@pytest.mark.parametrize("kill", [kill_postmaster, kill_all, kill_a_child])
def test_after_kill_9_no_committed_row_is_lost(durable: EmbeddedPostgres, home: Path, kill: object) -> None:
    write(durable.start())
    kill(home)  # type: ignore[operator]
    assert rows(durable.start()) == 7
    durable.release()
    assert not durable._lives()


@pytest.mark.parametrize("whose", ["ours", "init's", "nobody's"])
def test_a_pid_that_belongs_to_another_program_by_now_is_not_believed(
    durable: EmbeddedPostgres, home: Path, whose: str
) -> None:
    write(durable.start())
    file = home / "postgres" / "data" / "postmaster.pid"
    text = file.read_text()
    kill_all(home)
    wait_until(lambda: not durable._lives())
    account = server_account()
    with subprocess.Popen(["/bin/sleep", "60"], **account.options) as other:
        try:
            # PostgreSQL itself believes a live process of the account it runs under.
            pid = {"ours": os.getpid(), "init's": 1, "nobody's": other.pid}[whose]
            file.write_text(re.sub(r"^\d+", str(pid), text))
            began = time.monotonic()
            assert rows(durable.start()) == 7
            assert time.monotonic() - began < 20
            assert other.poll() is None
        finally:
            other.kill()


def test_stopping_does_not_signal_another_program(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    server.stop()
    with subprocess.Popen(["/bin/sleep", "60"]) as other:
        (home / "postgres" / "data" / "postmaster.pid").write_text(f"{other.pid}\n")
        server.stop()
        time.sleep(0.1)
        assert other.poll() is None
        other.kill()


def test_a_killed_initdb_leaves_nothing_that_looks_like_data(server: EmbeddedPostgres, home: Path) -> None:
    (home / "postgres" / "data.unfinished" / "base").mkdir(parents=True)
    write(server.start())
    assert not (home / "postgres" / "data.unfinished").exists()


def test_a_server_whose_socket_was_cleaned_away_is_started_anew(
    server: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_MISSING_SOCKET_PATIENCE", 0.2)
    write(server.start())
    first = postmaster(home)
    for path in server._socket_folder().iterdir():
        path.unlink()
    assert rows(server.start()) == 7
    assert gone(first)


@pytest.mark.parametrize("seconds", [0.35, 0.55, 0.8, 1.1])
def test_a_first_start_that_is_killed_at_any_moment_is_taken_up_by_the_next(
    server: EmbeddedPostgres, home: Path, seconds: float
) -> None:
    process = user(home, "first")
    time.sleep(seconds)
    process.kill()
    process.communicate(timeout=30)
    write(server.start())
    assert rows(server.url) >= 7
    server.release()
    assert not server._lives()


# --- several users ---

USE = """
import sys, time
from pathlib import Path
import psycopg2
from oss_datastore.dead_letters import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
connection = psycopg2.connect(server.start())
connection.autocommit = True
cursor = connection.cursor()
cursor.execute("create table if not exists kept (n int)") if sys.argv[2] == "first" else None
for number in range(100):
    cursor.execute("insert into kept values (%s)", (number,))
print("written", flush=True)
sys.stdin.readline()
connection.close()
server.release()
"""


def user(home: Path, name: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", USE, str(home), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def written(process: subprocess.Popen[str]) -> bool:
    assert process.stdout is not None
    return process.stdout.readline() == "written\n"


def test_processes_share_one_server_and_the_last_one_stops_it(server: EmbeddedPostgres, home: Path) -> None:
    url = server.start()
    write(url, 0)
    users = [user(home) for _ in range(3)]
    assert all(written(process) for process in users)
    assert rows(url) == 300
    server.release()
    first = postmaster(home)
    for process in users[:-1]:
        process.communicate("done\n", timeout=30)
    assert not gone(first)
    assert rows(url) == 300
    users[-1].communicate("done\n", timeout=30)
    assert gone(first)


def test_a_user_that_was_killed_no_longer_counts(server: EmbeddedPostgres, home: Path) -> None:
    process = user(home, "first")
    assert written(process)
    process.kill()
    process.communicate(timeout=30)
    # The server outlives whoever started it.
    assert rows(server.start()) == 100
    server.release()
    assert not server._lives()


def test_a_cold_start_by_several_at_once_makes_one_server(home: Path) -> None:
    servers = [EmbeddedPostgres(home, durable=False) for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:
        urls = set(threads.map(lambda server: server.start(), servers))
    assert len(urls) == 1
    for server in servers[:-1]:
        server.release()
        assert server._lives()
    servers[-1].release()
    assert not servers[-1]._lives()


def test_a_server_can_be_left_running(server: EmbeddedPostgres, home: Path) -> None:
    url = server.start()
    server.leave()
    psycopg2.connect(url).close()
    other = EmbeddedPostgres(home)
    assert other.start() == url
    other.release()
    assert not other._lives()


def test_an_interrupt_on_the_terminal_does_not_reach_the_server(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(home), "first"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert written(process)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert not gone(postmaster(home))


# --- clear messages ---


def test_without_programs_the_message_says_what_to_do(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "_candidates", lambda: iter([]))
    with pytest.raises(
        PostgresUnavailable, match=r"none found.*pip install 'oss-datastore\[embedded\]'` or set DLQ_URL"
    ):
        server.start()


def test_a_folder_that_was_named_and_has_none_is_not_replaced_by_another(home: Path, tmp_path: Path) -> None:
    with pytest.raises(PostgresUnavailable, match=f"{tmp_path}: no initdb there"):
        EmbeddedPostgres(home, binaries=tmp_path).start()


def test_data_of_another_version_names_the_version_it_needs(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    server.stop()
    (home / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresUnavailable, match=r"the data needs 9.*install PostgreSQL 9, or set DLQ_URL"):
        server.start()


def test_data_finds_the_programs_of_its_version_among_several(home: Path) -> None:
    if len(folders()) < 2:
        pytest.skip("needs two versions")
    oldest = folders()[0]
    write(EmbeddedPostgres(home, binaries=oldest, durable=False).start())
    EmbeddedPostgres(home).stop()
    assert rows(EmbeddedPostgres(home).start()) == 7


def test_a_home_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PostgresUnavailable, match=r"Cannot use .*file/postgres.*OSS_DATASTORE_HOME") as caught:
        EmbeddedPostgres(tmp_path / "file").start()
    assert "\n" not in str(caught.value)


def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres, home: Path) -> None:
    server.start()
    server.stop()
    (home / "postgres" / "data" / "global" / "pg_control").unlink()
    with pytest.raises(PostgresUnavailable, match=r"did not start: .*; see .*log"):
        server.start()


def test_a_long_path_gets_a_short_private_folder_for_its_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_MISSING_SOCKET_PATIENCE", 0.2)
    home = tmp_path / ("long" * 20) / ("path" * 20)
    server = EmbeddedPostgres(home)
    url = server.start()
    try:
        write(url)
        folder = Path((home / "postgres" / "socket_folder").read_text())
        assert len(str(folder)) < 90
        assert folder.stat().st_mode & 0o077 == 0
        assert rows(EmbeddedPostgres(home).start()) == 7
        for process in [postmaster(home), *postmaster(home).children()]:
            process.kill()
        shutil.rmtree(folder)
        url = server.start()
        assert rows(url) == 7
        folder = Path((home / "postgres" / "socket_folder").read_text())
    finally:
        server.stop()
    assert not folder.exists()


AS_SOMEBODY = """
import os, sys
from contextlib import closing
from pathlib import Path
import psycopg2
from oss_datastore.dead_letters import EmbeddedPostgres
os.umask(int(sys.argv[3], 8))
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(int(sys.argv[4])); os.setuid(int(sys.argv[4]))
server = EmbeddedPostgres(Path(sys.argv[1]), binaries=Path(sys.argv[2]), durable=False)
try:
    for again in range(2):
        with closing(psycopg2.connect(server.start())) as connection, connection.cursor() as cursor:
            cursor.execute("select current_user")
            print(cursor.fetchone()[0])
        server.release()
finally:
    server.stop()
"""


@pytest.mark.parametrize(
    ("name", "umask"),
    [("two words", "077"), ("a,b", "000"), ('it\'s "quoted" \\ 100%20 Käse', "000"), ("long" * 40, "077")],
)
def test_a_home_of_any_name_serves_whoever_is_not_root_and_stays_closed(tmp_path: Path, name: str, umask: str) -> None:
    account = server_account()
    found = binaries.find_binaries(account)
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chown(folder, account.uid, account.gid)
        home = Path(folder) / name
        done = subprocess.run(
            [sys.executable, "-c", AS_SOMEBODY, str(home), str(found.folder), umask, str(account.uid)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout.split() == ["postgres", "postgres"], done.stderr
        postgres = home / "postgres"
        opened = [path for path in [postgres, *postgres.rglob("*")] if path.stat().st_mode & 0o077]
        # It says who may come in, and holds no secret; the folder above it is closed.
        assert {path.relative_to(postgres).parts[0] for path in opened} <= {"access"}


def test_a_home_of_any_name_serves_us(tmp_path: Path) -> None:
    home = tmp_path / 'it\'s, "quoted" \\ 100%20 Käse'
    server = EmbeddedPostgres(home, durable=False)
    try:
        write(server.start())
        assert rows(EmbeddedPostgres(home).start()) == 7
    finally:
        server.stop()
