"""One day with failures, from GitHub to the report: exit code, secrets, rebuild and retry on the same home."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import psycopg2

from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.conftest import Lived
from oss_datastore_tests.commands.homes import CANARY, DAY, all_tables, command

# All but metrics_vault, which tells how long each load took.
SCHEMAS = ("psa", "psa_pii", "raw_vault", "raw_vault_pii", "business_vault", "infomarts")
# What a rebuild may give anew: when rows were loaded, and numbers of letters.
PASSING = frozenset({"fetched_at", "letter", "letters", "loaded_at"})


def test_failures_give_exit_code_3_and_one_alert(lived: Lived) -> None:
    assert lived.done.returncode == 3, lived.done.stderr
    assert "not whole" in lived.done.stdout
    assert "forbidden" in lived.done.stdout
    told = [json.loads(line) for line in (lived.home / "alerts.jsonl").read_text().splitlines()]
    assert len(told) == 1
    assert "traffic_clones: server_fault" in told[0]["body"]
    assert (lived.home / "report.html").stat().st_size > 10_000


def test_the_token_is_found_in_no_file_no_log_and_no_row(lived: Lived) -> None:
    assert CANARY not in lived.done.stdout + lived.done.stderr
    secret = CANARY.encode()
    looked, holding = 0, []
    for path in lived.home.rglob("*"):
        if path.is_file() and not path.is_socket():
            looked += 1
            content = path.read_bytes()
            if secret in content or (path.suffix == ".gz" and secret in _unpacked(path)):
                holding.append(str(path.relative_to(lived.home)))
    assert looked > 50
    assert holding == []
    assert any("dagster" in str(path) and path.suffix == ".db" for path in lived.home.rglob("*.db"))
    url = EmbeddedPostgres(lived.home).start()
    rows = 0
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema = 'dead_letter_queue'")
        for (name,) in cursor.fetchall():
            cursor.execute(f'select t::text from dead_letter_queue."{name}" t')
            found = [text for (text,) in cursor.fetchall()]
            rows += len(found)
            assert not any(CANARY in text for text in found), name
    connection.close()
    assert rows > 5


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def test_status_and_letters_can_be_read_as_json(lived: Lived) -> None:
    status = command("status", "--json", env=lived.env, cwd=lived.home.parent)
    assert status.returncode == 0, status.stderr
    day = json.loads(status.stdout)["days"][0]
    assert day["day"] == DAY.isoformat()
    assert not day["whole"]
    assert sum(day["scopes"].values()) > len(day["missing"]) > 0
    letters = json.loads(command("dlq", "list", "--json", env=lived.env, cwd=lived.home.parent).stdout)
    named = {(letter["dataset"], letter["scope"]) for letter in letters}
    missing = {(m["dataset"], m["scope"]) for m in day["missing"] if m["state"] in ("failed", "partial")}
    assert missing == named


def test_rebuild_gives_the_same_tables_and_retry_lands_in_the_original_day(lived: Lived, github: Simulator) -> None:
    before = all_tables(lived.home, SCHEMAS, PASSING)
    assert before["psa.issues"]
    assert before["raw_vault.hub_repo"]
    rebuilt = command("rebuild", "--yes", env=lived.env, cwd=lived.home.parent)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    after = all_tables(lived.home, SCHEMAS, PASSING)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == []
    # GitHub is well again: the letters that can still be had are had.
    retried = command("dlq", "retry", "--due", "--no-load", "--json", env=lived.env, cwd=lived.home.parent)
    assert retried.returncode == 0, retried.stdout + retried.stderr
    outcome = json.loads(retried.stdout)
    assert outcome["resolved"]
    assert not outcome["open"]
    left = json.loads(command("status", "--json", env=lived.env, cwd=lived.home.parent).stdout)["days"][0]["missing"]
    assert {entry["state"] for entry in left} == {"forbidden"}


def test_a_warehouse_that_is_not_there_is_said_in_one_line(lived: Lived, tmp_path: Path) -> None:
    done = command("query", "select 1", env={**lived.env, "OSS_DATASTORE_HOME": str(tmp_path / "new")}, cwd=tmp_path)
    assert done.returncode == 1
    assert "nothing is loaded" in done.stderr
