"""Dependabot alerts: raised, then fixed, dismissed, reopened or left standing; and the advisories behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

ALPHABET = "23456789cfghjmpqrvwx"
ECOSYSTEMS = (("pip", "requirements.txt"), ("go", "go.mod"), ("npm", "package-lock.json"), ("rust", "Cargo.lock"))
SEVERITIES = (("low", 3.1), ("medium", 5.4), ("medium", 6.1), ("high", 7.5), ("high", 8.2), ("critical", 9.6))
WEAKNESSES = (("CWE-400", "Uncontrolled Resource Consumption"), ("CWE-22", "Path Traversal"), ("CWE-79", "XSS"))
ADVISORIES = 60


@dataclass(frozen=True)
class Advisory:
    """A published weakness of one invented package."""

    number: int
    ghsa_id: str
    cve_id: str | None
    package: str
    ecosystem: str
    manifest: str
    severity: str
    score: float
    weakness: tuple[str, str]
    published: int

    @property
    def summary(self) -> str:
        """One line."""
        return f"{self.package} mishandles untrusted input"


@dataclass(frozen=True)
class Turn:
    """A change of an alert's state."""

    at: int
    state: str
    actor: Person | None = None
    reason: str | None = None
    comment: str | None = None


@dataclass(frozen=True, eq=False)
class Alert:
    """One alert of one repository."""

    repository: Repository
    number: int
    advisory: Advisory
    created: int
    development: bool
    transitive: bool
    turns: tuple[Turn, ...]

    def at(self, instant: int) -> Turn:
        """Its latest change of state up to an instant."""
        latest = Turn(self.created, "open")
        for turn in self.turns:
            if turn.at <= instant:
                latest = turn
        return latest


@lru_cache(maxsize=1024)
def advisory(seed: int, number: int) -> Advisory:
    """The invented advisory of this number."""
    rng = dice(seed, "advisory", number)
    groups = ["".join(rng.choice(ALPHABET) for _ in range(4)) for _ in range(3)]
    ecosystem, manifest = rng.choice(ECOSYSTEMS)
    severity, score = rng.choice(SEVERITIES)
    return Advisory(
        number=number,
        ghsa_id="GHSA-" + "-".join(groups),
        cve_id=f"CVE-2024-{90_000 + number}" if rng.random() < 0.85 else None,
        package=rng.choice(("lib", "py", "go", "node-"))
        + rng.choice(("tangle", "brine", "cog", "flint", "wharf"))
        + str(number % 7),
        ecosystem=ecosystem,
        manifest=manifest,
        severity=severity,
        score=score,
        weakness=rng.choice(WEAKNESSES),
        published=ANCHOR - rng.randrange(10, 400) * DAY,
    )


def alert_log(repository: Repository) -> list[Alert]:
    """All alerts a repository will ever have, by number."""
    return list(_alerts(repository))


def _alerts(repository: Repository) -> Iterator[Alert]:
    rng = dice(repository.seed, repository.key, "alerts")
    end = repository.traits.ends
    moment, number = max(ANCHOR, repository.created), 0
    while True:
        moment += int(rng.expovariate(1 / 55) * DAY) + rng.randrange(60, DAY)
        if moment >= end:
            return
        number += 1
        yield Alert(
            repository=repository,
            number=number,
            advisory=advisory(repository.seed, rng.randrange(ADVISORIES)),
            created=moment,
            development=rng.random() < 0.25,
            transitive=rng.random() < 0.5,
            turns=tuple(turn for turn in _turns(repository, moment, number) if turn.at < end),
        )


def _turns(repository: Repository, created: int, number: int) -> Iterator[Turn]:
    rng = dice(repository.seed, repository.key, "alert", number)
    luck, at = rng.random(), created + int(rng.lognormvariate(2.7, 1.1) * DAY) + 3_600
    seat = rng.randrange(repository.home.staff.seats)
    if luck < 0.55:
        yield Turn(at, "fixed")
    elif luck < 0.75:
        reason = rng.choice(("tolerable_risk", "not_used", "inaccurate", "no_bandwidth"))
        who = repository.home.staff.colleague(seat, at)
        yield Turn(at, "dismissed", who, reason, "We do not call this function" if rng.random() < 0.5 else None)
        if rng.random() < 0.4:
            at += int(rng.uniform(2, 60) * DAY)
            yield Turn(at, "open")
            if rng.random() < 0.6:
                yield Turn(at + int(rng.uniform(1, 40) * DAY), "fixed")
    elif luck < 0.82:
        yield Turn(created + 600, "auto_dismissed")
