"""How issues and pull requests live: who opens them, who answers when, how they end.

Each is written by a generator of its own, so that one life never changes another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HOUR, dice, month_start
from oss_datastore.simulator.world.items import Event, Item
from oss_datastore.simulator.world.names import LABELS, WORDS_DONE, WORDS_THING
from oss_datastore.simulator.world.people import DEPENDABOT, Person, person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository


def item_log(repository: Repository, month: int, first_number: int) -> Iterator[Item]:
    """The items opened in one month, numbered on from `first_number`."""
    start, end = month_start(month), month_start(month + 1)
    if start >= repository.traits.ends and not repository.busy:
        return
    rng = dice(repository.seed, repository.key, "items", month)
    mean = repository.traits.rate * (end - start) / DAY
    births = sorted(start + rng.randrange(end - start) for _ in range(int(mean * rng.gammavariate(4, 0.25) + 0.5)))
    found = [(birth, False, False) for birth in births if repository.created <= birth < repository.traits.ends]
    for moment, issues, pulls in repository.busy:
        if start <= moment < end:
            found += [(moment + 40 * step, True, step < pulls) for step in range(pulls + issues)]
    for step, (birth, planned, is_pull) in enumerate(sorted(found)):
        yield write_item(repository, first_number + step, birth, is_pull if planned else None)


def write_item(repository: Repository, number: int, birth: int, planned: bool | None = None) -> Item:
    """One issue or pull request with all that will ever happen to it; `planned` says which, else chance does."""
    life = Life(repository, number, birth, repository.traits.ends if planned is None else repository.traits.archived)
    is_pull = life.rng.random() < 0.55
    if planned is not None:
        is_pull = planned
    author = life.somebody(birth, bots=0.15 if is_pull else 0.02)
    draft = is_pull and author is not None and not author.is_bot and life.rng.random() < 0.2
    title = life.title(author)
    closes = life.rng.randrange(1, number) if is_pull and number > 1 and life.rng.random() < 0.4 else None
    if is_pull:
        life.pull(author, draft)
    else:
        life.issue(author)
    events = life.finish()
    return Item(
        repository=repository,
        number=number,
        is_pull=is_pull,
        created=birth,
        author=author,
        title=title,
        body=None if life.rng.random() < 0.1 else f"{title}.\n\nSteps, reasons and a proposal follow.",
        draft=draft,
        size=int(life.rng.lognormvariate(3.6, 1.2)) + 1,
        branch=f"{(author.login if author else 'lost').removesuffix('[bot]')}/{number}",
        closes=closes,
        events=events,
        _times=tuple(event.at for event in events),
    )


class Life:
    """What happens to one item, in the order in which it is written down; `finish` puts it in the order of time."""

    def __init__(self, repository: Repository, number: int, birth: int, ends: int) -> None:
        self.repository, self.birth, self.ends = repository, birth, ends
        self.rng: random.Random = dice(repository.seed, repository.key, "item", number)
        self._events: list[Event] = []

    def title(self, author: Person | None) -> str:
        """A line that says what it is about."""
        if author is DEPENDABOT:
            return f"Bump libcog{self.rng.randrange(7)} from 1.{self.rng.randrange(9)}.0 to 2.0.{self.rng.randrange(9)}"
        return f"{self.rng.choice(WORDS_DONE)} {self.rng.choice(WORDS_THING)}"

    def somebody(self, at: int, bots: float = 0.0) -> Person | None:
        """Who would open something: staff, community, a bot, or an account that is gone (None)."""
        luck = self.rng.random()
        if luck < bots:
            return DEPENDABOT
        if luck > 0.97:
            return None
        if luck < bots + (0.97 - bots) * 0.5:
            return self.staff(at)
        return person(self.rng.randrange(90 + self.repository.home.staff.seats))

    def staff(self, at: int) -> Person:
        """One of those employed at that time."""
        staff = self.repository.home.staff
        return staff.colleague(self.rng.randrange(staff.seats), at)

    def later(self, at: int, median_hours: float, spread: float = 1.2) -> int:
        """Some time after `at`: half of all waits are shorter than the median, a few very long."""
        return at + 60 + int(self.rng.lognormvariate(0.0, spread) * median_hours * HOUR)

    def add(self, at: int, kind: str, actor: Person | None, detail: str = "", **more: Person | None) -> None:
        """Write something down."""
        self._events.append(Event(at, kind, actor, detail, person=more.get("person")))

    def finish(self) -> tuple[Event, ...]:
        """All of it by time; no two things in the same second, nothing after the archive closed."""
        found: list[Event] = []
        last = self.birth
        for event in sorted(self._events, key=lambda each: each.at):
            last = max(event.at, last + 1)
            if last >= self.ends:
                break
            found.append(event if last == event.at else event._replace(at=last))
        return tuple(found)

    def triage(self, author: Person | None) -> int:
        """Labels, assignees, a milestone; the moment of the first answer."""
        rng = self.rng
        at = self.later(self.birth, 5)
        for label in rng.sample([name for name, _, _ in LABELS[:8]], rng.choice((0, 1, 1, 2))):
            self.add(at, "labeled", self.staff(at), label)
            if rng.random() < 0.08:
                self.add(self.later(at, 80), "unlabeled", self.staff(at), label)
        if author is DEPENDABOT:
            self.add(self.birth + 5, "labeled", DEPENDABOT, "dependencies")
        if rng.random() < 0.5:
            who = self.staff(at)
            self.add(at, "assigned", self.staff(at), person=who)
            if rng.random() < 0.1:
                self.add(self.later(at, 200), "unassigned", who, person=who)
        if rng.random() < 0.2:
            quarter = (at - ANCHOR) // (91 * DAY) + 1
            self.add(at, "milestoned", self.staff(at), str(quarter))
        if rng.random() < 0.05:
            self.add(self.later(at, 30), "renamed", self.staff(at), f"{self.title(None)} (reworded)")
        return at

    def talk(self, author: Person | None, start: int, end: int, most: int) -> None:
        """Comments between two moments, by staff, the author, passers-by and a bot."""
        at = self.later(start, 9)
        for _ in range(self.rng.randrange(most + 1)):
            if at >= end:
                return
            luck = self.rng.random()
            who = self.repository.home.staff.bot if luck < 0.08 else self.staff(at) if luck < 0.5 else author
            self.add(at, "commented", who, f"{self.rng.choice(WORDS_DONE)} it like this, then look again.")
            at = self.later(at, 20)

    def issue(self, author: Person | None) -> None:
        """An issue's life."""
        rng, at = self.rng, self.triage(author)
        end = self.later(at, 9 * 24, 1.4) if rng.random() < 0.82 else at + 4000 * DAY
        self.talk(author, self.birth, min(end, at + 40 * DAY), 5)
        if end > at + 3999 * DAY:
            return
        reason = rng.choice(("completed", "completed", "completed", "not_planned"))
        self.add(end, "closed", self.staff(end) if rng.random() < 0.8 else author, reason)
        if rng.random() < 0.07:
            again = self.later(end, 60)
            self.add(again, "reopened", author)
            self.add(self.later(again, 150), "closed", self.staff(again), "completed")

    def pull(self, author: Person | None, draft: bool) -> None:
        """A pull request's life."""
        rng = self.rng
        self.triage(author)
        ready = self.birth + 30
        if draft:
            ready = self.later(self.birth, 50)
            self.add(ready, "ready_for_review", author)
            if rng.random() < 0.15:
                back = self.later(ready, 10)
                ready = self.later(back, 40)
                self.add(back, "convert_to_draft", author)
                self.add(ready, "ready_for_review", author)
        for _ in range(rng.choice((0, 0, 1, 2))):
            self.add(self.later(self.birth, 12), "pushed", author)
        done = self.review(author, ready)
        self.talk(author, self.birth, done, 4)
        luck = rng.random()
        end = self.later(done, 14)
        if luck < 0.76:
            merger = self.staff(end)
            self.add(end, "merged", merger)
            self.add(end + 1, "closed", merger)
            if rng.random() < 0.6:
                self.add(end + 20, "head_ref_deleted", merger)
        elif luck < 0.88:
            self.add(self.later(end, 100), "closed", self.staff(end) if rng.random() < 0.6 else author)

    def review(self, author: Person | None, ready: int) -> int:
        """People and teams are asked and answer, or do not; the moment of the last answer."""
        rng, last = self.rng, ready
        if rng.random() < 0.35:
            teams = self.repository.home.teams_at(ready)
            self._events.append(Event(ready + 2, "review_requested", author, team=rng.choice(teams)))
        for _ in range(rng.choice((0, 1, 1, 2))):
            reviewer = self.staff(ready)
            if reviewer == author:
                continue
            self.add(ready + 5, "review_requested", author or self.staff(ready), person=reviewer)
            if rng.random() < 0.2:
                if rng.random() < 0.3:
                    self.add(self.later(ready, 100), "review_request_removed", author, person=reviewer)
                continue
            at = self.later(ready, 22)
            verdict = rng.choice(("APPROVED", "APPROVED", "COMMENTED", "CHANGES_REQUESTED"))
            self.add(at, "reviewed", reviewer, verdict)
            if verdict != "APPROVED":
                thread = str(len(self._events))
                self.add(at, "thread_opened", reviewer, thread)
                fixed = self.later(at, 18)
                self.add(fixed, "pushed", author)
                if rng.random() < 0.8:
                    self.add(fixed + 40, "thread_resolved", author, thread)
                self.add(fixed + 60, "review_requested", author, person=reviewer)
                at = self.later(fixed + 60, 10)
                if rng.random() < 0.8:
                    self.add(at, "reviewed", reviewer, "APPROVED")
            last = max(last, at)
        return last
