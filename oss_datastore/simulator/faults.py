"""Faults on demand: which requests go wrong, and how. The same seed makes the same requests fail.

A fault is written `name[@pattern][;day=YYYY-MM-DD][=rate][:sticky]`. The pattern is a glob over the path (of the
request as it came, or with the repository's present name; `/graphql/<operation>?<variable>=<value>` for GraphQL).
Without `:sticky` each attempt is a throw of its own, so that a retry may succeed; with it, or with rate 1, every
attempt of the simulated day ends alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from oss_datastore.simulator.world.dice import share

KINDS = {
    "server_error": "500 with GitHub's JSON body",
    "bad_gateway": "502 with GitHub's JSON body",
    "unavailable": "503 with an HTML page",
    "reset": "the connection is reset before an answer",
    "truncated": "200, but the connection ends in the middle of the body",
    "not_json": "200 with a body that is no JSON",
    "timeout": "no answer for ten seconds, then 502 (GraphQL: its error body, and points are charged)",
    "secondary_limit": "the secondary rate limit, as if the client had been hasty",
    "primary_limit": "the hourly budget is gone",
    "forbidden": "403 Resource not accessible",
    "not_found": "404",
    "blocked": "451 Repository access blocked",
    "malformed_item": "an issue, pull request or alert without an id; the pattern is its own path, .../issues/7",
    "graphql_node_error": "null and an error where a repository should be; the pattern is /repos/{owner}/{repo}",
    "graphql_resource_limits": "partial data and RESOURCE_LIMITS_EXCEEDED",
}
"""Every fault by name, and what it looks like."""


@dataclass(frozen=True)
class Fault:
    """One declared fault."""

    name: str
    rate: float
    pattern: str = "*"
    day: date | None = None
    sticky: bool = False

    @property
    def text(self) -> str:
        """The fault as it is written."""
        day = f";day={self.day}" if self.day else ""
        return f"{self.name}@{self.pattern}{day}={self.rate}{':sticky' if self.sticky else ''}"


def read_fault(what: str, how: str | float = 1.0) -> Fault:
    """A fault from `name[@pattern][;day=D]` and `rate[:sticky]`. Raises ValueError with what was expected."""
    rate_text, _, sticky = str(how).partition(":")
    head, _, day = what.partition(";day=")
    name, _, pattern = head.partition("@")
    if name not in KINDS:
        raise ValueError(f"unknown fault {name!r}: expected one of {', '.join(KINDS)}")
    if sticky not in ("", "sticky"):
        raise ValueError(f"cannot read {how!r} of the fault {name!r}: expected a rate, or a rate and :sticky")
    try:
        rate = float(rate_text)
        when = date.fromisoformat(day) if day else None
    except ValueError:
        raise ValueError(f"cannot read the fault {what}={how}: expected name[@pattern][;day=D]=rate[:sticky]") from None
    return Fault(name, rate, pattern or "*", when, bool(sticky))


def read_faults(declared: str | Mapping[str, str | float] | None) -> tuple[Fault, ...]:
    """Faults from one comma-separated text or a mapping of what to how."""
    if not declared:
        return ()
    pairs: Iterable[tuple[str, str | float]]
    if isinstance(declared, str):
        pairs = [_split(part.strip()) for part in declared.split(",") if part.strip()]
    else:
        pairs = declared.items()
    return tuple(read_fault(what, how) for what, how in pairs)


def _split(part: str) -> tuple[str, str]:
    # Only an `=` after the last `;day=D` separates the rate: the pattern and the day hold some of their own.
    what, found, how = part.rpartition("=")
    if found and not what.endswith(";day") and how.partition(":")[0].replace(".", "", 1).isdigit():
        return what, how
    return part, "1"


@dataclass
class Faults:
    """Decides which requests go wrong."""

    seed: int
    declared: tuple[Fault, ...] = ()
    struck: Counter[str] = field(default_factory=Counter)
    _attempts: Counter[tuple[str, str, date]] = field(default_factory=Counter)

    def declare(self, faults: tuple[Fault, ...]) -> None:
        """Replaces what is declared."""
        self.declared = faults

    def strike(self, names: Iterable[str], paths: Iterable[str], key: str, day: date) -> str | None:
        """The first declared fault of these names that hits a request.

        `paths` are the names that patterns may match; `key` is the whole request, so that pages differ.
        """
        if not self.declared:
            return None
        wanted, known = set(names), tuple(paths)
        for fault in self.declared:
            if fault.name not in wanted or (fault.day is not None and fault.day != day):
                continue
            if not any(fnmatchcase(path, fault.pattern) for path in known):
                continue
            turn = 0
            if not fault.sticky:
                turn = self._attempts[fault.text, key, day]
                self._attempts[fault.text, key, day] += 1
            if share(self.seed, fault.name, fault.pattern, key, day, turn) < fault.rate:
                self.struck[fault.name] += 1
                return fault.name
        return None

    def spoiled(self, path: str, day: date) -> bool:
        """Whether an item of this path is malformed today: always or never, whichever API asks."""
        return any(
            fault.name == "malformed_item"
            and (fault.day is None or fault.day == day)
            and fnmatchcase(path, fault.pattern)
            and share(self.seed, fault.name, fault.pattern, path, day) < fault.rate
            for fault in self.declared
        )
