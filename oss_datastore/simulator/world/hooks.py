"""Webhooks of organisations and repositories: set up, pointed elsewhere, switched off, removed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org
    from oss_datastore.simulator.world.repositories import Repository

EVENTS = (("push",), ("push", "pull_request"), ("*",), ("issues", "issue_comment"), ("release",))


@dataclass(frozen=True)
class Hook:
    """One webhook as it is at an instant; `signed` says whether a secret is set. The secret itself is nowhere."""

    id: int
    url: str
    events: tuple[str, ...]
    active: bool
    signed: bool
    insecure: bool
    created: int
    updated: int


def org_hooks(org: Org, instant: int) -> list[Hook]:
    """The organisation's own webhooks at an instant."""
    rng = dice(org.seed, org.login, "hooks")
    return _at(rng, 3, 430_000_000 + org.number * 10_000, org.login, ANCHOR - 300 * DAY, instant)


def repository_hooks(repository: Repository, instant: int) -> list[Hook]:
    """A repository's webhooks at an instant; most have none."""
    rng = dice(repository.seed, repository.key, "hooks")
    most = rng.choice((0, 0, 1, 2)) if repository.number % 3 else 2
    identity = 440_000_000 + repository.serial * 10
    return _at(rng, most, identity, repository.org.login, max(ANCHOR, repository.created), instant)


def _at(rng: random.Random, most: int, identity: int, who: str, since: int, instant: int) -> list[Hook]:
    found = []
    for slot in range(most):
        created = since + rng.randrange(1, 500) * DAY + rng.randrange(DAY)
        changed = created + rng.randrange(20, 500) * DAY
        removed = changed + rng.randrange(100, 1_500) * DAY if rng.random() < 0.4 else HORIZON
        off, signed, insecure = rng.random() < 0.4, rng.random() < 0.7, rng.random() < 0.1
        events = rng.choice(EVENTS)
        if not created <= instant < removed:
            continue
        later = instant >= changed
        found.append(
            Hook(
                id=identity + slot,
                url=f"https://hooks.{who}.example/{identity + slot}{'/v2' if later and not off else ''}",
                events=events,
                active=not (later and off),
                signed=signed or later,
                insecure=insecure,
                created=created,
                updated=changed if later else created,
            )
        )
    return found
