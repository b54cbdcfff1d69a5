"""Issues and pull requests: each is written once, from birth to the end of its days, as a list of events.

What is so at an instant is the fold of the events up to it (`Item.at`). How an event looks in an API belongs there.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from oss_datastore.simulator.world.dice import ANCHOR, sha
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.teams import Team

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

IN_FEED = frozenset(
    {
        "labeled",
        "unlabeled",
        "assigned",
        "unassigned",
        "milestoned",
        "renamed",
        "closed",
        "reopened",
        "merged",
        "review_requested",
        "review_request_removed",
        "ready_for_review",
        "convert_to_draft",
        "head_ref_deleted",
    }
)
"""Events that GitHub lists under issues/events; comments, reviews and pushes have lists of their own."""


class Event(NamedTuple):
    """One thing that happened. `detail` depends on the kind: label, person, team, text, review state, thread."""

    at: int
    kind: str
    actor: Person | None
    detail: str = ""
    person: Person | None = None
    team: Team | None = None


@dataclass(frozen=True)
class Thread:
    """A conversation on a line of code; `resolved` is when it was settled."""

    number: int
    opened: int
    author: Person | None
    resolved: bool


@dataclass
class State:
    """What is so at an instant: the fold of the events up to it."""

    title: str
    updated: int
    draft: bool = False
    closed: int | None = None
    closed_by: Person | None = None
    merged: int | None = None
    reason: str | None = None
    milestone: int | None = None
    pushes: int = 1
    labels: list[str] = field(default_factory=list)
    assignees: list[Person] = field(default_factory=list)
    asked: list[Person] = field(default_factory=list)
    asked_teams: list[Team] = field(default_factory=list)
    comments: list[Event] = field(default_factory=list)
    reviews: list[Event] = field(default_factory=list)
    threads: dict[int, Thread] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether it is neither closed nor merged."""
        return self.closed is None


@dataclass(frozen=True, eq=False)
class Item:
    """An issue, or a pull request (which GitHub keeps as an issue too)."""

    repository: Repository
    number: int
    is_pull: bool
    created: int
    author: Person | None
    title: str
    body: str | None
    draft: bool
    size: int
    branch: str
    closes: int | None
    events: tuple[Event, ...]
    _times: tuple[int, ...]
    _states: dict[int, State] = field(default_factory=dict)

    def unique(self, instant: int) -> int:
        """A number that belongs to what happened to this item at this instant, growing with time."""
        return ((instant - ANCHOR) * 16_384 + self.repository.serial % 16_384) * 2_048 + self.number % 2_048

    @property
    def issue_id(self) -> int:
        """The id in lists of issues."""
        return 2_300_000_000 + self.unique(self.created)

    @property
    def pull_id(self) -> int:
        """The id in lists of pull requests: another than the issue's."""
        return 1_900_000_000 + self.unique(self.created)

    def happened(self, instant: int) -> tuple[Event, ...]:
        """The events up to an instant, oldest first."""
        return self.events[: bisect_right(self._times, instant)]

    def at(self, instant: int) -> State:
        """What is so at an instant."""
        happened = bisect_right(self._times, instant)
        state = self._states.get(happened)
        if state is None:
            state = self._states[happened] = fold(self, self.events[:happened])
        return state

    def head(self, pushes: int) -> str:
        """The last commit of its branch after this many pushes."""
        return sha(self.repository.seed, self.repository.key, self.number, "head", pushes)

    def merge_commit(self) -> str:
        """The commit that merged it."""
        return sha(self.repository.seed, self.repository.key, self.number, "merge")


def fold(item: Item, events: tuple[Event, ...]) -> State:
    """The state that these events lead to."""
    state = State(title=item.title, updated=item.created, draft=item.draft)
    for event in events:
        state.updated = max(state.updated, event.at)
        _apply(state, event)
    return state


def _apply(state: State, event: Event) -> None:
    match event.kind:
        case "labeled":
            state.labels.append(event.detail)
        case "unlabeled":
            state.labels.remove(event.detail)
        case "assigned" if event.person is not None:
            state.assignees.append(event.person)
        case "unassigned" if event.person in state.assignees:
            state.assignees.remove(event.person)
        case "milestoned":
            state.milestone = int(event.detail)
        case "renamed":
            state.title = event.detail
        case "closed":
            state.closed, state.closed_by, state.reason = event.at, event.actor, event.detail or None
        case "reopened":
            state.closed, state.closed_by, state.reason = None, None, "reopened"
        case "merged":
            state.merged = event.at
        case "ready_for_review":
            state.draft = False
        case "convert_to_draft":
            state.draft = True
        case "review_requested":
            if event.person is not None and event.person not in state.asked:
                state.asked.append(event.person)
            if event.team is not None and event.team not in state.asked_teams:
                state.asked_teams.append(event.team)
        case "review_request_removed":
            state.asked = [person for person in state.asked if person != event.person]
        case "reviewed":
            # Who has answered disappears from the requested reviewers.
            state.asked = [person for person in state.asked if person != event.actor]
            state.reviews.append(event)
        case "commented":
            state.comments.append(event)
        case "pushed":
            state.pushes += 1
        case "thread_opened":
            number = int(event.detail)
            state.threads[number] = Thread(number, event.at, event.actor, resolved=False)
        case "thread_resolved":
            thread = state.threads[int(event.detail)]
            state.threads[thread.number] = Thread(thread.number, thread.opened, thread.author, resolved=True)
