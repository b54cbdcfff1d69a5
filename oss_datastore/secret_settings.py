"""Settings that are secrets: given as they are, or kept in AWS Secrets Manager and read when they are first needed.

    aws-sm://NAME          the whole text of a secret, by its name or ARN
    aws-sm://NAME#KEY      one key of a secret whose text is a JSON object

A reference is the whole value of a setting, or stands in braces within an address, where what it names is put in with
the signs quoted that an address gives a meaning to: `postgresql://{aws-sm://db#username}:{aws-sm://db#password}@host/db`.

Which settings are secret does not belong here, nor what is done with them.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
from pydantic import SecretStr

from oss_datastore.redaction import remember_secret
from oss_datastore.wrong_setting import WrongSetting

KEPT_SECONDS = 3600.0
"""A secret is asked for once in so long: what was rotated reaches a process that runs for weeks within the hour."""

_REFERENCE = re.compile(r"aws-sm://(?P<name>[\w/+=.@!:-]+)(?:#(?P<key>[^#{},\s]+))?", re.ASCII)
_IN_BRACES = re.compile(r"\{(" + _REFERENCE.pattern + r")\}", re.ASCII)
_SCHEME = "aws-sm:"

# Of a database's secret these say where and who, not by what right: to take them out of every log would hide too much.
_NOT_SECRET = frozenset({"username", "user", "host", "port", "dbname", "database", "engine", "dbInstanceIdentifier"})

_CREDENTIALS = "give this process valid AWS credentials"
_REFUSED = {
    "AccessDeniedException": "grant the role secretsmanager:GetSecretValue on it, and kms:Decrypt on its key",
    "DecryptionFailure": "grant the role kms:Decrypt on the secret's key",
    "InvalidRequestException": "restore it where its deletion is scheduled, or name another",
    "InvalidParameterException": "correct the name",
    "ValidationException": "correct the name",
    "ExpiredTokenException": _CREDENTIALS,
    "UnrecognizedClientException": _CREDENTIALS,
    "InvalidClientTokenId": _CREDENTIALS,
    "InvalidSignatureException": _CREDENTIALS,
}

_kept: dict[tuple[str, str | None, str | None], tuple[float, str]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class Manager:
    """The Secrets Manager that references are read from; without a region it is that of the AWS configuration."""

    region: str | None = None
    endpoint: str | None = None


class Secret(SecretStr):
    """A secret setting. `get_secret_value` asks AWS where the setting says so, and raises WrongSetting."""

    def __init__(self, written: str) -> None:
        super().__init__(written)
        self._setting = "a secret setting"
        self._manager = Manager()

    def known_as(self, setting: str, manager: Manager) -> Secret:
        """The same secret, which knows the variable to name in errors and where to ask. Raises WrongSetting."""
        self._setting, self._manager = setting, manager
        if self.is_kept_elsewhere and _SCHEME in self.outline:
            raise WrongSetting(
                f"{setting}: expected aws-sm://NAME or aws-sm://NAME#KEY as the whole value, or in braces within an "
                "address: {aws-sm://NAME#KEY}"
            )
        return self

    @property
    def is_kept_elsewhere(self) -> bool:
        """Whether the setting refers to Secrets Manager."""
        return _SCHEME in self._secret_value

    @property
    def references(self) -> list[str]:
        """What it refers to, for people: `NAME#KEY`."""
        if _REFERENCE.fullmatch(self._secret_value):
            return [self._secret_value.removeprefix("aws-sm://")]
        return [found[1].removeprefix("aws-sm://") for found in _IN_BRACES.finditer(self._secret_value)]

    @property
    def outline(self) -> str:
        """What can be said of the form without asking: an x for each reference; '' where all of it is one."""
        return "" if _REFERENCE.fullmatch(self._secret_value) else _IN_BRACES.sub("x", self._secret_value)

    @property
    def written(self) -> str:
        """The setting as it was given: what tells two apart, whatever they refer to holds now."""
        return self._secret_value

    def get_secret_value(self) -> str:
        """The secret. Raises WrongSetting where Secrets Manager has to be asked and does not tell it."""
        if not self.is_kept_elsewhere:
            return self._secret_value
        if whole := _REFERENCE.fullmatch(self._secret_value):
            return self._value(whole)
        value = _IN_BRACES.sub(lambda found: quote(self._value(found), safe=""), self._secret_value)
        remember_secret(value)
        return value

    def asked_again(self) -> str:
        """The secret as Secrets Manager has it now: for one that was refused, since it may have been rotated."""
        with _lock:
            for reference in self.references:
                _kept.pop(self._place(reference.partition("#")[0]), None)
        return self.get_secret_value()

    def _value(self, reference: re.Match[str]) -> str:
        name, key = reference["name"], reference["key"]
        text = self._text(name)
        if key is None:
            remember_secret(text)
            return text
        try:
            held = json.loads(text)
        except ValueError:
            held = None
        if not isinstance(held, dict):
            raise WrongSetting(f"{self._setting}: the secret {name} is no JSON object; leave #{key} out, or store one")
        value = held.get(key)
        if isinstance(value, bool) or not isinstance(value, str | int):
            told = "no key" if value is None else "no text under the key"
            raise WrongSetting(f"{self._setting}: the secret {name} has {told} {key}")
        if key not in _NOT_SECRET:
            remember_secret(str(value))
        return str(value)

    def _place(self, name: str) -> tuple[str, str | None, str | None]:
        # An ARN says where its secret lies, which need not be where everything else does.
        region = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 5 else self._manager.region
        return name, region, self._manager.endpoint

    def _text(self, name: str) -> str:
        place = self._place(name)
        # Within the lock, so that threads that need it at once ask once.
        with _lock:
            at, text = _kept.get(place, (0.0, ""))
            if place not in _kept or time.monotonic() - at > KEPT_SECONDS:
                text = self._ask(*place)
                _kept[place] = (time.monotonic(), text)
            return text

    def _ask(self, name: str, region: str | None, endpoint: str | None) -> str:
        from dagster_aws.secretsmanager import SecretsManagerResource

        try:
            client = SecretsManagerResource(region_name=region, endpoint_url=endpoint).get_client()
            with _answer_not_logged():
                answer = client.get_secret_value(SecretId=name)
        except ClientError as why:
            code = str(why.response.get("Error", {}).get("Code", "unknown"))
            if code == "ResourceNotFoundException":
                told = f"Secrets Manager has none in {client.meta.region_name}; create it or correct the name"
            else:
                told = f"{code}; {_REFUSED.get(code, 'see AWS Secrets Manager')}"
            raise WrongSetting(f"{self._setting}: cannot read the secret {name}: {told}") from None
        except NoRegionError:
            raise WrongSetting(f"{self._setting}: cannot read the secret {name}: set AWS_DEFAULT_REGION") from None
        except NoCredentialsError:
            raise WrongSetting(f"{self._setting}: cannot read the secret {name}: {_CREDENTIALS}") from None
        except (BotoCoreError, ValueError) as why:
            reason = " ".join(str(why).split())
            raise WrongSetting(
                f"{self._setting}: cannot read the secret {name}: {reason}; check AWS_DEFAULT_REGION, AWS_ENDPOINT_URL "
                "and the network"
            ) from None
        if "SecretString" not in answer:
            raise WrongSetting(f"{self._setting}: the secret {name} is binary; store it as text")
        return str(answer["SecretString"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._secret_value == self._secret_value

    def __hash__(self) -> int:
        return hash(self._secret_value)


@contextmanager
def _answer_not_logged() -> Iterator[None]:
    """The AWS library logs every answer whole at the level DEBUG, before anybody could know what is secret in it."""
    library = logging.getLogger("botocore")
    level = library.level
    library.setLevel(max(library.getEffectiveLevel(), logging.INFO))
    try:
        yield
    finally:
        library.setLevel(level)


def forget_kept() -> None:
    """Lets the next use of every secret ask again."""
    with _lock:
        _kept.clear()


def secrets_of(value: Any) -> Iterator[Secret]:
    """The secrets in a setting's value: itself, or those of a mapping."""
    for held in value.values() if isinstance(value, dict) else [value]:
        if isinstance(held, Secret):
            yield held
