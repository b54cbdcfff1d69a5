"""Commits: what each push brought to the default branch, and what lies on the branch of a pull request.

The order is the branch's own; dates may disagree with it, since rebased work arrives later than it was committed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import DAY, HOUR, dice, sha, share
from oss_datastore.simulator.world.names import WORDS_DONE, WORDS_THING
from oss_datastore.simulator.world.people import WEB_FLOW, Person, person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.items import Item
    from oss_datastore.simulator.world.repositories import Repository

REBASED = 0.06
"""The share of pushes that bring work committed days before."""
STRANGERS = (("A Laptop", "root@localhost"), ("build", "build@ci.example"), ("J. Doe", "jdoe@old-job.example"))
"""Names in commits whose e-mail belongs to no account."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who and when, as git writes it down; `account` is None where the e-mail belongs to nobody."""

    name: str
    email: str
    account: Person | None
    at: int


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `pushed` is when it came to the branch; `pull` the pull request that it merged."""

    sha: str
    message: str
    author: Signature
    committer: Signature
    additions: int
    deletions: int
    files: int
    parent: str | None
    pushed: int
    pull: int | None = None

    @property
    def headline(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]


def sign(who: Person, at: int) -> Signature:
    """The signature of somebody with an account."""
    return Signature(who.name or who.login, who.email or f"{who.id}+{who.login}@users.noreply.github.com", who, at)


def _somebody(rng: random.Random, repository: Repository, at: int) -> Signature:
    luck = rng.random()
    if luck < 0.08:
        return Signature(*rng.choice(STRANGERS), None, at)
    if luck < 0.2:
        return sign(person(rng.randrange(90 + repository.home.staff.seats)), at)
    staff = repository.home.staff
    return sign(staff.colleague(min(rng.randrange(staff.seats), rng.randrange(staff.seats)), at), at)


def is_signature_valid(commit: Commit) -> bool | None:
    """Whether a commit's signature holds; None without one. GitHub signs its own, some people do, too."""
    if commit.committer.account is WEB_FLOW:
        return True
    if commit.committer.account is None or share("signed", commit.committer.email) > 0.4:
        return None
    return share("valid", commit.sha) < 0.95


def first_commit(repository: Repository) -> Commit:
    """The commit that a repository begins with."""
    who = sign(repository.home.staff.steward, repository.created)
    oid = sha(repository.seed, repository.key, repository.created)
    return Commit(oid, "Initial commit", who, who, 40, 0, 3, None, repository.created)


def pushed_commits(repository: Repository, moment: int, merged: Item | None, parent: str) -> list[Commit]:
    """What one push brought, oldest first; `parent` is the head before it."""
    if merged is not None:
        return [_merge(merged, moment, parent)]
    rng = dice(repository.seed, repository.key, "commits", moment)
    late = int(rng.uniform(1, 6) * DAY) if rng.random() < REBASED else 0
    found: list[Commit] = []
    many = rng.choice((1, 1, 1, 2, 2, 3))
    for index in range(many):
        last = index == many - 1
        at = moment - late - (many - 1 - index) * rng.randrange(60, HOUR) - (60 if late else 0)
        author = committer = _somebody(rng, repository, at)
        if rng.random() < 0.1:
            # Picked from elsewhere: somebody else's work of some time ago.
            before = at - int(rng.uniform(0.1, 20) * DAY)
            author = _somebody(rng, repository, before)
        size = int(rng.lognormvariate(3.0, 1.3)) + 1
        oid = sha(repository.seed, repository.key, moment, *(() if last else (index,)))
        message = f"{rng.choice(WORDS_DONE)} {rng.choice(WORDS_THING)}"
        found.append(
            Commit(oid, message, author, committer, size, int(size * rng.random()), 1 + size // 30, parent, moment)
        )
        parent = oid
    return found


def _merge(item: Item, moment: int, parent: str) -> Commit:
    author = (
        sign(item.author, moment) if item.author else Signature("Ghost", "ghost@users.noreply.github.com", None, moment)
    )
    message = f"{item.at(moment).title} (#{item.number})"
    committer = Signature("GitHub", "noreply@github.com", WEB_FLOW, moment)
    files = 1 + item.size // 40
    return Commit(
        item.merge_commit(), message, author, committer, item.size, item.size // 3, files, parent, moment, item.number
    )


def pull_commits(item: Item, instant: int) -> list[Commit]:
    """The commits on the branch of a pull request, oldest first: one for each push to it."""
    moments = [item.created, *(event.at for event in item.happened(instant) if event.kind == "pushed")]
    base = sha(item.repository.seed, item.repository.key, item.created)
    found: list[Commit] = []
    for number, moment in enumerate(moments, 1):
        rng = dice(item.repository.seed, item.repository.key, item.number, "commit", number)
        author = _of_author(item, rng, moment)
        part = max(1, item.size // len(moments))
        parent = found[-1].sha if found else base
        message = item.title if number == 1 else f"{rng.choice(WORDS_DONE)} what the review found"
        found.append(
            Commit(item.head(number), message, author, author, part, part // 3, 1 + part // 40, parent, moment)
        )
    return found


def _of_author(item: Item, rng: random.Random, at: int) -> Signature:
    if item.author is None or rng.random() < 0.05:
        return Signature(*rng.choice(STRANGERS), None, at)
    return sign(item.author, at)
