"""Whom we must forget: a list of keyed hashes, and how an answer looks without those on it.

The list lies in the raw store beside what it keeps out: `suppression/key` (32 random bytes, made once) and one object
per hash. A hash is HMAC-SHA256 of `user/<id>`, `node/<node id>` or `login/<login in lower case>`, so that the list
names nobody to whom does not ask for somebody. What is staged passes it when it is written and when it is read, so
that neither a fetch after the list grew nor one that ran meanwhile brings a person back.

An account on the list is taken out as GitHub takes out one that was deleted: where a record names it (an author, an
assignee), nobody is named; a record that is about nothing else (a membership, a star, a profile, a fork of its own) is
left out. Texts that people write are left as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import orjson

from oss_datastore.staging.store import ObjectExists, ObjectMissing, RawStore

PREFIX = "suppression/"
_KEY = f"{PREFIX}key"
_ENTRIES = f"{PREFIX}entries/"
_URL_NAMES = re.compile(r"(_url|Url|^url|resourcePath|_link)$")
_OWNER_FOLLOWS = frozenset({"users", "repos"})
_NAMES_OF_REPOSITORIES = ("full_name", "nameWithOwner", "name_with_owner")
_NAMES_OF_PERSONS = ("reviewer", "approver")
_CREDIT = frozenset({"user", "type", "state"})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
NOBODY = "ghost"


class Suppression:
    """The list as it was when it was read. Empty lists cost nothing."""

    def __init__(self, key: bytes = b"", entries: Iterable[str] = ()) -> None:
        self._key = key
        self._entries = frozenset(entries)
        self._known: dict[str, bool] = {}

    def __bool__(self) -> bool:
        return bool(self._entries)

    @classmethod
    def read(cls, store: RawStore) -> Suppression:
        """The list of a store; empty where there is none. Raises StoreError."""
        entries = [key.removeprefix(_ENTRIES) for key in store.list(_ENTRIES)]
        return cls(store.get(_KEY), entries) if entries else cls()

    @classmethod
    def extend(cls, store: RawStore, user_id: int, logins: Iterable[str], node_ids: Iterable[str] = ()) -> Suppression:
        """The list with one more account, named by its ids and the logins it has had. Repeating it changes nothing."""
        try:
            key = store.get(_KEY)
        except ObjectMissing:
            with suppress(ObjectExists):  # somebody else made it at the same moment
                store.put_if_absent(_KEY, secrets.token_bytes(32))
            key = store.get(_KEY)
        of_logins = (f"login/{login.lower()}" for login in logins)
        for name in (f"user/{user_id}", *of_logins, *(f"node/{node_id}" for node_id in node_ids)):
            store.put_if_absent(f"{_ENTRIES}{_hash(key, name)}", b"")
        return cls.read(store)

    def has_login(self, login: object) -> bool:
        """Whether an account of that login is on the list."""
        return isinstance(login, str) and self._has(f"login/{login.strip().lstrip('@').lower()}")

    def has_user(self, user_id: object) -> bool:
        """Whether the account with that id is on the list."""
        return isinstance(user_id, int | str) and self._has(f"user/{user_id}")

    def has_node(self, node_id: object) -> bool:
        """Whether the account with that node id is on the list."""
        return isinstance(node_id, str) and self._has(f"node/{node_id}")

    def has_scope(self, scope: str) -> bool:
        """Whether a scope (`host/user/id`) is an account on the list."""
        _, kind, number = scope.split("/")
        return kind == "user" and self.has_user(number)

    def line(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        """A staged line without those on the list; None where nothing of it is left."""
        parts = [part for part in line["parts"] if not self.has_scope(part[1])]
        if not parts:
            return None
        indexed = {tuple(part[2][:n]) for part in parts for n, step in enumerate(part[2]) if isinstance(step, int)}
        clean = _Clean(self, indexed)
        kept = {
            name: clean.value(value, None, name) for name, value in line.items() if name not in ("parts", "payload")
        }
        return kept | {
            "parts": [[*part[:3], *(clean.value(context, None, "") for context in part[3:])] for part in parts],
            "payload": clean.value(line["payload"], (), ""),
        }

    def body(self, body: bytes | None) -> bytes | None:
        """What a letter may keep of an answer: JSON without those on the list, and no other text that names one."""
        if body is None or not self:
            return body
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError:
            text = body.decode("utf-8", "replace")
            return body if self.words(text) == text else None
        clean = _Clean(self, set()).value(payload, None, "")
        return body if clean == payload else orjson.dumps(clean)

    def words(self, text: str) -> str:
        """A sentence of ours without their logins."""
        return _WORD.sub(lambda word: NOBODY if self.has_login(word[0]) else word[0], text) if self else text

    def _has(self, name: str) -> bool:
        if not self._entries:
            return False
        found = self._known.get(name)
        if found is None:
            if len(self._known) > 1_000_000:
                self._known.clear()
            found = self._known[name] = _hash(self._key, name) in self._entries
        return found


class _Clean:
    """One answer. `indexed` are the paths of lists into which parts point: their length must stay."""

    def __init__(self, suppression: Suppression, indexed: set[tuple[Any, ...]]) -> None:
        self.suppression = suppression
        self.indexed = indexed

    def value(self, value: Any, path: tuple[Any, ...] | None, name: str) -> Any:
        if isinstance(value, dict):
            return None if self.is_person(value) else self.record(value, path)
        if isinstance(value, list):
            return self.items(value, path)
        if isinstance(value, str):
            return self.text(value, name)
        return value

    def items(self, items: Sequence[Any], path: tuple[Any, ...] | None) -> list[Any]:
        if path is None:  # of a request: the ids it asked for
            items = [item for item in items if not self.suppression.has_node(item)]
        keeps_length = path is not None and path in self.indexed
        return [
            None if self.is_about(item) else self.value(item, None if path is None else (*path, index), "")
            for index, item in enumerate(items)
            if keeps_length or not self.is_about(item)
        ]

    def record(self, record: Mapping[str, Any], path: tuple[Any, ...] | None) -> dict[str, Any]:
        clean = {k: self.value(v, None if path is None else (*path, k), k) for k, v in record.items()}
        if "email" in record and self.is_person(record.get("user")):
            clean |= {name: None for name in ("name", "email") if name in record}
        for role in ("author", "committer"):
            signature = clean.get("commit", {}).get(role) if isinstance(clean.get("commit"), dict) else None
            if isinstance(signature, dict) and self.is_person(record.get(role)):
                clean["commit"][role] = signature | {"name": None, "email": None}
                # What was signed holds the same names and addresses once more.
                clean["commit"] |= {"verification": None} if "verification" in clean["commit"] else {}
        if self.is_person(record.get("actor")) and isinstance(clean.get("payload"), dict):
            clean["payload"] = {k: v for k, v in clean["payload"].items() if k != "commits"}
        return clean

    def text(self, value: str, name: str) -> str:
        if name in _NAMES_OF_PERSONS:
            return NOBODY if self.suppression.has_login(value) else value
        if name in _NAMES_OF_REPOSITORIES or name == "label":
            owner, mark, rest = re.match(r"([^/:]*)([/:]?)(.*)", value, re.S).groups()  # type: ignore[union-attr]
            return f"{NOBODY}{mark}{rest}" if mark and self.suppression.has_login(owner) else value
        if _URL_NAMES.search(name) and "/" in value:
            return self.address(value)
        return value

    def address(self, value: str) -> str:
        steps = value.split("/")
        first = 3 if "://" in value else 1
        for index, step in enumerate(steps):
            names_owner = index == first or (index > first and steps[index - 1] in _OWNER_FOLLOWS)
            if names_owner and self.suppression.has_login(re.split(r"[?#{]", step)[0]):
                steps[index] = NOBODY
        return "/".join(steps)

    def is_person(self, value: Any) -> bool:
        """Whether an object is an account on the list: by its number, or by its login where it has no number."""
        if not isinstance(value, dict):
            return False
        login = value.get("login", value.get("person"))
        if not isinstance(login, str):
            return False
        number = value.get("databaseId", value.get("id"))
        # The number of an invitation is its own. Where an account has its number, a login says nothing: it may be
        # somebody else's by now.
        if isinstance(number, int) and "inviter" not in value:
            return self.suppression.has_user(number)
        return self.suppression.has_login(login)

    def is_about(self, value: Any) -> bool:
        """Whether a record of a list says something of an account on the list and nothing else."""
        if not isinstance(value, dict):
            return False
        is_person = self.is_person
        return (
            is_person(value)
            or is_person(value.get("node"))
            or is_person(value.get("requestedReviewer"))
            or ("starred_at" in value and is_person(value.get("user")))
            or (set(value) <= _CREDIT and is_person(value.get("user")))
            or ("weeks" in value and is_person(value.get("author")))
            or (any(name in value for name in _NAMES_OF_REPOSITORIES) and is_person(value.get("owner")))
        )


def _hash(key: bytes, name: str) -> str:
    return hmac.new(key, name.encode(), hashlib.sha256).hexdigest()
