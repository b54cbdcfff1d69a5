"""Secrets that are kept in AWS Secrets Manager: read when needed, once, named in errors, and never seen."""

from __future__ import annotations

import json
import logging
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import boto3
import psycopg2
import pytest
from click.testing import CliRunner
from moto.core.exceptions import JsonRESTError

from oss_datastore import secret_settings
from oss_datastore.alerts import Alert, NotDelivered, notifiers
from oss_datastore.commands.doctor import doctor
from oss_datastore.connections import open_github, open_letters, open_queue
from oss_datastore.dead_letters import QueueUnavailable
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.redaction import redact_text
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore_tests.dead_letters.failures import failure

HIDDEN = "canary-9f3e"


class Vault:
    """Secrets Manager on loopback; names are this test's own."""

    def __init__(self, endpoint: str) -> None:
        self.client = boto3.client(
            "secretsmanager",
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def keep(self, text: str | dict[str, Any] | bytes) -> str:
        """The name of a new secret."""
        name = f"oss-datastore/{secrets.token_hex(6)}"
        self.arn = self.client.create_secret(Name=name, **self._content(text))["ARN"]
        return name

    def rotate(self, name: str, text: str | dict[str, Any]) -> None:
        """Puts another value into the secret."""
        self.client.put_secret_value(SecretId=name, **self._content(text))

    @staticmethod
    def _content(text: str | dict[str, Any] | bytes) -> dict[str, Any]:
        if isinstance(text, bytes):
            return {"SecretBinary": text}
        return {"SecretString": text if isinstance(text, str) else json.dumps(text)}


@pytest.fixture
def vault(moto_s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Vault]:
    """A Secrets Manager that the settings point to, and nothing else set."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("OSS_DATASTORE_", "GITHUB_", "AWS_", "DLQ_", "S3_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_s3)
    monkeypatch.setenv("OSS_DATASTORE_HOME", str(tmp_path / "home"))
    secret_settings.forget_kept()
    yield Vault(moto_s3)
    secret_settings.forget_kept()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that Secrets Manager was asked for."""
    names: list[str] = []
    ask = secret_settings.Secret._ask

    def counted(self: Any, name: str, region: str | None, endpoint: str | None) -> str:
        names.append(name)
        return ask(self, name, region, endpoint)

    monkeypatch.setattr(secret_settings.Secret, "_ask", counted)
    return names


def test_every_secret_setting_may_be_kept_elsewhere(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = vault.keep(f"ghp_{HIDDEN}0")
    several = vault.keep(
        {"acme": f"ghp_{HIDDEN}1", "pem": f"-----BEGIN {HIDDEN}\n", "url": f"postgresql://a:{HIDDEN}@h/d"}
    )
    monkeypatch.setenv("GITHUB_TOKEN", f"aws-sm://{whole}")
    monkeypatch.setenv("GITHUB_TOKENS", f"acme=aws-sm://{several}#acme,globex=ghp_own")
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", f"aws-sm://{vault.arn}#pem")
    monkeypatch.setenv("DLQ_URL", f"aws-sm://{several}#url")
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE", "postgres")
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE_URL", f"aws-sm://{several}#url")
    settings = Settings.load()
    assert settings.github_token is not None
    assert settings.github_token.get_secret_value() == f"ghp_{HIDDEN}0"
    assert {org: token.get_secret_value() for org, token in settings.github_tokens.items()} == {
        "acme": f"ghp_{HIDDEN}1",
        "globex": "ghp_own",
    }
    assert settings.github_app_private_key is not None
    assert settings.github_app_private_key.get_secret_value() == f"-----BEGIN {HIDDEN}\n"
    for address in (settings.dlq_url, settings.warehouse_url):
        assert address is not None
        assert address.get_secret_value() == f"postgresql://a:{HIDDEN}@h/d"
    assert HIDDEN not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_what_stands_in_braces_is_quoted_into_the_address(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    name = vault.keep({"username": "me@acme", "password": "p@ss/w:rd?#%", "port": 5439})
    monkeypatch.setenv(
        "DLQ_URL",
        f"postgresql://{{aws-sm://{name}#username}}:{{aws-sm://{vault.arn}#password}}@h:{{aws-sm://{name}#port}}/d",
    )
    address = Settings.load().dlq_url
    assert address is not None
    assert address.get_secret_value() == "postgresql://me%40acme:p%40ss%2Fw%3Ard%3F%23%25@h:5439/d"
    assert "p@ss/w:rd" not in redact_text("it said p@ss/w:rd?#% aloud")
    # Names and ports are no secrets: they would be missing from every log.
    assert redact_text("me@acme at 5439") == "me@acme at 5439"


def test_a_secret_is_asked_for_once_however_many_settings_and_threads_need_it(
    vault: Vault, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = vault.keep({"one": "1-value", "two": "2-value"})
    monkeypatch.setenv("GITHUB_TOKEN", f"aws-sm://{name}#one")
    monkeypatch.setenv("GITHUB_TOKENS", f"acme=aws-sm://{name}#two")
    settings = Settings.load()
    assert asked == []
    start, got = Barrier(8), []

    def read(secret: secret_settings.Secret) -> None:
        start.wait()
        got.append(secret.get_secret_value())

    both = [settings.github_token, settings.github_tokens["acme"]]
    threads = [Thread(target=read, args=(both[number % 2],)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["1-value"] * 4 + ["2-value"] * 4
    again = Settings.load().github_token
    assert again is not None
    assert again.get_secret_value() == "1-value"
    assert asked == [name]


def test_a_rotated_secret_reaches_a_process_that_runs_on(
    vault: Vault, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = vault.keep("ghp_before")
    monkeypatch.setenv("GITHUB_TOKEN", f"aws-sm://{name}")
    token = Settings.load().github_token
    assert token is not None
    assert token.get_secret_value() == "ghp_before"
    vault.rotate(name, "ghp_after")
    assert token.get_secret_value() == "ghp_before"
    now = secret_settings.time.monotonic() + secret_settings.KEPT_SECONDS + 1
    monkeypatch.setattr(secret_settings.time, "monotonic", lambda: now)
    assert token.get_secret_value() == "ghp_after"
    assert asked == [name, name]


def _wait_for_passwords(parts: dict[str, str], role: str) -> None:
    """A server takes up new rules in its own time."""
    for _ in range(100):
        try:
            psycopg2.connect(host=parts["host"], port=parts["port"], dbname=parts["dbname"], user=role, password="x")
        except psycopg2.OperationalError as refused:
            if "password authentication failed" in str(refused):
                return
        time.sleep(0.1)
    raise AssertionError("the server never asked for a password")


def test_a_queue_that_refuses_the_password_gets_the_rotated_one(
    vault: Vault, asked: list[str], postgres: EmbeddedPostgres, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"rotated_{secrets.token_hex(4)}"
    name = vault.keep({"username": role, "password": "old+pass"})
    with closing(psycopg2.connect(queue_url)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"create role {role} login superuser password 'old+pass'")
        parts = connection.get_dsn_parameters()
        rules = Path(parts["host"]).parent / "access" / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        cursor.execute("select pg_reload_conf()")
        _wait_for_passwords(parts, role)
        try:
            monkeypatch.setenv(
                "DLQ_URL",
                f"postgresql://{{aws-sm://{name}#username}}:{{aws-sm://{name}#password}}@/{parts['dbname']}"
                f"?host={parts['host']}&port={parts['port']}",
            )
            queue = open_queue(Settings.load())
            assert queue.put(failure()) == 1
            queue.close()
            cursor.execute(f"alter role {role} password 'new+pass'")
            with pytest.raises(QueueUnavailable, match="password authentication failed"):
                queue.counts()
            vault.rotate(name, {"username": role, "password": "new+pass"})
            assert queue.get(1).id == 1
            assert asked == [name, name, name]
            queue.close()
        finally:
            cursor.execute(f"reassign owned by {role} to current_user; drop owned by {role}; drop role {role}")


def _missing(vault: Vault) -> tuple[str, str]:
    return "oss-datastore/none", "cannot read the secret oss-datastore/none: Secrets Manager has none in eu-central-1"


def _no_such_key(vault: Vault) -> tuple[str, str]:
    name = vault.keep({"tok": HIDDEN})
    return f"{name}#token", f"the secret {name} has no key token"


def _no_text(vault: Vault) -> tuple[str, str]:
    name = vault.keep({"token": {"nested": HIDDEN}})
    return f"{name}#token", f"the secret {name} has no text under the key token"


def _no_json(vault: Vault) -> tuple[str, str]:
    name = vault.keep(HIDDEN)
    return f"{name}#token", f"the secret {name} is no JSON object; leave #token out"


def _list(vault: Vault) -> tuple[str, str]:
    name = vault.keep(f'["{HIDDEN}"]')
    return f"{name}#token", f"the secret {name} is no JSON object"


def _binary(vault: Vault) -> tuple[str, str]:
    name = vault.keep(HIDDEN.encode())
    return name, f"the secret {name} is binary; store it as text"


def _deleted(vault: Vault) -> tuple[str, str]:
    name = vault.keep(HIDDEN)
    vault.client.delete_secret(SecretId=name)
    return name, f"cannot read the secret {name}: InvalidRequestException; restore it"


@pytest.mark.parametrize("fault", [_missing, _no_such_key, _no_text, _no_json, _list, _binary, _deleted])
def test_a_secret_that_cannot_be_had_is_one_line_that_names_setting_and_secret(
    vault: Vault, fault: Callable[[Vault], tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    reference, told = fault(vault)
    monkeypatch.setenv("GITHUB_TOKEN", f"aws-sm://{reference}")
    with pytest.raises(WrongSetting) as caught:
        open_github(Settings.load())
    message = str(caught.value)
    assert message.startswith(f"GITHUB_TOKEN: {told}")
    assert redact_text(message) == message
    assert "\n" not in message
    assert HIDDEN not in message


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("AccessDeniedException", "grant the role secretsmanager:GetSecretValue"),
        ("DecryptionFailure", "kms:Decrypt"),
        ("ExpiredTokenException", "valid AWS credentials"),
    ],
)
def test_a_refusal_says_what_to_grant(vault: Vault, code: str, advice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object) -> None:
        raise JsonRESTError(code, f"not for you, {HIDDEN}")

    monkeypatch.setattr("moto.secretsmanager.responses.SecretsManagerResponse.get_secret_value", refuse)
    monkeypatch.setenv("DLQ_URL", "aws-sm://prod/queue#url")
    with pytest.raises(QueueUnavailable) as caught:
        open_queue(Settings.load())
    message = str(caught.value)
    assert message.startswith(f"DLQ_URL: cannot read the secret prod/queue: {code}; ")
    assert advice in message
    assert HIDDEN not in message


def test_without_region_credentials_or_network_the_line_says_so(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("GITHUB_TOKEN", "aws-sm://prod/github")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(
        WrongSetting, match=r"^GITHUB_TOKEN: cannot read the secret prod/github: set AWS_DEFAULT_REGION$"
    ):
        open_github(Settings.load())
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(WrongSetting, match=r"^GITHUB_TOKEN: cannot read the secret prod/github: .*AWS_ENDPOINT_URL"):
        open_github(Settings.load())
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(
        WrongSetting, match="cannot read the secret prod/github: give this process valid AWS credentials"
    ):
        open_github(Settings.load())


@pytest.mark.parametrize(
    "value",
    ["aws-sm://", "aws-sm:/prod/github", "aws-sm://prod/github#", "aws-sm://#key", "postgresql://{aws-sm://a b}@h/d"],
)
def test_a_malformed_reference_stops_the_start(vault: Vault, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLQ_URL", value)
    with pytest.raises(WrongSetting, match=r"^DLQ_URL: expected aws-sm://NAME or aws-sm://NAME#KEY"):
        Settings.load()


def test_the_form_of_an_address_is_judged_without_asking(
    vault: Vault, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE", "postgres")
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE_URL", "mysql://{aws-sm://db#username}@h/d")
    with pytest.raises(WrongSetting, match="OSS_DATASTORE_WAREHOUSE_URL: expected postgresql://"):
        Settings.load()
    monkeypatch.setenv("OSS_DATASTORE_WAREHOUSE_URL", "postgresql://{aws-sm://db#username}:{aws-sm://db#password}@h/d")
    monkeypatch.setenv("OSS_DATASTORE_ALERTS", "log,webhook:aws-sm://hook")
    Settings.load()
    assert asked == []


def test_letters_wait_in_the_spool_while_the_queues_secret_cannot_be_read(
    vault: Vault, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"oss-datastore/{secrets.token_hex(6)}"
    monkeypatch.setenv("DLQ_URL", f"aws-sm://{name}")
    letters = open_letters(Settings.load())
    letters.put_many([failure()])
    assert letters.waiting() == 1
    vault.client.create_secret(Name=name, SecretString=queue_url)
    letters.drain()
    assert letters.waiting() == 0
    assert [letter.id for letter in open_queue(Settings.load()).list()] == [1]
    letters.close()


def test_the_address_of_a_notifier_is_read_when_it_tells_and_names_nothing_else(
    vault: Vault, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = Alert("dead_letters", "page", "2 new dead letters", "what to do", 2, "2026-11-02T00:00:00Z", "issues")
    name = vault.keep({"hook": f"http://127.0.0.1:9/{HIDDEN}", "file": f"file:///{HIDDEN}"})
    monkeypatch.setenv(
        "OSS_DATASTORE_ALERTS",
        f"webhook:aws-sm://{name}#hook,webhook:aws-sm://{name}#file,webhook:aws-sm://none,apprise:{{aws-sm://none}}://x",
    )
    ways = notifiers(Settings.load())
    names = [way.name for way in ways]
    assert asked == []
    told = []
    for way in ways:
        with pytest.raises(NotDelivered) as caught:
            way.tell(alert)
        told.append(str(caught.value))
    none = "OSS_DATASTORE_ALERTS: cannot read the secret none: Secrets Manager has none in eu-central-1; "
    assert told == [
        "the webhook cannot be reached: ConnectionRefusedError",
        "the webhook's address does not begin with https:// (or http://)",
        f"{none}create it or correct the name",
        f"{none}create it or correct the name",
    ]
    # What was told is remembered by the name, which a rotation must not change.
    vault.rotate(name, {"hook": "http://127.0.0.1:9/another"})
    secret_settings.forget_kept()
    assert [way.name for way in notifiers(Settings.load())] == names
    assert HIDDEN not in f"{ways!r} {names}"


def test_nothing_of_aws_is_asked_for_help(vault: Vault, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = {**os.environ, "GITHUB_TOKEN": "aws-sm://none", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    for arguments in (("--help",), ("run", "--help")):
        done = subprocess.run(
            [sys.executable, "-m", "oss_datastore.cli", *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def test_a_secret_that_was_read_is_in_no_log_and_no_letter(
    vault: Vault, queue_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = vault.keep({"token": HIDDEN, "hook": f"https://127.0.0.1:9/{HIDDEN}"})
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    monkeypatch.setenv("GITHUB_TOKEN", f"aws-sm://{name}#token")
    monkeypatch.setenv("DLQ_URL", queue_url)
    monkeypatch.setenv("OSS_DATASTORE_ALERTS", f"webhook:aws-sm://{name}#hook")
    settings = Settings.load()
    open_github(settings).close()
    queue = open_queue(settings)
    number = queue.put(failure(message=f"the answer repeated {HIDDEN}", body=f'{{"seen": "{HIDDEN}"}}'.encode()))
    letter = queue.get(number)
    assert HIDDEN not in f"{letter!r}"
    assert "[redacted]" in letter.message
    queue.close()
    assert HIDDEN not in caplog.text


def test_doctor_says_which_settings_come_from_secrets_manager(
    vault: Vault, queue_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = vault.keep({"token": HIDDEN, "url": queue_url})
    monkeypatch.setenv("GITHUB_TOKEN", f"aws-sm://{name}#token")
    monkeypatch.setenv("GITHUB_TOKENS", f"acme=aws-sm://{name}#nothing")
    monkeypatch.setenv("DLQ_URL", f"aws-sm://{name}#url")
    done = CliRunner().invoke(doctor, ["--json"])
    found = {finding["what"]: (finding["state"], finding["told"]) for finding in json.loads(done.output)}
    assert found["GITHUB_TOKEN"] == ("ok", f"from AWS Secrets Manager: {name}#token")
    assert found["DLQ_URL"] == ("ok", f"from AWS Secrets Manager: {name}#url")
    assert found["GITHUB_TOKENS"] == ("missing", f"GITHUB_TOKENS: the secret {name} has no key nothing")
    assert HIDDEN not in done.output


@pytest.mark.aws
def test_a_real_secret_is_read_whole_and_by_its_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = os.environ.get("OSS_DATASTORE_TEST_SECRET")
    if not name:
        pytest.skip("OSS_DATASTORE_TEST_SECRET names no secret whose text is a JSON object")
    monkeypatch.chdir(tmp_path)
    secret_settings.forget_kept()

    def read(reference: str) -> str:
        monkeypatch.setenv("GITHUB_TOKEN", reference)
        token = Settings.load().github_token
        assert token is not None
        return token.get_secret_value()

    held = json.loads(read(f"aws-sm://{name}"))
    for key, value in held.items():
        if isinstance(value, str | int):
            assert read(f"aws-sm://{name}#{key}") == str(value)
    with pytest.raises(WrongSetting, match=r"^GITHUB_TOKEN: the secret .* has no key no-such-key$"):
        read(f"aws-sm://{name}#no-such-key")
    with pytest.raises(WrongSetting, match=r"^GITHUB_TOKEN: cannot read the secret oss-datastore-test/none: "):
        read("aws-sm://oss-datastore-test/none")
