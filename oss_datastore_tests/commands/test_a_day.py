"""One day with failures, from GitHub to the report: plan, exit code, secrets, rebuild and retry on the same home."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import psycopg2

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.commands.conftest import Lived
from oss_datastore_tests.commands.homes import CANARY, DAY, command
from oss_datastore_tests.commands.test_reading import writer


def test_failures_give_exit_code_3_and_one_alert(lived: Lived) -> None:
    assert lived.done.returncode == 3, lived.done.stderr
    assert "not whole" in lived.done.stdout
    assert "forbidden" in lived.done.stdout
    told = [json.loads(line) for line in (lived.home / "alerts.jsonl").read_text().splitlines()]
    assert len(told) == 1
    assert "traffic_clones: server_fault" in told[0]["body"]
    page = (lived.home / "report.html").read_bytes()
    assert len(page) > 10_000
    assert (lived.home / "store" / "report" / "report.html").read_bytes() == page


def test_the_plan_is_said_before_the_first_question_of_the_day(lived: Lived) -> None:
    said = lived.done.stderr.splitlines()
    plan = next(n for n, line in enumerate(said) if line.startswith(f"{DAY}: about "))
    assert re.search(r"about [\d,]+ requests and [\d,]+ points; [\d,]+ .*left until \d\d:\d\d: fits", said[plan])
    assert plan < next(n for n, line in enumerate(said) if "traffic_views" in line)


def test_the_summary_says_what_became_of_every_planned_scope_and_what_it_cost(lived: Lived) -> None:
    lines = lived.done.stdout.splitlines()
    columns = next(line.split() for line in lines if line.startswith("dataset"))
    assert columns[:2] == ["dataset", "planned"]
    rows = {
        line.split()[0]: [int(n) for n in line.split()[1:]] for line in lines if re.match(r"[a-z_]+ +\d+ +\d", line)
    }
    assert rows.keys() >= {"traffic_views", "issues", "labels"}
    assert [name for name, (planned, *states) in rows.items() if planned != sum(states)] == []
    spent = re.search(r"spent: ([\d,]+) requests and ([\d,]+) points", lived.done.stdout)
    assert spent is not None
    assert int(spent[1].replace(",", "")) > 50


def test_a_pipe_gets_lines_of_progress_without_any_sequence(lived: Lived) -> None:
    said = lived.done.stdout + lived.done.stderr
    assert "\x1b" not in said
    assert "\r" not in said
    told = [line for line in lived.done.stderr.splitlines() if re.search(r"\(\d:\d\d:\d\d\)$", line)]
    assert [line.partition(":")[0] for line in told] == ["fetched", "psa", "vault and infomarts", "report and files"]
    assert re.match(rf"fetched: \d+ answer sets of {DAY} ", told[0])
    assert int(re.findall(r": (\d+) models and checks done", told[2])[0]) > 300


def test_what_expires_first_is_fetched_first_and_loading_waits_for_it(lived: Lived) -> None:
    with dg.DagsterInstance.from_config(str(lived.home / "dagster")) as instance:
        run = instance.get_runs()[-1]  # the first of all: others may have come on the same home
        records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_START).records
    order = [record.event_log_entry.step_key or "" for record in records]
    staged = [key.removeprefix("stage_") for key in order if key.startswith("stage_")]
    assert staged == list(ANSWER_SETS)
    assert all(key.startswith("stage_") for key in order[: len(staged)])


def test_each_table_carries_its_rows_and_what_the_ledger_says_of_what_feeds_it(lived: Lived) -> None:
    told = figures(lived)
    with duckdb.connect(str(lived.home / "warehouse.duckdb"), read_only=True) as warehouse:
        for layer, name in (("psa", "traffic_views"), ("raw_vault", "hub_repo"), ("infomarts", "repo_traffic_daily")):
            table = f'{layer}."{name}"'
            day = "traffic_date" if layer == "infomarts" else "load_date"
            [(whole, of_the_day)] = warehouse.execute(
                f"select count(*), count(*) filter (where {day} = ?) from {table}", [DAY]
            ).fetchall()
            assert told[layer, name]["dagster/partition_row_count"] == of_the_day > 0
            assert layer == "psa" or told[layer, name]["dagster/row_count"] == whole
    traffic = told["infomarts", "repo_traffic_daily"]
    assert (traffic["scopes_failed"], traffic["planned_scopes"]) == (3, 3 + 3 + 1 + 1)
    assert traffic["ledger"].startswith("3 of 3 scopes of traffic_clones are missing or not whole (3 failed); whole: ")
    assert "| traffic_clones | 3 | 0 | 3 |" in traffic["fed_by"]
    assert told["staging", "traffic_clones"]["scopes_failed"] == told["psa", "traffic_clones"]["scopes_failed"] == 3
    assert told["infomarts", "repo_traffic_paths"]["scopes_forbidden"] == 3
    assert told["report", "page"]["scopes_forbidden"] >= 3
    lacking = {key for key, entries in told.items() if "ledger" not in entries}
    assert lacking == set()


def test_infomarts_show_some_of_their_rows_and_nobody_by_name(lived: Lived) -> None:
    shown = {name: entries["preview"] for (layer, name), entries in figures(lived).items() if layer == "infomarts"}
    assert len(shown) > 20
    assert "| views_count |" in shown["repo_traffic_daily"]
    assert shown["repo_traffic_daily"].count("\n") == 2 + 3 - 1, "a head, and one row per repository"
    assert "made of personal data: assignees, author_id, author_kind, author_login" in shown["issue_current"]
    assert "audience `security`" in shown["security_alerts_current"]
    assert "tells of a person" in shown["contributors"]
    with duckdb.connect(str(lived.home / "warehouse.duckdb"), read_only=True) as warehouse:
        people = warehouse.execute("select login, user_id::varchar from psa_pii.actors").fetchall()
    named = {str(name) for row in people for name in row if name}
    assert len(named) > 20
    for mart, text in shown.items():
        cells = {part.strip() for line in text.splitlines() if "|" in line for part in re.split(r"[|,]", line)}
        assert not cells & named, mart


def figures(lived: Lived) -> dict[tuple[str, ...], dict[str, Any]]:
    """What stands under each table for the day, as the first run of the home left it."""
    with dg.DagsterInstance.from_config(str(lived.home / "dagster")) as instance:
        run = instance.get_runs()[-1]
        records = instance.get_records_for_run(
            run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION, limit=10_000
        ).records
    made = [record.event_log_entry.dagster_event.event_specific_data.materialization for record in records]  # type: ignore[union-attr]
    return {
        tuple(one.asset_key.path): {label: value.value for label, value in one.metadata.items()}
        for one in made
        if one.partition == DAY.isoformat()
    }


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


def test_status_says_during_a_load_what_the_infomarts_are_of(lived: Lived) -> None:
    with writer(lived.home / "warehouse.duckdb"):
        done = command("status", env=lived.env, cwd=lived.home.parent)
    assert f"Infomarts and page: data to {DAY:%a %d %b}" in done.stdout


def test_a_retry_lands_in_the_original_day(lived: Lived, github: Simulator) -> None:
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
