"""What guards the branches: protection rules of the old kind, rulesets of repository and organisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org
    from oss_datastore.simulator.world.repositories import Repository


@dataclass(frozen=True)
class Protection:
    """A branch protection rule as it is at an instant."""

    id: int
    pattern: str
    creator: Person
    reviews: int
    code_owners: bool
    stale: bool
    checks: tuple[str, ...]
    strict: bool
    admins: bool
    signatures: bool
    linear: bool
    conversations: bool
    force_pushes: bool
    deletions: bool


@dataclass(frozen=True)
class Rule:
    """One rule of a ruleset; the numbers and flags of a `PULL_REQUEST` rule lie in `reviews` and `code_owners`."""

    id: int
    kind: str
    reviews: int = 0
    code_owners: bool = False
    checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ruleset:
    """A ruleset as it is at an instant; `owner` is the repository or organisation that made it."""

    id: int
    name: str
    owner: Repository | Org
    enforcement: str
    target: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    created: int
    updated: int
    rules: tuple[Rule, ...]


def protections(repository: Repository, instant: int) -> list[Protection]:
    """The branch protection rules at an instant: they grow stricter, administrators are exempted for a while."""
    rng = dice(repository.seed, repository.key, "protection")
    if repository.traits.empty or rng.random() < 0.25:
        return []
    since = max(ANCHOR, repository.created) + rng.randrange(-300, 300) * DAY
    raised, relaxed = since + rng.randrange(100, 500) * DAY, since + rng.randrange(200, 700) * DAY
    reviews, strict, checked = rng.randrange(2), rng.random() < 0.5, rng.random() < 0.7
    found = []
    for slot, pattern in enumerate(("main", "release/*")[: rng.choice((1, 1, 2))]):
        if instant < since + slot * 40 * DAY:
            continue
        found.append(
            Protection(
                id=30_000_000 + repository.serial * 10 + slot,
                pattern=pattern,
                creator=repository.home.staff.steward,
                reviews=reviews + (1 if instant >= raised else 0),
                code_owners=instant >= raised and strict,
                stale=strict,
                checks=("test", "lint") if checked else (),
                strict=strict,
                admins=not relaxed <= instant < relaxed + 30 * DAY,
                signatures=slot == 1,
                linear=strict,
                conversations=instant >= raised,
                force_pushes=False,
                deletions=slot == 1,
            )
        )
    return found


def rulesets(repository: Repository, instant: int) -> list[Ruleset]:
    """The repository's rulesets at an instant, its organisation's included."""
    found = [each for each in org_rulesets(repository.org, instant) if not repository.traits.empty]
    rng = dice(repository.seed, repository.key, "rulesets")
    since = max(ANCHOR, repository.created) + rng.randrange(10, 500) * DAY
    active = since + rng.randrange(20, 200) * DAY
    if repository.traits.empty or rng.random() < 0.5 or instant < since:
        return found
    identity = 900_000 + repository.serial * 4
    rules = (
        Rule(identity * 8, "DELETION"),
        Rule(identity * 8 + 1, "NON_FAST_FORWARD"),
        Rule(identity * 8 + 2, "PULL_REQUEST", reviews=1 + rng.randrange(2), code_owners=rng.random() < 0.5),
        Rule(identity * 8 + 3, "REQUIRED_STATUS_CHECKS", checks=("test",)),
    )
    found.append(
        Ruleset(
            id=identity,
            name="main stays whole",
            owner=repository,
            enforcement="ACTIVE" if instant >= active else "EVALUATE",
            target="BRANCH",
            include=("~DEFAULT_BRANCH",),
            exclude=(),
            created=since,
            updated=active if instant >= active else since,
            rules=rules[: 3 if instant < active else 4],
        )
    )
    return found


def org_rulesets(org: Org, instant: int) -> list[Ruleset]:
    """The organisation's own rulesets: tags may not be moved."""
    created = ANCHOR + 120 * DAY
    if instant < created:
        return []
    identity = 800_000 + org.number
    rules = (Rule(identity * 8, "DELETION"), Rule(identity * 8 + 1, "UPDATE"))
    return [
        Ruleset(identity, "tags are for good", org, "ACTIVE", "TAG", ("refs/tags/v*",), (), created, created, rules)
    ]
