"""Which token speaks for which organisation.

Only the choice of a token belongs here; sending it is `wire.py`, what it may spend is `budget.py`, and tokens that a
GitHub App is given are `apps.py`. A token's value leaves this package in an Authorization header and in no other way:
its repr shows the key alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from oss_datastore.github.messages import Answer


@dataclass(frozen=True)
class Token:
    """A token and a name for it that may be shown."""

    value: str = field(repr=False)
    """Empty for anonymous calls."""
    key: str
    """Short and safe: identifies the token in budgets, ETags and status without telling anything about it."""

    @classmethod
    def of(cls, value: str) -> Token:
        """The token with a key made from a hash of its value."""
        return cls(value, hashlib.sha256(value.encode()).hexdigest()[:12] if value else "anonymous")


class NoToken(LookupError):
    """There is no usable token for an organisation; the message names the setting, never the value."""


class TokenSource(Protocol):
    """Where tokens come from. Asked before every call, so a source may renew what it hands out."""

    def token(self, org: str | None) -> Token:
        """The token for an organisation, or for calls that concern none. Raises NoToken."""

    def renew(self, org: str | None, refused: Token, answer: Answer | None) -> Token | None:
        """Another token in place of one that GitHub refused with this answer; None where there is no other."""


class StaticTokens:
    """Tokens from the settings: one for everything, and others for single organisations."""

    def __init__(self, default: str | None, by_org: Mapping[str, str] | None = None) -> None:
        self._default = _checked(default, "GITHUB_TOKEN") if default is not None else None
        self._by_org = {
            org.lower(): _checked(value, f"GITHUB_TOKENS for {org}") for org, value in (by_org or {}).items()
        }

    @property
    def default(self) -> Token | None:
        """The token for everything that has none of its own."""
        return self._default

    def named(self, org: str | None) -> Token | None:
        """The token that is set for this very organisation."""
        return self._by_org.get(org.lower()) if org else None

    def token(self, org: str | None) -> Token:
        found = self.named(org) or self._default
        if found is None:
            whom = f"organisation {org}" if org else "calls outside an organisation"
            raise NoToken(f"no token for {whom}: set GITHUB_TOKEN, or name the organisation in GITHUB_TOKENS")
        return found

    def renew(self, org: str | None, refused: Token, answer: Answer | None) -> Token | None:
        return None

    def __repr__(self) -> str:
        return f"StaticTokens(default={self._default!r}, by_org={self._by_org!r})"


def _checked(value: str, setting: str) -> Token:
    value = value.strip()
    # An HTTP library that meets such a value says so in an exception that quotes it.
    if not value.isascii() or any(not 33 <= ord(sign) <= 126 for sign in value):
        raise NoToken(f"{setting} holds characters no token has (spaces, line breaks or non-ASCII): set it anew")
    return Token.of(value)
