"""The labels of a repository: those it is born with, and a few of its own that come, change and go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, dice
from oss_datastore.simulator.world.names import LABELS

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

DEFAULTS = 7
"""How many of the labels GitHub gives to every new repository."""
OWN = ("area: parser", "area: network", "priority: high", "priority: low", "needs repro", "breaking change", "stale")
COLOURS = ("fbca04", "0e8a16", "5319e7", "c2e0c6", "e99695")


@dataclass(frozen=True)
class Label:
    """One label as it is at an instant; its id outlives its name and colour."""

    id: int
    name: str
    color: str
    description: str | None
    is_default: bool
    created: int
    updated: int


def labels(repository: Repository, instant: int) -> list[Label]:
    """The labels at an instant, in the order in which they came."""
    base = 5_000_000_000 + repository.serial * 100
    born = repository.created
    found = [
        Label(base + index, name, color, description, index < DEFAULTS, born, born)
        for index, (name, color, description) in enumerate(LABELS)
    ]
    rng = dice(repository.seed, repository.key, "labels")
    for index, name in enumerate(rng.sample(OWN, rng.randrange(4))):
        created = max(ANCHOR, born) + rng.randrange(5, 500) * DAY + rng.randrange(DAY)
        changed, gone = created + rng.randrange(20, 300) * DAY, created + rng.randrange(150, 1500) * DAY
        colors = rng.sample(COLOURS, 2)
        renamed = f"{name} (v2)" if rng.random() < 0.3 else name
        if not created <= instant < gone:
            continue
        label = Label(base + 50 + index, name, colors[0], None, False, created, created)
        if instant >= changed:
            label = replace(label, name=renamed, color=colors[1], description="Agreed in the weekly", updated=changed)
        found.append(label)
    return found
