"""What is wrong is said in one line that names it, with the exit code the README promises."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from oss_datastore import cli
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.commands.homes import CANARY, DAY, environment


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["oss-datastore", *arguments])
        try:
            cli.main()
            code: object = 0
        except SystemExit as done:
            code = done.code
    err = capsys.readouterr().err
    assert CANARY not in err
    assert isinstance(code, int)
    return code, err


@pytest.fixture
def env(github: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment of a fresh home, nothing else of ours set, no .env in sight."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment(github, tmp_path / "home").items():
        monkeypatch.setenv(name, value)
    return monkeypatch


RUN = ("run", "--day", DAY.isoformat())


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN: is not set"),
        ("GITHUB_ORGS", "", "GITHUB_ORGS: is not set"),
        ("GITHUB_TOKEN", "wrong", "401"),
        ("GITHUB_ORGS", "nobody-here", "GITHUB_ORGS names 'nobody-here'"),
        ("GITHUB_API_URL", "http://127.0.0.1:9", "check GITHUB_API_URL"),
        ("GITHUB_API_URL", "api.github.com", "GITHUB_API_URL: expected an address"),
        ("GITHUB_API_URL", "https://me:secret@host", "GITHUB_API_URL: must not carry"),
        ("GITHUB_TOKENS", "acme", "GITHUB_TOKENS: expected org=token"),
        ("OSS_DATASTORE_HOME", "/proc/nowhere", "OSS_DATASTORE_HOME: cannot write to /proc/nowhere"),
        ("OSS_DATASTORE_WAREHOUSE", "oracle", "OSS_DATASTORE_WAREHOUSE: "),
        ("OSS_DATASTORE_WAREHOUSE", "postgres", "OSS_DATASTORE_WAREHOUSE_URL is needed"),
        ("OSS_DATASTORE_START_DATE", "yesterday", "OSS_DATASTORE_START_DATE: "),
        ("OSS_DATASTORE_NOW", "2999-01-01T00:00:00Z", "OSS_DATASTORE_NOW: 2999-01-01T00:00:00+00:00 is in the future"),
        ("OSS_DATASTORE_ALERTS", "pigeon", "OSS_DATASTORE_ALERTS: expected log"),
        ("OSS_DATASTORE_RESPONSE_DAYS", "soon", "OSS_DATASTORE_RESPONSE_DAYS: "),
        ("OSS_DATASTORE_SLA_DAYS", "1,2", "OSS_DATASTORE_SLA_DAYS: expected four numbers"),
        ("DLQ_URL", "postgresql://127.0.0.1:9/nowhere", ""),
    ],
)
def test_a_wrong_setting_ends_a_run_with_one_line(
    variable: str,
    value: str,
    named: str,
    env: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    env.setenv(variable, value)
    env.setattr("oss_datastore.github.caller.FIRST_PAUSE", 0.01)
    if variable == "DLQ_URL":
        code, err = said(capsys, "dlq", "list")
        named = "127.0.0.1"
    else:
        code, err = said(capsys, *RUN)
    assert code == 1
    assert named in err
    lines = [line for line in err.splitlines() if line]
    assert len(lines) == 1, err
    assert lines[0].startswith("error: ")
    if (tmp_path / "home" / "store").exists():
        staging = Staging(LocalStore(tmp_path / "home" / "store"))
        assert staging.ledger("organizations", DAY) == {}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("run", "--day", "tomorrow"), "--day"),
        (("run", "--day", "2026-10-14", "--from", "2026-10-01"), "--day"),
        (("run", "--to", "2026-10-01"), "--to"),
        (("run", "--from", "2026-10-10", "--to", "2026-10-01"), "--from"),
        (("run", "--day", "2001-01-01"), "OSS_DATASTORE_START_DATE"),
        (("dlq", "retry"), "--due"),
        (("fly",), "fly"),
        (("export", "org_overview", "--as-of", "yesterday"), "--as-of"),
        (("export", "org_overview", "--as-of", "2026-10-15"), "--as-of"),
        (("export", "org_overview", "--format", "parquet"), "--format"),
        (("dlq", "discard", "1"), "--reason"),
    ],
)
def test_wrong_usage_is_2_and_the_last_line_names_what_is_wrong(
    arguments: tuple[str, ...], named: str, env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = said(capsys, *arguments)
    assert code == 2
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("Error: ")
    assert named in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export", "org_overview"), "nothing is loaded in "),
        (("report",), "nothing is loaded in "),
        (("query", "select * from infomarts.org_overview"), "nothing is loaded in "),
        (("query", "select * from psa.issues"), "nothing is loaded in "),
        (("query", "selec 1"), 'Parser Error: syntax error at or near "selec"'),
        (("query", "  "), "there is no statement to run"),
        (("query", "select 1; select 2"), "one statement at a time"),
        (("query", "drop table infomarts.org_overview"), "query only reads, and DROP does not"),
        (("query", "copy (select 1) to 'leak.csv'"), "query only reads, and COPY does not"),
        (("dlq", "show", "999"), "There is no dead letter 999"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    arguments: tuple[str, ...],
    told: str,
    env: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    queue_url: str,
) -> None:
    env.setenv("DLQ_URL", queue_url)
    code, err = said(capsys, *arguments)
    assert code == 1
    assert err.startswith(f"error: {told}")
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "leak.csv").exists()


def test_a_letter_that_is_not_there_is_not_retried_and_the_exit_code_says_so(
    env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], queue_url: str
) -> None:
    env.setenv("DLQ_URL", queue_url)
    assert said(capsys, "dlq", "retry", "999")[0] == 3


def test_a_line_of_the_env_file_that_is_no_setting_is_told(
    env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OSS_DATASTORE_SLA_DAYS=soon\n")
    code, err = said(capsys, "status")
    assert (code, err.splitlines()) == (
        1,
        [
            "error: OSS_DATASTORE_SLA_DAYS: expected four numbers of days (critical, high, medium, low), "
            "such as 14,30,60,90"
        ],
    )


def test_a_day_that_is_not_over_is_an_error(env: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, err = said(capsys, "run", "--day", "2026-10-15")
    assert (code, "not over yet" in err) == (1, True)


def test_every_command_explains_itself() -> None:
    runner = CliRunner()
    for name in cli.group.list_commands(None):  # type: ignore[arg-type]
        shown = runner.invoke(cli.group, [name, "--help"])
        assert shown.exit_code == 0, name
