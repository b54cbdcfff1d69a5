"""Statistics of the default branch: commits by week, by hour and by person, as pure functions of the commits.

What GitHub refuses to compute, and how often it must be asked, belongs to the API.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from oss_datastore.simulator.world.commits import Commit
from oss_datastore.simulator.world.dice import DAY, HOUR
from oss_datastore.simulator.world.people import Person

WEEKS_SHOWN = 52
MOST_CONTRIBUTORS = 100


@dataclass
class Week:
    """What was committed in one week."""

    additions: int = 0
    deletions: int = 0
    commits: int = 0

    def add(self, commit: Commit) -> None:
        """Counts one more commit."""
        self.additions += commit.additions
        self.deletions += commit.deletions
        self.commits += 1


def sunday(instant: int, offset: int = 0) -> int:
    """The first second of the week of an instant, where days begin `offset` seconds after midnight UTC."""
    day = (instant - offset) // DAY
    return (day - (day + 4) % 7) * DAY + offset


def weeks_between(first: int, last: int, offset: int = 0) -> range:
    """The starts of all weeks from that of one instant to that of another."""
    return range(sunday(first, offset), sunday(last, offset) + 1, 7 * DAY)


def by_week(commits: Sequence[Commit], until: int) -> dict[int, Week]:
    """Every week from the first commit to an instant, oldest first, those without a commit included."""
    if not commits:
        return {}
    first = min(commit.author.at for commit in commits)
    found = {start: Week() for start in weeks_between(first, until)}
    for commit in commits:
        found[sunday(min(commit.author.at, until))].add(commit)
    return found


def by_person(commits: Sequence[Commit], until: int) -> list[tuple[Person, dict[int, Week]]]:
    """The hundred who committed most, the most active last; work of unknown e-mails belongs to nobody."""
    starts = list(by_week(commits, until))
    found: dict[Person, dict[int, Week]] = defaultdict(lambda: {start: Week() for start in starts})
    times: Counter[Person] = Counter()
    for commit in commits:
        who = commit.author.account
        if who is not None:
            found[who][sunday(min(commit.author.at, until))].add(commit)
            times[who] += 1
    ranked = sorted(found, key=lambda who: (times[who], who.id))[-MOST_CONTRIBUTORS:]
    return [(who, found[who]) for who in ranked]


def last_year(commits: Sequence[Commit], until: int) -> list[tuple[int, list[int]]]:
    """The last fifty-two weeks, oldest first: start, and commits on each day from Sunday on."""
    last = sunday(until)
    found = {last - back * 7 * DAY: [0] * 7 for back in range(WEEKS_SHOWN - 1, -1, -1)}
    for commit in commits:
        start = sunday(commit.author.at)
        if start in found:
            found[start][(commit.author.at - start) // DAY] += 1
    return list(found.items())


def by_hour(commits: Sequence[Commit]) -> Counter[tuple[int, int]]:
    """Commits by weekday (Sunday is 0) and hour, of all times."""
    return Counter(
        ((commit.author.at - sunday(commit.author.at)) // DAY, commit.author.at % DAY // HOUR) for commit in commits
    )
