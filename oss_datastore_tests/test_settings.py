"""Settings: what is empty is not set, what is wrong is named, and no secret can be read off."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from oss_datastore.settings import Settings, WrongSetting

SAMPLE = Path(__file__).resolve().parents[1] / "sample.env"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in _variables():
        monkeypatch.delenv(name, raising=False)


def _variables() -> set[str]:
    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    return {str(getattr(alias, "choices", [alias])[0]) for alias in aliases}


def test_a_token_and_an_organisation_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_x")
    monkeypatch.setenv("GITHUB_ORGS", "acme, globex,acme")
    settings = Settings.load()
    assert settings.github_orgs == ("acme", "globex")
    assert settings.github_api_url == "https://api.github.com"
    assert settings.home_path == Path.cwd() / ".oss_datastore"
    assert settings.sla_days == (14, 30, 60, 90)


def test_an_env_file_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("GITHUB_ORGS=from-file\nOSS_DATASTORE_RESPONSE_DAYS=5\nOSS_DATASTORE_NOW=\n")
    monkeypatch.setenv("GITHUB_ORGS", "acme")
    settings = Settings.load()
    assert (settings.github_orgs, settings.response_days, settings.held_now) == (("acme",), 5, None)


def test_what_is_blank_is_not_set_whatever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = Settings.load()
    for name in _variables():
        monkeypatch.setenv(name, "")
    assert Settings.load() == unset


def test_every_setting_stands_in_the_sample_and_the_sample_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SAMPLE.read_text()
    missing = {name for name in _variables() if f"{name}=" not in text}
    assert missing == set()
    Path(".env").write_text(text)
    assert Settings.load() == Settings.load(_env_file=None)


def test_no_secret_can_be_read_off_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "GITHUB_TOKEN": "ghp_canary1",
        "GITHUB_TOKENS": "acme=ghp_canary2",
        "GITHUB_APP_PRIVATE_KEY": "canary3",
        "DLQ_URL": "postgresql://me:canary4@host/db",
        "OSS_DATASTORE_WAREHOUSE_URL": "postgresql://me:canary5@host/db",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    assert "canary" not in f"{settings!r} {settings} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("api", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example.com/api/v3/", "https://ghe.example.com/api/graphql"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/graphql"),
    ],
)
def test_the_graphql_address_follows_from_the_rest_address(
    api: str, graphql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", api)
    assert Settings.load().graphql_url == graphql


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_API_URL", "ftp://host"),
        ("GITHUB_TOKENS", "ghp_canary"),
        ("AWS_ENDPOINT_URL", "localhost:5000"),
        ("OSS_DATASTORE_WAREHOUSE", "sqlite"),
        ("OSS_DATASTORE_WAREHOUSE_URL", "mysql://me:canary@host"),
        ("OSS_DATASTORE_START_DATE", "2026-13-01"),
        ("OSS_DATASTORE_NOW", "soon"),
        ("OSS_DATASTORE_ALERTS", "log,pigeon:canary"),
        ("OSS_DATASTORE_DIGEST", "canary"),
        ("OSS_DATASTORE_RESPONSE_DAYS", "0"),
        ("OSS_DATASTORE_SLA_DAYS", "14,30,60,x"),
    ],
)
def test_a_wrong_value_is_named_in_one_line_and_not_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting) as wrong:
        Settings.load()
    message = str(wrong.value)
    assert message.startswith(f"{name}: ")
    assert "\n" not in message
    assert "canary" not in message
    assert wrong.value.__suppress_context__


def test_now_is_utc_and_a_moment_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("2026-01-02T03:04:05", "2026-01-02T04:04:05+01:00"):
        monkeypatch.setenv("OSS_DATASTORE_NOW", text)
        assert Settings.load().clock.now() == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_pattern_that_matches_no_dataset_is_refused_with_what_was_perhaps_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OSS_DATASTORE_DATASETS", "issue*,trafic_views")
    with pytest.raises(WrongSetting, match=r"OSS_DATASTORE_DATASETS: 'trafic_views' .* did you mean traffic_views"):
        Settings.load()
    monkeypatch.setenv("OSS_DATASTORE_DATASETS", "zzz")
    with pytest.raises(WrongSetting, match=r"they are .*traffic_views"):
        Settings.load()
    monkeypatch.setenv("OSS_DATASTORE_DATASETS", "issue*, traffic_views, *directory")
    assert Settings.load().datasets == ("issue*", "traffic_views", "*directory")


def test_the_folder_of_file_sources_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("OSS_DATASTORE_FILES", "here")
    assert Settings.load().files == tmp_path / "here"
    monkeypatch.setenv("OSS_DATASTORE_FILES", "elsewhere")
    with pytest.raises(WrongSetting, match=r"^OSS_DATASTORE_FILES: expected a folder .*elsewhere is none$"):
        Settings.load()


@pytest.mark.parametrize("colder", ["GLACIER", "DEEP_ARCHIVE"])
def test_a_storage_class_that_gives_nothing_at_once_is_refused(colder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_DATASTORE_STORE_CLASS", colder)
    with pytest.raises(WrongSetting, match=f"^OSS_DATASTORE_STORE_CLASS: expected .*came {colder}; rebuild and forget"):
        Settings.load()
    monkeypatch.setenv("OSS_DATASTORE_STORE_CLASS", "glacier_ir")
    with pytest.raises(WrongSetting, match=r"came glacier_ir$"):
        Settings.load()
    monkeypatch.setenv("OSS_DATASTORE_STORE_CLASS", "GLACIER_IR")
    assert Settings.load().store_class == "GLACIER_IR"
