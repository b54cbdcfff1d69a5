"""Discussions of a repository: asked, talked about, answered, closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, HOUR, dice
from oss_datastore.simulator.world.names import WORDS_DONE, WORDS_THING
from oss_datastore.simulator.world.people import Person, person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

CATEGORIES = (
    ("Announcements", "announcements", ":mega:", False),
    ("Q&A", "q-a", ":pray:", True),
    ("Ideas", "ideas", ":bulb:", False),
    ("Show and tell", "show-and-tell", ":raised_hands:", False),
)
"""Name, slug, emoji, and whether a comment can be chosen as the answer."""
NEVER = HORIZON


@dataclass(frozen=True)
class Remark:
    """A comment in a discussion; `author` is None where the account is gone."""

    id: int
    author: Person | None
    at: int
    body: str


@dataclass(frozen=True)
class Discussion:
    """One discussion with all that will ever happen to it."""

    id: int
    number: int
    title: str
    body: str
    author: Person | None
    category: int
    created: int
    closed: int
    answered: int
    answer: int
    chosen_by: Person | None
    remarks: tuple[Remark, ...]
    votes: tuple[int, ...]

    def comments(self, instant: int) -> list[Remark]:
        """The comments by an instant, oldest first."""
        return [remark for remark in self.remarks if remark.at <= instant]

    def upvotes(self, instant: int) -> int:
        """How many liked it by an instant."""
        return sum(at <= instant for at in self.votes)

    def accepted(self, instant: int) -> Remark | None:
        """The comment that was chosen as the answer."""
        return self.remarks[self.answer] if self.answered <= instant else None

    def updated(self, instant: int) -> int:
        """When it last changed; votes do not count."""
        moments = [self.created, *(remark.at for remark in self.remarks), self.closed, self.answered]
        return max(at for at in moments if at <= instant)


def discussions(repository: Repository, instant: int) -> list[Discussion]:
    """The discussions begun by an instant, oldest first; none where a repository has not turned them on."""
    if not repository.has_discussions:
        return []
    step, start = 19 * DAY, max(ANCHOR, repository.created)
    end = min(instant, repository.traits.ends - 1)
    return [_discussion(repository, turn, start + step * turn) for turn in range(1, max(0, end - start) // step + 1)]


def _discussion(repository: Repository, turn: int, created: int) -> Discussion:
    rng = dice(repository.seed, repository.key, "discussion", turn)
    staff, identity = repository.home.staff, 8_000_000 + repository.serial * 2_000 + turn
    category = rng.randrange(len(CATEGORIES))
    author = None if rng.random() < 0.05 else person(rng.randrange(90 + staff.seats))
    remarks: list[Remark] = []
    at = created
    for index in range(rng.choice((0, 1, 2, 2, 3, 5))):
        at += 60 + int(rng.lognormvariate(2.0, 1.2) * HOUR)
        who = author if rng.random() < 0.3 else staff.colleague(rng.randrange(staff.seats), at)
        remarks.append(Remark(identity * 16 + index, who, at, f"{rng.choice(WORDS_DONE)} it, then it works."))
    chosen = CATEGORIES[category][3] and bool(remarks) and rng.random() < 0.7
    answered = remarks[-1].at + rng.randrange(60, 3 * DAY) if chosen else NEVER
    closed = at + int(rng.uniform(3, 60) * DAY) if rng.random() < 0.25 else NEVER
    return Discussion(
        id=identity,
        number=10_000 + turn,
        title=f"How do you {rng.choice(WORDS_DONE).lower()} the {rng.choice(WORDS_THING)}?",
        body="We wonder how others do it.",
        author=author,
        category=category,
        created=created,
        closed=closed,
        answered=answered,
        answer=len(remarks) - 1,
        chosen_by=author or staff.steward,
        remarks=tuple(remarks),
        votes=tuple(sorted(created + int(rng.expovariate(1 / 9) * DAY) for _ in range(rng.randrange(7)))),
    )
