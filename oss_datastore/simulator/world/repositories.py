"""The repositories of an organisation: what each is, when it changes name or is archived, when it is pushed to."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.advisories import OwnAdvisory, advisory_log
from oss_datastore.simulator.world.alerts import Alert, alert_log
from oss_datastore.simulator.world.commits import Commit, first_commit, pushed_commits
from oss_datastore.simulator.world.crowd import Crowd
from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice, month_of, month_start, sha, share
from oss_datastore.simulator.world.growth import Growth
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.lives import item_log
from oss_datastore.simulator.world.names import LANGUAGES, LICENCES, PRODUCTS, TOPICS
from oss_datastore.simulator.world.scanning import CodeAlert, SecretAlert, code_log, secret_log

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org


def _date(year: int, month: int, day: int) -> int:
    return int(datetime(year, month, day, 9, 30, tzinfo=UTC).timestamp())


RENAMED_ON = (_date(2025, 9, 17), _date(2026, 3, 18), _date(2026, 11, 3))
"""When the repository with the restless name gets its next one."""
LONG_ARCHIVED, LATELY_ARCHIVED = _date(2025, 2, 10), _date(2026, 11, 5)


@dataclass(frozen=True)
class Traits:
    """What a repository is for good. `names` are (from, name), oldest first.

    `archived` is when it becomes read-only, `quiet` when everybody loses interest.
    """

    created: int
    popularity: float
    rate: float
    names: tuple[tuple[int, str], ...]
    private: bool = False
    empty: bool = False
    alerts_enabled: bool = True
    archived: int = HORIZON
    quiet: int = HORIZON

    @property
    def ends(self) -> int:
        """When nothing happens any more."""
        return min(self.archived, self.quiet)


def idle_traits(seed: int, org: str, name: str) -> Traits:
    """The traits of a repository in which nothing has happened for a long time, though people still look at it."""
    rng = dice(seed, org, name, "traits")
    created = ANCHOR - rng.randrange(30, 900) * DAY + rng.randrange(DAY)
    return Traits(created, rng.uniform(0.0, 0.08), rng.uniform(0.03, 0.1), ((0, name),), quiet=ANCHOR + 45 * DAY)


def traits(seed: int, org: str, number: int, total: int, name: str) -> Traits:
    """The traits of repository `number` of `total`.

    From six repositories on, the last six play a part each; of many, further ones share the rarer parts.
    """
    rng = dice(seed, org, name, "traits")
    created = ANCHOR - rng.randrange(30, 900) * DAY + rng.randrange(DAY)
    if number % 4 == 3:
        created = ANCHOR + rng.randrange(20, 540) * DAY + rng.randrange(DAY)
    popularity = 3.5 if number == 0 else rng.lognormvariate(-1.2, 0.8)
    rate = 0.22 if number == 0 else rng.uniform(0.03, 0.1)
    part = total - number if total >= 6 else 0
    luck = rng.random() if 6 < part < total else 1.0
    names: tuple[tuple[int, str], ...] = ((0, name),)
    if part == 4:
        others = [f"{name}-next", f"project-{name}", f"{name}-classic"]
        names = ((0, name), *zip(RENAMED_ON, others, strict=True))
    archived = {3: LONG_ARCHIVED, 5: LATELY_ARCHIVED}.get(part, LONG_ARCHIVED if luck < 0.03 else HORIZON)
    if archived == LONG_ARCHIVED:
        created = min(created, ANCHOR - 30 * DAY)
    return Traits(
        created=created,
        popularity=popularity,
        rate=rate,
        names=names,
        private=part == 2 or 0.03 <= luck < 0.08,
        empty=part == 1 or 0.08 <= luck < 0.1,
        alerts_enabled=not (part in (1, 6) or 0.1 <= luck < 0.15),
        archived=archived,
    )


def repository_id(serial: int) -> int:
    """The id of the repository of this serial number."""
    return 310_000_000 + serial * 977


class Repository:
    """One repository over time, in one organisation: from `since` to just before `until`.

    `home` is the organisation that founded it and whose staff works on it; `place` is its index in `org`.
    """

    def __init__(self, seed: int, org: Org, number: int, key: str, own: Traits) -> None:
        self.seed, self.org, self.number = seed, org, number
        self.home, self.place = org, number
        self.key = key
        self.serial = org.number * 8192 + number
        self.id = repository_id(self.serial)
        self.traits = own
        self.since, self.until = own.created, HORIZON
        self.successor: Repository | None = None
        self.busy: tuple[tuple[int, int, int], ...] = ()
        self.growth = Growth(seed, key, own.created, 0.01 if own.empty else own.popularity, own.quiet < HORIZON)
        self._forget()

    def _forget(self) -> None:
        self._items: list[Item] = []
        self._starts: list[int] = []
        self._upto = 0
        self._alerts: list[Alert] | None = None
        self._code_alerts: list[CodeAlert] | None = None
        self._secret_alerts: list[SecretAlert] | None = None
        self._advisories: list[OwnAdvisory] | None = None
        self._pushes: list[int] = []
        self._pushed_months = 0
        self._merges: dict[int, Item] = {}
        self._commits: list[Commit] = []
        self._crowds: dict[str, Crowd] = {}
        self._in_milestones: tuple[int, Counter[tuple[int, bool]]] = (-1, Counter())

    @property
    def created(self) -> int:
        """When the repository came to be."""
        return self.traits.created

    def exists(self, instant: int) -> bool:
        """Whether it is there at an instant."""
        return self.since <= instant < self.until

    def rename(self, name: str, at: int) -> None:
        """Gives it another name from a moment on."""
        kept = [(since, former) for since, former in self.traits.names if since < at]
        self.traits = replace(self.traits, names=(*kept, (at, name)))

    def add_busy_day(self, at: int, issues: int, pulls: int) -> None:
        """Plans a day on which this many are opened."""
        self.busy = (*self.busy, (at, issues, pulls))

    def moved_to(self, org: Org, at: int) -> Repository:
        """The same repository as it goes on in another organisation from a moment on; here it ends then."""
        there = copy(self)
        there.org, there.place, there.since = org, len(org.repositories), at
        there._forget()
        self.until, self.successor = at, there
        return there

    def bore(self, name: str, instant: int) -> int | None:
        """Since when it bears this name here, or bore it last; None where it never did by an instant."""
        wanted, names = name.lower(), self.traits.names
        for number in range(len(names) - 1, -1, -1):
            since, called = names[number]
            over = names[number + 1][0] if number + 1 < len(names) else self.until
            begun = max(since, self.since)
            if called.lower() == wanted and begun <= instant and over > self.since:
                return begun
        return None

    def name(self, instant: int) -> str:
        """What it is called at an instant."""
        return [name for since, name in self.traits.names if since <= instant][-1]

    def full_name(self, instant: int) -> str:
        """Organisation and name at an instant."""
        return f"{self.org.login}/{self.name(instant)}"

    def former_names(self, instant: int) -> list[str]:
        """What it was called before."""
        current = self.name(instant)
        return [name for since, name in self.traits.names if since <= instant and name != current]

    def archived(self, instant: int) -> bool:
        """Whether it is read-only by now."""
        return instant >= self.traits.archived

    @property
    def language(self) -> tuple[str, str] | None:
        """Its main language and that one's colour."""
        return None if self.traits.empty else LANGUAGES[self.number % len(LANGUAGES)]

    @property
    def licence(self) -> tuple[str, str, str] | None:
        """Key, name and SPDX id of its licence."""
        missing = self.traits.empty or self.number % 7 == 5
        return None if missing else LICENCES[self.number % len(LICENCES)]

    @property
    def topics(self) -> list[str]:
        """What it says it is about."""
        return [topic for topic in TOPICS if share(self.seed, self.key, "topic", topic) < 0.3]

    @property
    def description(self) -> str | None:
        """One line, or none."""
        if self.traits.empty:
            return None
        word = PRODUCTS[self.number % len(PRODUCTS)].capitalize()
        return f"{word}: a small part of what {self.org.login} gives away"

    @property
    def homepage(self) -> str | None:
        """Its site, if it has one."""
        return f"https://{self.key.split('/')[1]}.{self.org.login}.example" if self.number % 3 == 0 else None

    def size(self, instant: int) -> int:
        """Kilobytes on disk."""
        return 0 if self.traits.empty else 400 + len(self.pushes(instant)) * 3 + self.number * 41

    def languages(self, instant: int) -> dict[str, int]:
        """Bytes by language."""
        if self.language is None:
            return {}
        size = self.size(instant) * 1024
        return {self.language[0]: int(size * 0.8), "Shell": int(size * 0.06), "Makefile": int(size * 0.01)}

    def pushes(self, instant: int) -> list[int]:
        """When its default branch was pushed to, merges included, from the anchor on, oldest first."""
        if self.traits.empty:
            return []
        if not self.busy:
            instant = min(instant, self.traits.ends)
        end = min(instant, self.traits.archived)
        while self._pushed_months <= month_of(max(end, ANCHOR)):
            self._push_month(self._pushed_months)
            self._pushed_months += 1
        return self._pushes[bisect_right(self._pushes, self.traits.created) : bisect_right(self._pushes, end)]

    def _push_month(self, month: int) -> None:
        rng, start = dice(self.seed, self.key, "push", month), month_start(month)
        length = month_start(month + 1) - start
        times = {start + rng.randrange(length) for _ in range(int(rng.gammavariate(4.0, self.traits.rate * 40)))}
        times = {moment for moment in times if moment < self.traits.quiet}
        self.items(start + length - 1)
        times.update(moment for moment in self._merges if start <= moment < start + length)
        self._pushes += sorted(times)

    def pushed(self, instant: int) -> int:
        """When it was last pushed to."""
        pushes = self.pushes(instant)
        return pushes[-1] if pushes else self.traits.created

    def head(self, instant: int) -> str | None:
        """The commit its default branch points at; None while it is empty."""
        if self.traits.empty:
            return None
        moment = self.pushed(instant)
        merged = self._merges.get(moment)
        return merged.merge_commit() if merged else sha(self.seed, self.key, moment)

    def commits(self, instant: int) -> list[Commit]:
        """The commits of the default branch at an instant, newest first as the branch has them."""
        if self.traits.empty or not self.exists(instant):
            return []
        known = self._commits
        if not known:
            known.append(first_commit(self))
        pushes = self.pushes(instant)
        for moment in pushes[bisect_right(pushes, known[-1].pushed) :]:
            known += pushed_commits(self, moment, self._merges.get(moment), known[-1].sha)
        return known[: bisect_right(known, instant, key=lambda commit: commit.pushed)][::-1]

    def crowd(self, kind: str) -> Crowd:
        """The people behind `stars`, `forks` or `watchers`."""
        if kind not in self._crowds:
            self._crowds[kind] = Crowd(self, kind)
        return self._crowds[kind]

    @property
    def has_discussions(self) -> bool:
        """Whether people may talk there beside issues."""
        return self.number % 3 == 0

    def in_milestones(self, instant: int) -> Counter[tuple[int, bool]]:
        """How many items lie in each milestone, by its number and whether they are open."""
        if self._in_milestones[0] != instant:
            states = [item.at(instant) for item in self.items(instant)]
            inside = Counter((state.milestone, state.open) for state in states if state.milestone is not None)
            self._in_milestones = (instant, inside)
        return self._in_milestones[1]

    def changed(self, instant: int) -> int:
        """When what GitHub calls `updated_at` moved last: settings, stars and pushes, not issues."""
        starred = (instant // DAY) * DAY + 3_600
        moved = starred if starred <= instant and self.growth.popularity > 0.3 else self.pushed(instant)
        return max(moved, self.pushed(instant), *[since for since, _ in self.traits.names if since <= instant])

    def items(self, instant: int) -> list[Item]:
        """Issues and pull requests that exist at an instant, by number."""
        if self.traits.empty or instant < ANCHOR:
            return []
        until = month_of(instant)
        while self._upto <= until:
            for item in item_log(self, self._upto, len(self._items) + 1):
                self._items.append(item)
                self._starts.append(item.created)
                merged = next((event.at for event in item.events if event.kind == "merged"), None)
                if merged is not None:
                    self._merges[merged] = item
            self._upto += 1
        return self._items[: bisect_right(self._starts, instant)]

    def item(self, number: int, instant: int) -> Item | None:
        """The issue or pull request of this number."""
        items = self.items(instant)
        return items[number - 1] if 1 <= number <= len(items) else None

    def alerts(self, instant: int) -> list[Alert]:
        """Dependabot alerts raised by an instant, by number."""
        if self._alerts is None:
            self._alerts = [] if self.traits.empty else alert_log(self)
        return [alert for alert in self._alerts if alert.created <= instant]

    def code_alerts(self, instant: int) -> list[CodeAlert]:
        """What code scanning had found by an instant, by number."""
        if self._code_alerts is None:
            self._code_alerts = code_log(self)
        return [alert for alert in self._code_alerts if alert.created <= instant]

    def secret_alerts(self, instant: int) -> list[SecretAlert]:
        """What secret scanning had found by an instant, by number."""
        if self._secret_alerts is None:
            self._secret_alerts = secret_log(self)
        return [alert for alert in self._secret_alerts if alert.created <= instant]

    def advisories(self, instant: int) -> list[OwnAdvisory]:
        """The advisories about itself that exist at an instant, oldest first."""
        if self._advisories is None:
            self._advisories = advisory_log(self)
        return [advisory for advisory in self._advisories if advisory.created <= instant]
