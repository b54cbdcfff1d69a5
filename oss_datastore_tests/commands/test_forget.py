"""`forget`: by login or number, said plainly, safe to repeat; letters lose what they held, files are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from oss_datastore.commands import running
from oss_datastore.commands.forget import forget
from oss_datastore.connections import open_queue, open_store, open_warehouse
from oss_datastore.dead_letters import Failure
from oss_datastore.settings import Settings
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.warehouse import PsaLoader, ask
from oss_datastore_tests.commands.homes import DAY, PLENTY, after
from oss_datastore_tests.staging.fetching import MemoryLetters, fetcher

ASKED = ("organizations", "repositories", "members", "issues")


@pytest.fixture
def home(queue_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a day in store and psa; loading the rest anew is `rebuild`, which has tests of its own."""
    (tmp_path / "files").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLQ_URL", queue_url)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OSS_DATASTORE_FILES", str(tmp_path / "files"))
    monkeypatch.setenv("OSS_DATASTORE_NOW", after(DAY).isoformat())
    store = tmp_path / "home" / "store"
    with Simulator(orgs=("acme",), repos=3, now=after(DAY), limits=PLENTY) as github:
        fetch = fetcher(github, store, now=after(DAY), organizations=("acme",))
        for name in ASKED:
            fetch.fetch(name, DAY)
    _load()
    return tmp_path


def _load(*_: Any) -> int:
    settings = Settings.load()
    loader = PsaLoader(Staging(open_store(settings)), open_warehouse(settings), MemoryLetters())
    for name in ASKED:
        loader.load(name, [DAY])
    loader.load_actors([DAY])
    return 0


def told(*options: str) -> Result:
    return CliRunner().invoke(forget, options)


def asked(sql: str) -> list[tuple[Any, ...]]:
    return ask(open_warehouse(Settings.load()), sql)[1]


def test_a_person_is_forgotten_and_the_command_says_where(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "rebuild_all", _load)
    [(login, number)] = asked(
        "select a.login, a.user_id from psa_pii.actors a join psa.members m on m.user_hk = a.user_hk order by 1 limit 1"
    )
    members = asked("select count(*) from psa.members")[0][0]
    settings = Settings.load()
    queue = open_queue(settings)

    def letter(scope: int, body: bytes) -> int:
        return queue.put(
            Failure(
                dataset="members",
                scope=f"github.com/organization/{scope}",
                day=DAY,
                source="github_v3",
                error_class="server_error",
                message=f"of {login}" if scope == 1 else "nobody",
                request={
                    "url": f"https://api.github.com/users/{login}/x" if scope == 1 else "https://api.github.com/y"
                },
                body=body,
            )
        )

    theirs = letter(1, json.dumps({"login": login.upper(), "name": "A Name"}).encode())
    binary = letter(2, b"\xff\x00" + login.encode())
    others = letter(3, f"{login}-and-more".encode())
    waiting = {"kind": "put", "rows": [{"body": f"{login} A Name", "scope": "a"}, {"body": "A Body", "scope": "b"}]}
    store = open_store(settings)
    store.put_if_absent("dead_letter_queue/refused/1.json", json.dumps(waiting).encode())
    store.put_if_absent("dead_letter_queue/refused/2.json", f"not an entry of {login}".encode())
    settings.report_path.write_text(f"<html>{login}</html>")
    store.overwrite("infomarts/latest/user_access_current.parquet", login.encode())
    (home / "files" / "people_directory.csv").write_text(f"login,company\n{login},Example\n")

    done = told("--user", f"@{login}", "--yes")

    assert done.exit_code == 0, done.output
    assert "2 dead letters named" in done.output
    assert "people_directory.csv" in done.output
    assert not settings.report_path.exists()
    assert list(store.list("infomarts/")) == []
    for number_of in (theirs, binary):
        found = queue.get(number_of)
        assert found.body is None
        assert login not in f"{found.message} {found.request}"
    assert queue.get(theirs).body_length is not None, "how long the answer was is still known"
    assert queue.get(others).body == f"{login}-and-more"
    assert asked(f"select * from psa_pii.actors where user_id = {number}") == []
    assert asked("select count(*) from psa.members") == [(members - 1,)]

    rows = json.loads(store.get("dead_letter_queue/refused/1.json"))["rows"]
    assert [row["body"] for row in rows] == [None, "A Body"]
    assert store.get("dead_letter_queue/refused/2.json") == b"not an entry of ghost"

    again = told("--user", login, "--yes")
    assert again.exit_code == 0, again.output
    assert "0 of" in again.output
    queue.close()


def test_whom_nothing_names_is_told_by_name(home: Path) -> None:
    done = told("--user", "no-such-person", "--yes")
    assert done.exit_code == 1
    assert "no-such-person" in done.output
    assert told("--user", "no'body", "--yes").exit_code == 2


def test_nobody_is_forgotten_without_a_yes_and_no_organisation_at_all(home: Path) -> None:
    [(login,)] = asked("select login from psa_pii.actors where type = 'User' order by 1 limit 1")
    done = told("--user", login)
    assert done.exit_code == 2
    assert "--yes" in done.output
    assert "suppression" not in {key.split("/")[0] for key in open_store(Settings.load()).list("")}
    import duckdb

    with duckdb.connect(str(Settings.load().warehouse_path)) as connection:
        connection.execute("update psa_pii.actors set type = 'Organization' where login = ?", [login])
    refused = told("--user", login, "--yes")
    assert refused.exit_code == 2
    assert "organisation" in refused.output


def test_a_login_that_several_have_had_asks_for_the_number(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "rebuild_all", _load)
    import duckdb

    with duckdb.connect(str(Settings.load().warehouse_path)) as connection:
        connection.execute("update psa_pii.actors set login = 'shared'")
    numbers = {number for (number,) in asked("select distinct user_id from psa_pii.actors")}
    done = told("--user", "shared", "--yes")
    assert done.exit_code == 2
    assert all(str(number) in done.output for number in numbers)
    chosen = min(numbers)
    assert told("--user", "shared", "--id", str(chosen), "--yes").exit_code == 0
    assert {number for (number,) in asked("select distinct user_id from psa_pii.actors")} == numbers - {chosen}
