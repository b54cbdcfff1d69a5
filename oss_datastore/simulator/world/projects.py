"""Projects (the second kind) of an organisation: boards on which issues and pull requests of its repositories lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org
    from oss_datastore.simulator.world.repositories import Repository

BOARDS = (
    ("Roadmap", "Where we want to go", True),
    ("Triage", None, True),
    ("Security work", "Not for everybody", False),
    ("Launch", "Everything for the big day", True),
)


@dataclass(frozen=True)
class Project:
    """One project as it is at an instant."""

    id: int
    number: int
    title: str
    description: str | None
    public: bool
    creator: Person
    created: int
    updated: int
    closed: int | None
    repositories: tuple[Repository, ...]


def projects(org: Org, instant: int) -> list[Project]:
    """The projects of an organisation at an instant, by number."""
    found: list[Project] = []
    for index, (title, description, public) in enumerate(BOARDS):
        rng = dice(org.seed, org.login, "project", index)
        created = ANCHOR + (index * 150 + rng.randrange(60)) * DAY + rng.randrange(DAY)
        retitled = created + rng.randrange(100, 400) * DAY
        closed = created + rng.randrange(200, 500) * DAY if index == 3 else HORIZON
        if instant < created:
            continue
        many = min(len(org.repositories), 4 + index)
        numbers = sorted(rng.sample(range(len(org.repositories)), many))
        linked = [org.repositories[number] for number in numbers if org.repositories[number].exists(instant)]
        late = instant >= retitled
        # Boards are touched every few days while they live.
        touched = created + (min(instant, closed) - created) // (3 * DAY) * 3 * DAY
        found.append(
            Project(
                id=3_000_000 + org.number * 100 + index,
                number=index + 1,
                title=f"{title} {2025 + index % 2}" if late else title,
                description=description,
                public=public,
                creator=org.staff.colleague(index, created),
                created=created,
                updated=max(touched, retitled if late else 0, closed if closed <= instant else 0),
                closed=closed if closed <= instant else None,
                repositories=tuple(linked),
            )
        )
    return found


def project_items(project: Project, instant: int) -> list[Item]:
    """What lies on a board: every third issue or pull request of its repositories that came after it did."""
    end = instant if project.closed is None else project.closed
    return [
        item
        for repository in project.repositories
        for item in repository.items(instant)
        if item.number % 3 == project.number % 3 and project.created <= item.created <= end
    ]
