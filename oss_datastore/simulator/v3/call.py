"""What an endpoint is, what it gets, and what it may answer with. The endpoints themselves live beside this."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oss_datastore.simulator.faults import Faults
from oss_datastore.simulator.tokens import Token, viewer
from oss_datastore.simulator.world import Org, World
from oss_datastore.simulator.world.apps import Installation
from oss_datastore.simulator.world.dice import day_of, parse_instant
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.people import GHOST, Person
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.teams import PERMISSIONS

Json = dict[str, Any]
HTML = "https://github.com"
"""Where pages for people live; nothing in the simulator serves them."""


class Refused(Exception):
    """An answer other than the one asked for."""

    def __init__(self, status: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.extra = status, message, extra


def not_found() -> Refused:
    """What is not there, or not to be seen."""
    return Refused(404, "Not Found")


@dataclass(frozen=True)
class Listing:
    """A list of which only one page is written out; `wrap` puts it, with the number of all, into an object."""

    entries: Sequence[Any]
    write: Callable[[Any], Any]
    wrap: Callable[[int, list[Any]], Json] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """An answer with a status or headers of its own; a payload of None is an empty body."""

    payload: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request to one endpoint: who asks for what, at which instant.

    `headers` are the request's, in lower case; `paths` are the names under which faults may know it. `computed` counts
    how often what must be computed first was asked for; it is there after `computing` times. `mint` gives
    an app that signed for itself a token.
    """

    world: World
    now: int
    base: str
    token: Token
    faults: Faults
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    computed: Counter[tuple[object, ...]] = field(default_factory=Counter)
    computing: int = 0
    mint: Callable[[Installation], tuple[str, int]] | None = None

    def org(self) -> Org:
        """The organisation named in the path."""
        found = self.world.org(self.path["org"])
        if found is None:
            raise not_found()
        return found

    def repository(self) -> Repository:
        """The repository named in the path, if the token may see it."""
        org = self.world.org(self.path["owner"])
        found = org.repository(self.path["repo"], self.now) if org else None
        if found is None or not self.sees(found):
            raise not_found()
        return found

    def viewer(self, org: Org | None = None) -> Person:
        """The account behind the token."""
        return viewer(self.token, self.world, org)

    def sees(self, repository: Repository) -> bool:
        """Whether the token may know of a repository."""
        if repository.traits.private and self.token.org is not None:
            return repository.org.login == self.token.org
        return self.token.role != "outsider" or not repository.traits.private

    def permission(self, repository: Repository) -> str | None:
        """What the token may do in a repository, in the words of REST."""
        if self.token.role == "owner":
            return "admin"
        who = self.viewer(repository.org)
        granted = repository.org.access(repository).permission(who, self.now)
        return granted or (None if repository.traits.private else "pull")

    def may(self, repository: Repository, least: str) -> bool:
        """Whether the token may do at least this much in a repository."""
        held = self.permission(repository)
        return held is not None and PERMISSIONS.index(held) >= PERMISSIONS.index(least)

    def need_admin(self, repository: Repository) -> None:
        """Refuses all but administrators of a repository the way GitHub hides what they may not know."""
        if not self.may(repository, "admin"):
            raise not_found()

    def need_member(self) -> None:
        """Refuses outsiders the way GitHub hides what they may not know."""
        if self.token.role == "outsider":
            raise not_found()

    def need_owner(self, message: str, status: int = 403) -> None:
        """Refuses everybody but owners, with these words."""
        if self.token.role != "owner":
            raise Refused(status, message)

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """A parameter with a fixed set of values; anything else is refused."""
        value = self.query.get(name, default)
        if value not in allowed:
            raise Refused(422, "Validation Failed", errors=[{"field": name, "code": "invalid"}])
        return value

    def since(self) -> int | None:
        """The parameter `since`, if given."""
        moment = self.moment("since")
        return None if moment is None or self.strikes("since_ignored") else moment

    def moment(self, name: str) -> int | None:
        """A parameter that is a time, if given."""
        text = self.query.get(name)
        if not text:
            return None
        try:
            return parse_instant(text)
        except ValueError:
            raise Refused(422, "Validation Failed", errors=[{"field": name, "code": "invalid"}]) from None

    def items(self, repository: Repository) -> list[Item]:
        """The issues and pull requests that have not been deleted or transferred away."""
        found = repository.items(self.now)
        if not self.faults.declared:
            return found
        return [item for item in found if not self.gone(item)]

    def gone(self, item: Item) -> str | None:
        """Whether an issue was deleted or transferred away: the fault that says so."""
        for name in ("issue_deleted", "issue_transferred"):
            if not item.is_pull and self.holds_at(name, item.repository, "issues", item.number):
                return name
        return None

    def author(self, item: Item, who: Person | None) -> Person | None:
        """Who wrote something in an issue or pull request: the ghost where the account is gone, None by a fault."""
        ghostly = self.holds_at("ghost_authors", item.repository, "issues", item.number)
        return None if ghostly else who or GHOST

    def empty(self, repository: Repository) -> bool:
        """Whether a repository has no commits."""
        return repository.traits.empty or self.holds("empty_repository", repository)

    def number(self, name: str, default: int = 1) -> int:
        """A parameter that is a positive number; its default where it is something else."""
        text = self.query.get(name, "")
        return int(text) if text.isdigit() and int(text) > 0 else default

    def holds(self, name: str, repository: Repository) -> bool:
        """Whether a lasting fault belongs to a repository."""
        if not self.faults.declared:
            return False
        return self._holds(name, f"/repos/{repository.full_name(self.now)}", str(repository.id))

    def holds_in_org(self, name: str, org: Org) -> bool:
        """Whether a lasting fault belongs to an organisation."""
        return bool(self.faults.declared) and self._holds(name, f"/orgs/{org.login}", str(org.id))

    def holds_at(self, name: str, repository: Repository, *inside: object) -> bool:
        """Whether a lasting fault belongs to something in a repository, such as ("issues", 7)."""
        if not self.faults.declared:
            return False
        rest = "/".join(map(str, inside))
        return self._holds(name, f"/repos/{repository.full_name(self.now)}/{rest}", f"{repository.id}/{rest}")

    def _holds(self, name: str, path: str, key: str) -> bool:
        return self.faults.holds(name, (path, *self.paths), key, day_of(self.now))

    def strikes(self, name: str) -> bool:
        """Whether a fault strikes this very request."""
        if not self.faults.declared:
            return False
        key = "&".join(f"{name}={value}" for name, value in sorted(self.query.items()))
        return self.faults.strike((name,), self.paths, f"{self.paths[-1]}?{key}", day_of(self.now)) is not None

    def spoiled(self, repository: Repository, *inside: object) -> bool:
        """Whether something in a repository, such as ("issues", 7), is to lack its id."""
        return self.holds_at("malformed_item", repository, *inside)


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """An endpoint: its template, the permission a fine-grained token needs (`members=read`), classic scopes.

    `cursor`: its list knows no page numbers. `most`: how many entries a page holds at most. `resource`: the budget it
    draws on. `as_app`: it is for an app that signs for itself.
    """

    template: str
    handler: Handler
    permission: str = "metadata=read"
    scopes: str = "repo"
    cursor: bool = False
    most: int = 100
    resource: str = "core"
    method: str = "GET"
    as_app: bool = False
