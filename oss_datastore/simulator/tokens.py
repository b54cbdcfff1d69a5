"""Who is asking: what a token stands for. What that may see belongs to the endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oss_datastore.simulator.world import Org, World
from oss_datastore.simulator.world.people import Person, person

SCOPES = "admin:org, public_repo, read:org, repo, security_events"
ROLES = ("owner", "member", "outsider")
KINDS = ("classic", "fine-grained", "app")


@dataclass(frozen=True)
class Token:
    """What a token stands for.

    `role` is the place in every organisation: owner, member (may read only) or outsider. `kind` is a classic token, a
    fine-grained one or an app's installation; the last two lack the permissions named in `without`, such as
    `administration`, `members` or `vulnerability_alerts`. An installation's token knows its organisation, `org`.
    """

    role: str = "owner"
    kind: str = "classic"
    without: frozenset[str] = frozenset()
    org: str | None = None

    def __post_init__(self) -> None:
        if self.role not in ROLES or self.kind not in KINDS:
            raise ValueError(f"a token is one of {ROLES} and one of {KINDS}, not {self.role} and {self.kind}")

    @property
    def noun(self) -> str:
        """How GitHub's refusals call it."""
        return "integration" if self.kind == "app" else "personal access token"


def read_token(text: str) -> Token:
    """A token from words: `owner`, `member`, `outsider`, `app`, `fine-grained`, then `-permission` for each lacking.

    `fine-grained -administration` is an owner's token that may not read traffic. Raises ValueError on other words.
    """
    words = text.split()
    kind = next((word for word in words if word in KINDS), "classic")
    role = next((word for word in words if word in ROLES), "owner")
    rest = [word for word in words if word not in KINDS and word not in ROLES]
    if any(not word.startswith("-") for word in rest):
        raise ValueError(f"cannot read the token {text!r}: expected words of {ROLES + KINDS} and -permission")
    return Token(role, kind, frozenset(word[1:] for word in rest))


class Tokens:
    """The tokens this GitHub knows; without a list, every non-empty one is an owner's."""

    def __init__(self, known: Mapping[str, Token | str] | None = None) -> None:
        self._known = (
            None
            if known is None
            else {key: read_token(value) if isinstance(value, str) else value for key, value in known.items()}
        )

    def find(self, authorization: str | None) -> tuple[str, Token] | None:
        """The value and meaning of an Authorization header; ("", outsider) without one; None for a wrong token."""
        if authorization is None:
            return "", Token("outsider")
        word, _, value = authorization.partition(" ")
        value = value.strip()
        if word.lower() not in ("bearer", "token") or not value:
            return None
        if self._known is None:
            return value, Token()
        token = self._known.get(value)
        return None if token is None else (value, token)


def viewer(token: Token, world: World, org: Org | None = None) -> Person:
    """The account behind a token."""
    first = org or next(iter(world.orgs.values()))
    if token.kind == "app":
        return first.staff.bot
    return {"owner": first.staff.steward, "member": first.staff.observer, "outsider": person(0)}[token.role]
