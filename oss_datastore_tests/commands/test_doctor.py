"""`doctor` says of each dataset what it needs and whether this token has it, by asking little."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from oss_datastore.catalogue import DATASETS
from oss_datastore.catalogue.document import NEEDS
from oss_datastore.catalogue.model import ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.commands.doctor import _organization, doctor
from oss_datastore.commands.rights import Finding
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.github import GitHub, StaticTokens
from oss_datastore.simulator.server import Simulator
from oss_datastore.warehouse import DuckDbWarehouse
from oss_datastore_tests.commands.homes import CANARY, DAY, PLENTY, after, command, environment
from oss_datastore_tests.commands.test_reading import writer
from oss_datastore_tests.recorded.replay import Asked, Replay, Told

FROM_GITHUB = {name for name, dataset in DATASETS.items() if dataset.scope_kind is not ScopeKind.file}
TOKENS = {
    "ghp_" + "Owner0" * 4: "owner",
    "ghp_" + "Member" * 4: "member",
    "ghp_" + "Outsid" * 4: "outsider",
    "github_pat_" + "Narrow" * 4: "fine-grained -administration -vulnerability_alerts",
    "installation-" + "Instal" * 4: "app",
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(repos=3, now=after(DAY), tokens=TOKENS, limits=PLENTY) as running:
        yield running


@contextmanager
def asking(api_url: str, graphql_url: str, token: str) -> Iterator[GitHub]:
    clock = Clock(after(DAY))
    tokens = StaticTokens(token)
    with GitHub(tokens=tokens, api_url=api_url, graphql_url=graphql_url, clock=clock, pace=False, attempts=1) as github:
        yield github


def found(simulator: Simulator, kind: str) -> dict[str, Finding]:
    """What doctor finds of the organisation with a token of that kind, by the thing it looked at."""
    token = next(value for value, words in TOKENS.items() if words.startswith(kind))
    with asking(simulator.url, simulator.graphql_url, token) as github:
        return {finding.what.removeprefix("acme: "): finding for finding in _organization(github, "acme")}


@pytest.mark.parametrize("kind", ["owner", "member", "outsider", "fine-grained", "app"])
def test_every_dataset_has_a_line_with_what_it_needs(simulator: Simulator, kind: str) -> None:
    told = found(simulator, kind)
    assert set(told) == FROM_GITHUB | {"token", "role"}
    for name in FROM_GITHUB:
        dataset = DATASETS[name]
        line = told[name]
        assert (line.permission, line.classic_scope) == (dataset.permission, dataset.classic_scope)
        assert line.visibility == NEEDS[dataset.needs]
        assert line.state in ("ok", "limited")
        assert line.told or line.state == "ok"


def test_an_owner_of_everything_is_told_so(simulator: Simulator) -> None:
    told = found(simulator, "owner")
    assert told["role"] == Finding("acme: role", "ok", "owner")
    assert "classic, with admin:org, " in told["token"].told
    off = {name for name in FROM_GITHUB if told[name].told.startswith("switched off for acme/")}
    assert {told[name].told for name in FROM_GITHUB - off} == {"", "needs no right"}
    assert {told[name].state for name in FROM_GITHUB} == {"ok"}
    assert len(off) < 4


def test_a_member_sees_what_the_account_lacks_though_the_scopes_are_there(simulator: Simulator) -> None:
    told = found(simulator, "member")
    assert told["role"].told.startswith("member: ")
    assert told["traffic_views"].state == "limited"
    assert told["traffic_views"].told.startswith(
        "the scopes are enough, the account is not: it must be one with push access (forbidden for acme/"
    )
    assert told["outside_collaborators"].told.startswith(
        "the scopes are enough, the account is not: it must be an organisation owner (forbidden for acme)"
    )
    assert told["members"] == Finding(
        "acme: members",
        "limited",
        "answered, but only owners see the whole list",
        DATASETS["members"].permission,
        "read:org",
        NEEDS[DATASETS["members"].needs],
    )
    assert told["issues"].state == "ok"


def test_an_outsider_is_no_member(simulator: Simulator) -> None:
    told = found(simulator, "outsider")
    assert told["role"].told.startswith("no member: ")
    assert {told[name].state for name in ("members", "teams", "traffic_views", "dependabot_alerts")} == {"limited"}
    assert told["issues"].state == "ok"


def test_a_fine_grained_token_is_told_the_permissions_it_lacks_in_githubs_words(simulator: Simulator) -> None:
    told = found(simulator, "fine-grained")
    assert told["token"].told.startswith("accepted: fine-grained or of an app; left this hour: core ")
    for name in ("traffic_views", "traffic_referrers"):
        assert told[name].told.startswith(
            "grant Administration: read; GitHub accepts administration=read (forbidden for acme/"
        )
    assert "grant Dependabot alerts: read" in told["dependabot_alerts"].told
    assert "GitHub accepts vulnerability_alerts=read" in told["dependabot_alerts"].told
    assert told["members"].state == "ok"


def test_an_installation_is_no_member_and_sees_whole_lists(simulator: Simulator) -> None:
    told = found(simulator, "app")
    assert told["role"] == Finding("acme: role", "ok", "app")
    assert (told["members"].state, told["members"].told) == ("ok", "")


def test_one_need_costs_one_question(simulator: Simulator) -> None:
    token = next(iter(TOKENS))
    with asking(simulator.url, simulator.graphql_url, token) as github:
        lines = list(_organization(github, "acme"))
        spent = github.requests_spent
    assert len(lines) == len(FROM_GITHUB) + 2
    needs = {(d.permission, d.classic_scope, d.needs) for d in DATASETS.values()}
    assert spent < len(needs) + 15 < len(FROM_GITHUB)


def refusing_lists_of_organisations(asked: Asked) -> Told | None:
    """An organisation in which alerts are to be had repository by repository only."""
    steps = asked.path.strip("/").split("/")
    if asked.path == "/rate_limit":
        return Told({"resources": {"core": {"limit": 60, "remaining": 59}}})
    if asked.path == "/orgs/acme/repos":
        return Told([{"id": 1, "node_id": "R_1", "full_name": "acme/rocket"}])
    if asked.path == "/orgs/acme":
        return Told({"id": 2, "login": "acme"}, headers={"x-oauth-scopes": "repo"})
    if steps[0] == "orgs":
        return Told({"message": "You must be an owner"}, 403, {"x-accepted-oauth-scopes": "admin:org"})
    if steps[-2:] == ["code-scanning", "alerts"]:
        return None
    if steps[0] == "repos":
        return Told([])
    return None


def test_alerts_refused_for_the_organisation_are_asked_repository_by_repository() -> None:
    with (
        Replay(refusing_lists_of_organisations) as server,
        asking(server.url, f"{server.url}/graphql", CANARY) as github,
    ):
        told = {line.what.removeprefix("acme: "): line for line in _organization(github, "acme")}
    dearer = "asked repository by repository: the list of the organisation was refused"
    assert (told["dependabot_alerts"].state, told["dependabot_alerts"].told) == ("ok", dearer)
    doubt = "switched off for acme/rocket, or not to be seen by this token"
    assert (told["code_scanning_alerts"].state, told["code_scanning_alerts"].told) == ("limited", doubt)
    assert told["members"].told == "add the scope read:org; GitHub accepts admin:org (forbidden for acme)"
    assert told["webhooks"].state == "ok"


def test_the_command_prints_it_for_people_and_for_machines(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Simulator(repos=1, now=after(DAY), tokens={CANARY: "member"}, limits=PLENTY) as github:
        env = environment(github, home, OSS_DATASTORE_FILES=str(tmp_path))
        try:
            machines = command("doctor", "--json", env=env, cwd=tmp_path)
            people = command("doctor", env=env, cwd=tmp_path)
        finally:
            EmbeddedPostgres(home).stop()
    lines = {line["what"]: line for line in json.loads(machines.stdout)}
    assert lines["file: accepted_gaps"]["told"].startswith("not used: there is no accepted_gaps.csv in ")
    assert lines["acme: traffic_views"]["permission"] == "Administration: read"
    assert lines["acme: traffic_views"]["classic_scope"] == "repo"
    assert lines["acme: traffic_views"]["state"] == "limited"
    assert {name.removeprefix("acme: ") for name, line in lines.items() if line["visibility"]} == FROM_GITHUB
    assert (machines.returncode, people.returncode) == (0, 0)
    first, *rest = people.stdout.splitlines()
    assert re.fullmatch(r"Ready: \d+ of 53 datasets can be read whole; what the other \d+ need stands below\.", first)
    advice = rest.index("the scopes are enough, the account is not: it must be one with push access")
    assert rest[advice + 1].strip().startswith("for traffic_views, traffic_clones, ")
    rows = {line.split()[0]: line.rstrip().split(None, 2) for line in rest if line.strip()}
    assert rows["traffic_views"] == ["traffic_views", "no", "Administration: read"]
    assert rows["issues"] == ["issues", "whole", "Issues: read"]
    assert rows["store"] == ["store", "ok", str(home / "store" / "staging")]
    assert CANARY not in machines.stdout + machines.stderr + people.stdout + people.stderr


def test_one_that_is_down_does_not_keep_the_others_from_being_looked_at(
    moto_s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("oss_datastore.github.caller.FIRST_PAUSE", 0.01)
    settings = environment(
        None,
        tmp_path / "home",
        DLQ_URL="postgresql://nobody@127.0.0.1:9/nothing",
        S3_ROOT_BUCKET="no-such-bucket",
        AWS_ENDPOINT_URL=moto_s3,
        AWS_ACCESS_KEY_ID="any",
        AWS_SECRET_ACCESS_KEY="any",
        OSS_DATASTORE_WAREHOUSE="postgres",
        OSS_DATASTORE_WAREHOUSE_URL="postgresql://ada:hidden-part@127.0.0.1:9/nothing",
    )
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(doctor, [], catch_exceptions=False)
    assert told.exit_code == 1
    first, *rest = told.stdout.splitlines()
    assert first == "Not ready, not ok: store, dead letter queue, warehouse, acme: token."
    lines = {line.partition("  ")[0]: line for line in rest}
    assert "NoSuchBucket: The specified bucket does not exist" in lines["store"]
    assert "Connection refused; check DLQ_URL and the server" in lines["dead letter queue"]
    assert "OSS_DATASTORE_WAREHOUSE_URL: connection to server" in lines["warehouse"]
    assert "the connection was refused (5 attempts); check GITHUB_API_URL" in lines["acme: token"]
    assert all("not ok" in lines[what] for what in ("store", "dead letter queue", "warehouse", "acme: token"))
    assert "hidden-part" not in told.output


def test_a_warehouse_that_is_being_written_to_is_ok(tmp_path: Path) -> None:
    path = tmp_path / "home" / "warehouse.duckdb"
    path.parent.mkdir()
    DuckDbWarehouse(path).prepare([])
    with writer(path):
        env = environment(None, path.parent, GITHUB_TOKEN="", DLQ_URL="postgresql://nobody@127.0.0.1:9/nothing")
        done = command("doctor", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert re.search(r"^warehouse +ok +DuckDB [\d.]+, being written to by another process", done.stdout, re.MULTILINE)
    assert re.search(r"^token +not ok +GITHUB_TOKEN: is not set", done.stdout, re.MULTILINE)
