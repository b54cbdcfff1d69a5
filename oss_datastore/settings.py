"""Every setting and its environment variable, typed, in one place.

Names and meanings are part of the public surface (README, sample.env). Nothing is read from the environment anywhere
else; what a setting builds (a client, a store, a queue) stands in `resources`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn
from pydantic import AliasChoices, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from oss_datastore.catalogue import DATASETS
from oss_datastore.clock import Clock
from oss_datastore.redaction import remember_secret
from oss_datastore.secret_settings import Manager, Secret, secrets_of
from oss_datastore.wrong_setting import WrongSetting

__all__ = ["Settings", "WrongSetting"]

_OURS = "OSS_DATASTORE_"
_ROLE = r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=.@/-]+"
_COPY_ROLE = re.compile(rf"default|{_ROLE}(,{_ROLE})*")
"""Several roles are a chain: each may take on the next."""
_CLASSES = ("STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR")
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
_NAMESPACE = re.compile(r"(?!AWS/|:)[A-Za-z0-9_.#:/ -]{1,255}")
_TOPIC = re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]{1,256}")


def _ours(name: str) -> Any:
    return AliasChoices(f"{_OURS}{name}")


Names = Annotated[tuple[str, ...], NoDecode]


class Settings(BaseSettings):
    """The settings of one process. Read with `Settings.load()`, which turns faults into one clear line."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    github_token: Secret | None = Field(None, validation_alias="GITHUB_TOKEN")
    github_tokens: Annotated[dict[str, Secret], NoDecode] = Field({}, validation_alias="GITHUB_TOKENS")
    github_orgs: Names = Field((), validation_alias="GITHUB_ORGS")
    github_api_url: str = Field("https://api.github.com", validation_alias="GITHUB_API_URL")
    github_graphql_url: str = Field("", validation_alias="GITHUB_GRAPHQL_URL")
    github_app_id: str | None = Field(None, validation_alias="GITHUB_APP_ID")
    github_app_private_key: Secret | None = Field(None, validation_alias="GITHUB_APP_PRIVATE_KEY")

    s3_root_bucket: str | None = Field(None, validation_alias="S3_ROOT_BUCKET")
    aws_default_region: str | None = Field(None, validation_alias="AWS_DEFAULT_REGION")
    aws_endpoint_url: str | None = Field(None, validation_alias="AWS_ENDPOINT_URL")
    dlq_url: Secret | None = Field(None, validation_alias="DLQ_URL")

    home: Path = Field(Path(".oss_datastore"), validation_alias=_ours("HOME"))
    warehouse: Literal["duckdb", "postgres", "redshift"] = Field("duckdb", validation_alias=_ours("WAREHOUSE"))
    warehouse_url: Secret | None = Field(None, validation_alias=_ours("WAREHOUSE_URL"))
    copy_role: str | None = Field(None, validation_alias=_ours("COPY_ROLE"))
    store_kms_key: str | None = Field(None, validation_alias=_ours("STORE_KMS_KEY"))
    store_class: str | None = Field(None, validation_alias=_ours("STORE_CLASS"))
    datasets: Names = Field((), validation_alias=_ours("DATASETS"))
    repositories: Names = Field((), validation_alias=_ours("REPOSITORIES"))
    files: Path | None = Field(None, validation_alias=_ours("FILES"))
    start_date: date = Field(date(2026, 1, 1), validation_alias=_ours("START_DATE"))
    held_now: datetime | None = Field(None, validation_alias=_ours("NOW"))
    alerts: Names = Field(("log",), validation_alias=_ours("ALERTS"))
    digest: Names = Field((), validation_alias=_ours("DIGEST"))
    metrics: str | None = Field(None, validation_alias=_ours("METRICS"))
    response_days: int = Field(2, ge=1, le=365, validation_alias=_ours("RESPONSE_DAYS"))
    sla_days: Annotated[tuple[int, int, int, int], NoDecode] = Field(
        (14, 30, 60, 90), validation_alias=_ours("SLA_DAYS")
    )

    @classmethod
    def load(cls, **overrides: Any) -> Self:
        """Reads environment and `.env`. Raises WrongSetting with one line that names the first wrong variable."""
        try:
            settings = cls(**overrides)
        except ValidationError as why:
            first = why.errors(include_url=False, include_input=False)[0]
            message = str(first["msg"]).removeprefix("Value error, ")
            if not first["loc"]:
                raise WrongSetting(message) from None
            where = str(first["loc"][0])
            field = cls.model_fields.get(where)
            variable = _variable(field.validation_alias) if field is not None else where
            raise WrongSetting(f"{variable}: {message[:1].lower()}{message[1:]}") from None
        settings._remember_secrets()
        return settings

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Every secret with its variable: tokens, the App's key, addresses of databases and notifiers."""
        for name, field in type(self).model_fields.items():
            for secret in secrets_of(getattr(self, name)):
                yield _variable(field.validation_alias), secret
        for name in ("alerts", "digest"):
            for target in getattr(self, name):
                way, _, address = target.partition(":")
                if way in ("webhook", "apprise"):
                    yield _variable(type(self).model_fields[name].validation_alias), self.address(name, address)

    def address(self, name: str, written: str) -> Secret:
        """The address of a notifier of the field `alerts` or `digest`. Raises WrongSetting where it is malformed."""
        return Secret(written).known_as(_variable(type(self).model_fields[name].validation_alias), self._manager)

    @property
    def _manager(self) -> Manager:
        return Manager(self.aws_default_region, self.aws_endpoint_url)

    def _remember_secrets(self) -> None:
        """Makes redaction know every configured secret, those included that have no form to recognise them by.

        Those that are kept elsewhere are remembered when they are read.
        """
        for _, secret in self.secrets():
            if not secret.is_kept_elsewhere:
                remember_secret(secret.get_secret_value())

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: Any) -> Any:
        # `NAME=` in a .env file means "not set", not an empty list or a malformed date.
        if isinstance(value, str) and not value.strip():
            field = cls.model_fields[info.field_name]
            return field.default
        return value

    @field_validator("github_orgs", "datasets", "repositories", "alerts", "digest", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        # What is blank is left for `_empty_is_unset`, which comes after this one.
        if isinstance(value, str) and value.strip():
            return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
        return value

    @field_validator("datasets")
    @classmethod
    def _name_datasets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            if not any(fnmatchcase(name, pattern) for name in DATASETS):
                near = get_close_matches(pattern.strip("*?"), DATASETS, n=3)
                hint = f"did you mean {' or '.join(near)}?" if near else f"they are {', '.join(sorted(DATASETS))}"
                raise ValueError(f"{pattern!r} matches no dataset; {hint}")
        return value

    @field_validator("files")
    @classmethod
    def _is_a_folder(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        folder = value.expanduser().absolute()
        if not folder.is_dir():
            raise ValueError(f"expected a folder with the file sources, and {folder} is none")
        return folder

    @field_validator("github_tokens", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        pairs = [part.strip() for part in value.split(",") if part.strip()]
        if any("=" not in pair for pair in pairs):
            raise ValueError("expected org=token,org=token")
        return {org.strip().lower(): token.strip() for org, _, token in (pair.partition("=") for pair in pairs)}

    @field_validator("sla_days", mode="before")
    @classmethod
    def _four_numbers(cls, value: Any) -> Any:
        # What is blank is left for `_empty_is_unset`, which comes after this one.
        if isinstance(value, str) and value.strip():
            parts = [part.strip() for part in value.split(",")]
            if len(parts) != 4 or not all(part.isdigit() for part in parts):
                raise ValueError("expected four numbers of days (critical, high, medium, low), such as 14,30,60,90")
            return tuple(int(part) for part in parts)
        return value

    @field_validator("github_api_url", "github_graphql_url", "aws_endpoint_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("expected an address that begins with https:// (or http://)")
            if parts.username or parts.password:
                raise ValueError("must not carry a user or password; the token goes into GITHUB_TOKEN")
            return value.rstrip("/")
        return value

    @field_validator("alerts", "digest")
    @classmethod
    def _targets(cls, value: tuple[str, ...], info: Any) -> tuple[str, ...]:
        if info.field_name == "alerts" and not value:
            raise ValueError("expected log, sns:<arn>, webhook:<url> or apprise:<url>, came only commas")
        for target in value:
            # What came is not repeated: addresses of notifiers are secrets.
            way, _, address = target.partition(":")
            if way == "webhook":
                if not Secret(address).is_kept_elsewhere:
                    _require_web_address(address)
            elif way == "sns":
                if not _TOPIC.fullmatch(address):
                    raise ValueError("expected sns:arn:aws:sns:<region>:<account>:<topic>")
            elif way == "apprise":
                if "://" not in address:  # as in a reference to a secret
                    raise ValueError("expected apprise:<service>://… as apprise describes it (a comma within as %2C)")
                if find_spec("apprise") is None:
                    raise ValueError("apprise:<url> needs apprise: pip install 'oss-datastore[apprise]'")
            elif target != "log":
                raise ValueError("expected log, sns:<arn>, webhook:<url> or apprise:<url>, separated by commas")
        return value

    @field_validator("metrics")
    @classmethod
    def _is_a_namespace(cls, value: str | None) -> str | None:
        if value is not None and not _NAMESPACE.fullmatch(value):
            raise ValueError("expected a namespace of CloudWatch, such as OssDatastore (AWS/ is Amazon's own)")
        return value

    @field_validator("warehouse_url")
    @classmethod
    def _warehouse_address(cls, value: Secret | None) -> Secret | None:
        if value is not None and value.outline:
            scheme = value.outline.partition("://")[0]
            if scheme not in ("postgresql", "redshift", "redshift+iam"):
                raise ValueError("expected postgresql://…, redshift://… or redshift+iam://…")
        return value

    @field_validator("store_class")
    @classmethod
    def _readable_at_once(cls, value: str | None) -> str | None:
        if value is not None and value not in _CLASSES:
            cause = "; rebuild and forget read every object, which an archive does not give at once"
            raise ValueError(
                f"expected one of {', '.join(_CLASSES)}, came {value}{cause if value in _ARCHIVES else ''}"
            )
        return value

    @field_validator("held_now")
    @classmethod
    def _never_in_the_future(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        if value > datetime.now(UTC):
            raise ValueError(f"{value.isoformat()} is in the future")
        return value

    @model_validator(mode="after")
    def _secrets_know_where_to_ask(self) -> Self:
        for name, field in type(self).model_fields.items():
            for secret in secrets_of(getattr(self, name)):
                secret.known_as(_variable(field.validation_alias), self._manager)
        for name in ("alerts", "digest"):
            for target in getattr(self, name):
                self.address(name, target.partition(":")[2])
        return self

    @model_validator(mode="after")
    def _warehouse_needs_an_address(self) -> Self:
        if self.warehouse != "duckdb" and self.warehouse_url is None:
            raise ValueError(f"{_OURS}WAREHOUSE_URL is needed with {_OURS}WAREHOUSE={self.warehouse}")
        if self.warehouse == "postgres" and self.warehouse_url is not None and self.warehouse_url.outline:
            address = self.warehouse_url.outline
            try:
                parse_dsn(address)
            except ProgrammingError:
                address = ""
            if not address.startswith("postgresql://"):
                raise ValueError(f"{_OURS}WAREHOUSE_URL: expected postgresql://user:password@host:5432/database")
        if self.warehouse == "redshift" and self.warehouse_url is not None:
            try:
                require_redshift_address(self.warehouse_url.outline)
            except ValueError as why:
                raise ValueError(f"{_OURS}WAREHOUSE_URL: {why}") from None
            if self.copy_role and not _COPY_ROLE.fullmatch(self.copy_role):
                raise ValueError(f"{_OURS}COPY_ROLE: expected arn:aws:iam::<account>:role/<name>, or default")
            for name, value in (("S3_ROOT_BUCKET", self.s3_root_bucket), (f"{_OURS}COPY_ROLE", self.copy_role)):
                if not value:
                    raise ValueError(f"{name} is needed with {_OURS}WAREHOUSE=redshift: it loads what lies in S3")
        return self

    @property
    def graphql_url(self) -> str:
        """The GraphQL address: as set, else derived from the REST address (Enterprise Server has its own form)."""
        if self.github_graphql_url:
            return self.github_graphql_url
        base = self.github_api_url
        if base.endswith("/api/v3"):
            return f"{base.removesuffix('/v3')}/graphql"
        return f"{base}/graphql"

    @property
    def clock(self) -> Clock:
        """The calendar of this process."""
        return Clock(self.held_now)

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file of the embedded warehouse."""
        return self.home_path / "warehouse.duckdb"

    @property
    def report_path(self) -> Path:
        """The report page."""
        return self.home_path / "report.html"

    @property
    def home_path(self) -> Path:
        """The home as an absolute path."""
        return self.home.expanduser().absolute()


def require_redshift_address(address: str) -> None:
    """Raises ValueError where something is lacking. What came is not repeated: it may hold a password."""
    if not address:
        return
    parts = urlsplit(address)
    if parts.scheme == "redshift":
        named = parts.hostname and parts.username and parts.password and parts.path.strip("/")
        if not named or not _has_port(parts.netloc):
            raise ValueError("expected redshift://user:password@host:5439/database")
    elif not (parts.scheme == "redshift+iam" and parts.hostname and parts.path.strip("/")):
        raise ValueError("expected redshift+iam://workgroup-or-cluster/database")


def _has_port(place: str) -> bool:
    """Whether what follows the host is a port, or stands for one that is kept elsewhere."""
    port = place.rpartition("@")[2].partition(":")[2]
    return port in ("", "x") or port.isdigit()


def _require_web_address(address: str) -> None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("expected webhook:https://… (or webhook:http://…)")


def _variable(alias: Any) -> str:
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias)
