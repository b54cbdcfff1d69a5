"""What code scanning and secret scanning found: alerts that are raised, fixed, dismissed or resolved.

The secrets are invented, and look like real ones, so that a leak can be looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.alerts import Turn
from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice, sha
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

RULES = (
    ("py/path-injection", "Uncontrolled data used in path expression", "error", "high"),
    ("py/clear-text-logging", "Clear-text logging of sensitive information", "error", "high"),
    ("py/unused-import", "Unused import", "note", None),
    ("js/xss", "Client-side cross-site scripting", "error", "medium"),
    ("js/missing-rate-limiting", "Missing rate limiting", "warning", "low"),
    ("go/command-injection", "Command built from user-controlled sources", "error", "critical"),
)
SECRETS = (
    ("github_personal_access_token", "GitHub Personal Access Token", "github", "ghp_", 36),
    ("aws_access_key_id", "Amazon AWS Access Key ID", "amazon_aws", "AKIA", 16),
    ("stripe_api_key", "Stripe API Key", "stripe", "sk_live_", 24),
)


@dataclass(frozen=True, eq=False)
class CodeAlert:
    """One finding in the code of a repository."""

    repository: Repository
    number: int
    rule: tuple[str, str, str, str | None]
    created: int
    path: str
    line: int
    turns: tuple[Turn, ...]

    def at(self, instant: int) -> Turn:
        """Its latest change of state up to an instant."""
        return _latest(self.turns, self.created, instant)


@dataclass(frozen=True, eq=False)
class SecretAlert:
    """One secret that lies in a repository."""

    repository: Repository
    number: int
    kind: tuple[str, str, str, str, int]
    created: int
    commit: str
    turns: tuple[Turn, ...]
    bypassed_by: Person | None

    @property
    def secret(self) -> str:
        """The secret itself."""
        repository = self.repository
        letters = sha(repository.seed, repository.key, "secret", self.number)[: self.kind[4]]
        return self.kind[3] + (letters.upper() if self.kind[3] == "AKIA" else letters)

    def at(self, instant: int) -> Turn:
        """Its latest change of state up to an instant."""
        return _latest(self.turns, self.created, instant)


def _latest(turns: tuple[Turn, ...], created: int, instant: int) -> Turn:
    latest = Turn(created, "open")
    for turn in turns:
        if turn.at <= instant:
            latest = turn
    return latest


def code_scanning_on(repository: Repository) -> bool:
    """Whether the code is scanned."""
    return not (repository.traits.empty or repository.traits.private or repository.number % 4 == 1)


def secret_scanning_on(repository: Repository) -> bool:
    """Whether secrets are looked for."""
    return not repository.traits.private


def _moments(repository: Repository, what: str, mean_days: float) -> Iterator[tuple[int, int]]:
    rng = dice(repository.seed, repository.key, what)
    moment, number = max(ANCHOR, repository.created), 0
    while True:
        moment += int(rng.expovariate(1 / mean_days) * DAY) + rng.randrange(60, DAY)
        if moment >= repository.traits.ends:
            return
        number += 1
        yield number, moment


def code_log(repository: Repository) -> list[CodeAlert]:
    """All findings a repository will ever have, by number."""
    found: list[CodeAlert] = []
    if not code_scanning_on(repository):
        return found
    staff = repository.home.staff
    for number, moment in _moments(repository, "code alerts", 70):
        rng = dice(repository.seed, repository.key, "code alert", number)
        turns: tuple[Turn, ...] = ()
        luck, at = rng.random(), moment + int(rng.lognormvariate(2.5, 1.0) * DAY) + 3_600
        if luck < 0.5:
            turns = (Turn(at, "fixed"),)
        elif luck < 0.75:
            reason = rng.choice(("false positive", "won't fix", "used in tests"))
            who = staff.colleague(rng.randrange(staff.seats), at)
            turns = (Turn(at, "dismissed", who, reason, "Looked at together" if rng.random() < 0.5 else None),)
            if rng.random() < 0.3:
                turns += (Turn(at + rng.randrange(2, 60) * DAY, "open"),)
        path = f"src/{rng.choice(('parser', 'server', 'client', 'cli'))}.py"
        found.append(CodeAlert(repository, number, rng.choice(RULES), moment, path, rng.randrange(1, 400), turns))
    return found


def secret_log(repository: Repository) -> list[SecretAlert]:
    """All secrets that will ever be found in a repository, by number."""
    found: list[SecretAlert] = []
    if repository.traits.empty or not secret_scanning_on(repository):
        return found
    staff = repository.home.staff
    for number, moment in _moments(repository, "secret alerts", 160):
        rng = dice(repository.seed, repository.key, "secret alert", number)
        turns: tuple[Turn, ...] = ()
        at = moment + int(rng.lognormvariate(1.0, 1.2) * DAY) + 1_800
        who = staff.colleague(rng.randrange(staff.seats), at)
        if rng.random() < 0.8:
            reason = rng.choice(("revoked", "revoked", "false_positive", "used_in_tests", "wont_fix"))
            turns = (Turn(at, "resolved", who, reason, "Rotated" if reason == "revoked" else None),)
        commit = sha(repository.seed, repository.key, "secret commit", number)
        bypassed = who if rng.random() < 0.2 else None
        found.append(SecretAlert(repository, number, rng.choice(SECRETS), moment, commit, turns, bypassed))
    return found
