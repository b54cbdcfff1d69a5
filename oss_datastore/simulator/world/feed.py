"""What happened in a repository, as the activity feed tells it: the last thirty days at most.

How late it is told, and how much of it, belongs to the API.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from oss_datastore.simulator.world.dice import ANCHOR, DAY
from oss_datastore.simulator.world.forks import forks
from oss_datastore.simulator.world.people import GHOST, Person
from oss_datastore.simulator.world.releases import releases

if TYPE_CHECKING:
    from oss_datastore.simulator.world.repositories import Repository

KEPT = 30 * DAY
OF_ITEMS = ("closed", "reopened", "commented", "reviewed")


class Happening(NamedTuple):
    """One thing that happened: `about` is an item, an (item, event) pair, the heads after and before a push, a
    fork or a release."""

    at: int
    id: int
    kind: str
    actor: Person
    repository: Repository
    about: Any
    action: str = ""


def happenings(repository: Repository, instant: int) -> list[Happening]:
    """What the feed can tell of a repository at an instant, newest first."""
    since = instant - KEPT
    if repository.traits.quiet <= since and not repository.busy:
        return []
    found = [each for each in _all(repository, instant, since) if since < each.at <= instant]
    return sorted(found, key=lambda each: (each.at, each.id), reverse=True)


def _identity(repository: Repository, at: int, slot: int) -> int:
    return ((at - ANCHOR) * 16_384 + repository.serial % 16_384) * 512 + slot % 512


def _all(repository: Repository, instant: int, since: int) -> Iterator[Happening]:
    def tell(at: int, slot: int, kind: str, who: Person | None, about: Any, action: str = "") -> Happening:
        return Happening(at, _identity(repository, at, slot), kind, who or GHOST, repository, about, action)

    for item in repository.items(instant):
        kind = "PullRequestEvent" if item.is_pull else "IssuesEvent"
        if item.created > since:
            yield tell(item.created, item.number, kind, item.author, item, "opened")
        for event in item.happened(instant):
            if event.at <= since or event.kind not in OF_ITEMS:
                continue
            if event.kind == "commented":
                yield tell(event.at, item.number, "IssueCommentEvent", event.actor, (item, event), "created")
            elif event.kind == "reviewed":
                yield tell(event.at, item.number, "PullRequestReviewEvent", event.actor, (item, event), "created")
            else:
                yield tell(event.at, item.number, kind, event.actor, item, event.kind)
    lately = takewhile(lambda commit: commit.pushed > since, repository.commits(instant))
    for pushed, group in groupby(lately, key=lambda commit: commit.pushed):
        commits = list(group)
        head, before = commits[0], commits[-1].parent
        yield tell(pushed, 1, "PushEvent", head.author.account or repository.home.staff.steward, (head.sha, before))
    for number, entry in enumerate(repository.crowd("stars").everybody(instant)):
        if entry.since > since:
            yield tell(entry.since, 2 + number, "WatchEvent", entry.who, None, "started")
    for fork in forks(repository, instant):
        if fork.created > since:
            yield tell(fork.created, 3, "ForkEvent", fork.owner, fork, "forked")
    for release in releases(repository, instant):
        if not release.draft(instant) and release.published > since:
            yield tell(release.published, 4, "ReleaseEvent", release.author, release, "published")
