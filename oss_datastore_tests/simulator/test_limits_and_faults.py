"""Limits are enforced and faults strike as declared, the same ones each time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from oss_datastore.simulator import Limits, Simulator
from oss_datastore.simulator.command import simulate
from oss_datastore.simulator.faults import BEHAVIOURS, KINDS, Fault, read_fault, read_faults
from oss_datastore.simulator.world.changes import EXAMPLES
from oss_datastore_tests.simulator.conftest import NOW, WIDE, Client

LANTERN = '{repository(owner: "acme", name: "lantern"){name}}'
VIEWS = "/repos/acme/lantern/traffic/views"


def faulty(faults: Any, **more: Any) -> Simulator:
    return Simulator(now=NOW, faults=faults, limits=WIDE, **more)


# 8: the hourly budget


@pytest.mark.parametrize("status", [403, 429])
def test_an_exhausted_budget_is_refused_and_recovers_at_the_reset(status: int) -> None:
    with Simulator(now=NOW, limits=Limits(core=3, primary_status=status)) as sim:
        client = Client(sim)
        remaining = [client.get("/repos/acme/lantern").headers["x-ratelimit-remaining"] for _ in range(3)]
        assert remaining == ["2", "1", "0"]
        refused = client.get("/repos/acme/lantern")
        assert refused.status_code == status
        assert refused.json()["message"] == "API rate limit exceeded for user ID 900000000."
        assert refused.headers["x-ratelimit-remaining"] == "0"
        reset = datetime.fromtimestamp(int(refused.headers["x-ratelimit-reset"]), UTC)
        assert NOW + timedelta(minutes=55) < reset <= NOW + timedelta(hours=1)
        assert client.get("/rate_limit").status_code == 200
        assert Client(sim, token="another").get("/repos/acme/lantern").status_code == 200
        sim.set_now(reset)
        assert client.get("/repos/acme/lantern").status_code == 200


def test_the_budget_comes_back_in_real_time_too() -> None:
    with Simulator(now=NOW, limits=Limits(core=1, window_seconds=0.2)) as sim:
        client = Client(sim)
        client.get("/repos/acme/lantern")
        time.sleep(0.3)
        assert client.get("/repos/acme/lantern").status_code == 200


def test_graphql_is_exhausted_with_status_200_and_both_spellings_occur() -> None:
    with Simulator(now=NOW, limits=Limits(graphql=1)) as sim:
        client = Client(sim)
        client.query(LANTERN)
        answers = [client.session.post(sim.graphql_url, json={"query": LANTERN}, timeout=9) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["errors"][0]["type"] for answer in answers} == {"RATE_LIMITED", "RATE_LIMIT"}
    assert all("data" not in answer.json() for answer in answers)


# 9 and 10: haste


def test_haste_at_one_endpoint_is_blocked_in_three_wordings_and_calls_prolong_the_block() -> None:
    seen, now = [], NOW
    with Simulator(now=now, limits=Limits(points_per_minute=5)) as sim:
        client = Client(sim)

        def wait(seconds: int) -> None:
            nonlocal now
            now += timedelta(seconds=seconds)
            sim.set_now(now)

        for _ in range(3):
            answers = [client.get(VIEWS) for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [403]
            assert "secondary rate limit" in answers[-1].json()["message"]
            headers = answers[-1].headers
            seen.append(("retry-after" in headers, headers["x-ratelimit-remaining"] == "0"))
            wait(40)
            assert client.get("/repos/acme/lantern").status_code == 403
            wait(40)
            assert client.get(VIEWS).status_code == 403
            wait(61)
        assert sim.requests_during_block == 6
    assert seen == [(True, False), (False, False), (False, True)]


def test_a_patient_client_leaves_no_trace_of_calls_during_a_block() -> None:
    with Simulator(now=NOW, limits=Limits(points_per_minute=1)) as sim:
        client = Client(sim)
        assert client.get(VIEWS).status_code == 200
        blocked = client.get(VIEWS)
        assert blocked.status_code == 403
        sim.set_now(NOW + timedelta(seconds=int(blocked.headers["retry-after"])))
        assert client.get(VIEWS).status_code == 200
        assert sim.requests_during_block == 0


def test_different_endpoints_have_limits_of_their_own() -> None:
    with Simulator(now=NOW, limits=Limits(points_per_minute=2)) as sim:
        client = Client(sim)
        paths = (VIEWS, "/repos/acme/lantern/traffic/clones", "/repos/acme/lantern")
        assert {client.get(path).status_code for path in paths for _ in range(2)} == {200}


def test_too_many_at_once_are_blocked() -> None:
    with Simulator(now=NOW, latency_ms=700, limits=Limits(concurrent=5)) as sim, ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: Client(sim).get("/repos/acme/lantern").status_code, range(8)))
    assert 403 in statuses
    assert 200 in statuses


# 24 and 28: the wire and the servers behind it


@pytest.mark.parametrize(
    ("fault", "status"), [("server_error", 500), ("bad_gateway", 502), ("timeout", 502), ("unavailable", 503)]
)
def test_servers_fail_in_github_s_ways(fault: str, status: int) -> None:
    with faulty(fault, timeout_seconds=0.1) as sim:
        client = Client(sim)
        answer = client.get(VIEWS)
        assert answer.status_code == status
        if fault == "unavailable":
            assert answer.text.startswith("<!DOCTYPE html>")
        else:
            assert answer.json() == {"message": "Server Error"}


def test_a_timeout_takes_its_time() -> None:
    with faulty("timeout", timeout_seconds=0.3) as sim, pytest.raises(requests.ReadTimeout):
        requests.get(f"{sim.url}{VIEWS}", headers={"User-Agent": "x"}, timeout=0.1)


def test_a_reset_connection_has_no_answer() -> None:
    with faulty("reset") as sim, pytest.raises(requests.ConnectionError):
        Client(sim).get(VIEWS)


def test_a_truncated_body_is_shorter_than_promised() -> None:
    with faulty("truncated") as sim:
        with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
            Client(sim).get(VIEWS)
        with Client(sim).get(VIEWS, stream=True) as answer:
            assert answer.status_code == 200
            assert int(answer.headers["content-length"]) > 100


def test_a_body_may_be_no_json() -> None:
    with faulty("not_json") as sim, pytest.raises(requests.JSONDecodeError):
        Client(sim).get(VIEWS).json()


def test_a_graphql_timeout_has_an_error_body_and_costs_points() -> None:
    with faulty("timeout", timeout_seconds=0.0) as sim:
        client = Client(sim)
        answer = client.session.post(sim.graphql_url, json={"query": LANTERN}, timeout=9)
        assert answer.status_code == 502
        assert answer.json()["data"] is None
        assert answer.json()["errors"][0]["message"].startswith("Something went wrong while executing your query")
        assert client.get("/rate_limit").json()["resources"]["graphql"]["used"] > 1


# 27: partial answers on demand


def test_resource_limits_leave_partial_data() -> None:
    text = '{a: repository(owner: "acme", name: "lantern"){name} b: repository(owner: "acme", name: "quarry"){name}}'
    with faulty("graphql_resource_limits@/graphql/*") as sim:
        answer = Client(sim).query(text)
    assert answer["data"] == {"a": {"name": "lantern"}, "b": None}
    assert answer["errors"][0]["type"] == "RESOURCE_LIMITS_EXCEEDED"
    assert answer["errors"][0]["path"] == ["b"]


def test_one_repository_of_a_list_may_fail_alone() -> None:
    text = '{organization(login: "acme"){repositories(first: 100){nodes{name}}}}'
    with faulty("graphql_node_error@/repos/acme/quarry") as sim:
        answer = Client(sim).query(text)
    nodes = answer["data"]["organization"]["repositories"]["nodes"]
    assert nodes.count(None) == 1
    place = nodes.index(None)
    assert answer["errors"][0]["path"] == ["organization", "repositories", "nodes", place]


def test_a_malformed_item_lacks_its_id_in_both_apis_on_its_day_only() -> None:
    with faulty("malformed_item@/repos/acme/lantern/issues/3;day=2026-11-20") as sim:
        client = Client(sim)

        def without_id() -> list[int]:
            entries = client.pages("/repos/acme/lantern/issues?state=all&per_page=100")
            return [entry["number"] for entry in entries if entry["id"] is None]

        assert without_id() == [3]
        assert without_id() == [3]
        kind = "pullRequest" if "pull_request" in client.get("/repos/acme/lantern/issues/3").json() else "issue"
        text = f'{{repository(owner: "acme", name: "lantern"){{{kind}(number: 3){{number fullDatabaseId}}}}}}'
        assert client.query(text)["data"]["repository"][kind] == {"number": 3, "fullDatabaseId": None}
        sim.set_now(NOW + timedelta(days=1))
        assert without_id() == []


# where and when faults strike


@pytest.fixture
def planted() -> Iterator[Simulator]:
    with faulty("bad_gateway@/repos/acme/lantern/traffic/popular/paths;day=2026-11-20") as simulator:
        yield simulator


def test_a_planted_fault_strikes_one_path_the_whole_of_one_day(planted: Simulator) -> None:
    client = Client(planted)
    path = "/repos/acme/lantern/traffic/popular/paths"
    assert [client.get(path).status_code for _ in range(5)] == [502] * 5
    assert client.get("/repositories/310000000/traffic/popular/paths").status_code == 502
    assert client.get("/repos/acme/quarry/traffic/popular/paths").status_code == 200
    assert client.get(VIEWS).status_code == 200
    planted.set_now(NOW + timedelta(days=1))
    assert client.get(path).status_code == 200


def test_faults_of_graphql_match_operation_and_variables() -> None:
    text = 'query Inventory($name: String!){repository(owner: "acme", name: $name){id}}'
    with faulty("bad_gateway@/graphql/Inventory*name=quarry") as sim:
        client = Client(sim)
        statuses = [
            client.session.post(
                sim.graphql_url, json={"query": text, "variables": {"name": name}}, timeout=9
            ).status_code
            for name in ("lantern", "quarry")
        ]
    assert statuses == [200, 502]


def statuses(faults: str, seed: int) -> list[int]:
    with faulty(faults, seed=seed) as sim:
        client = Client(sim)
        return [client.get(f"/repos/acme/{name}/traffic/views").status_code for name in ("lantern", "quarry") * 20]


def test_the_same_seed_makes_the_same_requests_fail_and_retries_may_succeed() -> None:
    first = statuses("server_error=0.3", 5)
    assert first == statuses("server_error=0.3", 5)
    assert first != statuses("server_error=0.3", 6)
    assert 4 <= first.count(500) <= 20
    assert set(first[::2]) == {200, 500}


def test_a_sticky_fault_strikes_every_attempt_or_none() -> None:
    for seed in range(4):
        found = statuses("server_error=0.5:sticky", seed)
        assert len(set(found[::2])) == 1
        assert len(set(found[1::2])) == 1


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("forbidden", 403, "Resource not accessible"),
        ("not_found", 404, "Not Found"),
        ("blocked", 451, "Repository access blocked"),
        ("secondary_limit", 403, "secondary rate limit"),
        ("primary_limit", 403, "API rate limit exceeded"),
    ],
)
def test_refusals_on_demand(fault: str, status: int, words: str) -> None:
    with faulty(fault) as sim:
        answer = Client(sim).get(VIEWS)
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_faults_are_replaced_while_it_runs() -> None:
    with faulty(None) as sim:
        client = Client(sim)
        assert client.get(VIEWS).status_code == 200
        told = requests.post(f"{sim.url}/_simulator/faults", json={"server_error@*/views": "1"}, timeout=9).json()
        assert told["declared"] == ["server_error@*/views=1.0"]
        assert client.get(VIEWS).status_code == 500
        wrong = requests.post(f"{sim.url}/_simulator/faults", json={"nonsense": 1}, timeout=9)
        assert wrong.status_code == 422
        assert "nonsense" in wrong.json()["message"]
        sim.set_faults(None)
        assert client.get(VIEWS).status_code == 200


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reset", Fault("reset", 1.0)),
        ("reset=0.25", Fault("reset", 0.25)),
        ("reset=1:sticky", Fault("reset", 1.0, sticky=True)),
        ("reset@/repos/*=0.5:sticky", Fault("reset", 0.5, "/repos/*", sticky=True)),
        ("reset@/a?x=y", Fault("reset", 1.0, "/a?x=y")),
        ("reset;day=2026-03-04", Fault("reset", 1.0, "*", datetime(2026, 3, 4, tzinfo=UTC).date())),
        ("reset@/a;day=2026-03-04=0.5", Fault("reset", 0.5, "/a", datetime(2026, 3, 4, tzinfo=UTC).date())),
    ],
)
def test_faults_are_read_as_they_are_documented(text: str, fault: Fault) -> None:
    assert read_faults(text) == (fault,)
    assert read_faults(fault.text) == (fault,)


@pytest.mark.parametrize("wrong", ["nonsense", "reset@/a;day=tomorrow", "reset=1:often"])
def test_wrong_faults_are_refused_with_what_was_expected(wrong: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_faults(wrong)
    with pytest.raises(ValueError, match="expected"):
        read_fault("reset", "often")


# the command


def test_the_help_of_the_command_lists_every_fault() -> None:
    text = CliRunner().invoke(simulate, ["--help"]).output
    assert all(name in text for name in KINDS)
    assert all(f"{number:>2} {behaviour}" in text for number, behaviour in BEHAVIOURS.items())
    assert all(example in text for example in EXAMPLES)
    for option in ("--port", "--org", "--seed", "--now", "--latency-ms", "--faults", "--limit-core", "--limit-graphql"):
        assert option in text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--faults", "nonsense"], "nonsense"),
        (["--now", "tomorrow"], "tomorrow"),
        (["--change", "acme/lantern vanished"], "vanished"),
        (["--limit-core", "many"], "many"),
    ],
)
def test_the_command_refuses_wrong_words_in_one_line(arguments: list[str], word: str) -> None:
    result = CliRunner().invoke(simulate, ["--port", "0", *arguments])
    assert result.exit_code != 0
    assert word in result.output
    assert "Traceback" not in result.output
