"""Who there is: the organisation's staff as seats that people take and leave, the community around it, and bots.

Who may do what in which repository belongs to `access`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice, share
from oss_datastore.simulator.world.names import CITIES, login_of, number_of

STAFF_BASE = 100_000
"""Numbers of people from here on belong to staff, a block of this size to each organisation."""


@dataclass(frozen=True)
class Person:
    """A user account. `login` never changes here."""

    id: int
    login: str
    kind: str = "User"
    name: str | None = None
    company: str | None = None
    location: str | None = None
    email: str | None = None
    bio: str | None = None
    created: int = ANCHOR - 1000 * DAY

    @property
    def is_bot(self) -> bool:
        """Whether this is the account of an app."""
        return self.kind == "Bot"


GHOST = Person(10_137, "ghost", created=ANCHOR - 5000 * DAY)
"""The account GitHub shows where the author's own is deleted."""
DEPENDABOT = Person(49_699_333, "dependabot[bot]", kind="Bot", created=ANCHOR - 2000 * DAY)
WEB_FLOW = Person(19_864_447, "web-flow", name="GitHub Web Flow", created=ANCHOR - 3000 * DAY)
"""The account in whose name GitHub itself commits what is merged on its pages."""


@dataclass(frozen=True)
class Spell:
    """A person's time in something: from `start` to just before `end`."""

    person: Person
    start: int
    end: int
    seat: int

    def covers(self, instant: int) -> bool:
        """Whether the spell lasts at this instant."""
        return self.start <= instant < self.end


@lru_cache(maxsize=200_000)
def person(number: int, company: str | None = None) -> Person:
    """The invented person of this number."""
    login = login_of(number)
    words = login.rstrip("0123456789").split("-")
    named = share("named", number) < 0.8
    return Person(
        id=1_000_000 + number * 97,
        login=login,
        name=" ".join(word.capitalize() for word in words) if named else None,
        company=f"@{company}" if company else ("Independent" if share("company", number) < 0.3 else None),
        location=CITIES[number % len(CITIES)] if share("place", number) < 0.6 else None,
        email=f"{login}@{company or 'mail'}.example" if share("mail", number) < 0.4 else None,
        bio="Likes small tools." if share("bio", number) < 0.3 else None,
        created=ANCHOR - int(share("account", number) * 2500 + 30) * DAY,
    )


def person_by_id(identity: int) -> Person | None:
    """Somebody of the community by account id; staff and special accounts are not found here."""
    number, rest = divmod(identity - 1_000_000, 97)
    return person(number) if rest == 0 and 0 <= number < STAFF_BASE else None


def person_by_login(login: str) -> Person | None:
    """Somebody of the community by login."""
    number = number_of(login)
    return person(number) if number is not None and number < STAFF_BASE else None


class Staff:
    """An organisation's employees: a fixed number of seats, each a chain of people over the years."""

    def __init__(self, seed: int, org: str, org_number: int, seats: int) -> None:
        self._seed, self._org, self._number = seed, org, org_number
        self.seats = seats
        base = 900_000_000 + org_number * 100
        self.steward = Person(base, f"{org}-steward", name=f"{org.capitalize()} Steward", company=f"@{org}")
        self.observer = Person(base + 1, f"{org}-observer", name=f"{org.capitalize()} Observer")
        self.bot = Person(base + 2, f"{org}-release[bot]", kind="Bot")
        always = ANCHOR - 1500 * DAY
        self._permanent = [Spell(self.steward, always, HORIZON, -1), Spell(self.observer, always, HORIZON, -2)]
        self.chains = [self._chain(seat) for seat in range(seats)]
        self.spells = self._permanent + [spell for chain in self.chains for spell in chain]
        self._by_login = {spell.person.login.lower(): spell.person for spell in self.spells}
        self._seen: dict[int, list[Spell]] = {}

    def _chain(self, seat: int) -> list[Spell]:
        rng = dice(self._seed, self._org, "seat", seat)
        chain: list[Spell] = []
        start, taken = ANCHOR - rng.randrange(40, 700) * DAY, 0
        while start < HORIZON:
            # The first tenure is cut at a random place, else every seat would turn over at the same time.
            length = max(20.0, rng.gammavariate(2.0, 210.0)) * (rng.random() + 0.6 if taken == 0 else 1.0)
            end = min(HORIZON, max(start, ANCHOR) + int(length * DAY) + rng.randrange(DAY))
            number = STAFF_BASE * (self._number + 1) + taken * self.seats + seat
            if chain and rng.random() < 0.12:
                who = chain[-1].person
            else:
                who = person(number, self._org)
                taken += 1
            chain.append(Spell(who, start, end, seat))
            start = end + rng.randrange(3, 40) * DAY + rng.randrange(DAY)
        return chain

    def at(self, instant: int) -> list[Spell]:
        """The members' spells at an instant, in a stable order."""
        known = self._seen.get(instant)
        if known is None:
            known = [spell for spell in self.spells if spell.covers(instant)]
            if len(self._seen) > 64:
                self._seen.clear()
            self._seen[instant] = known
        return known

    def on_seat(self, seat: int, instant: int) -> Person | None:
        """Who sits there at an instant."""
        return next((spell.person for spell in self.chains[seat] if spell.covers(instant)), None)

    def colleague(self, seat: int, instant: int) -> Person:
        """Whoever sits on this seat or the nearest after it that is taken: somebody always answers."""
        for step in range(self.seats):
            who = self.on_seat((seat + step) % self.seats, instant)
            if who is not None:
                return who
        return self.steward

    def role(self, spell: Spell, instant: int) -> str:
        """`admin` or `member`: the first two seats own, the third is promoted halfway through each tenure."""
        if spell.seat == -1 or 0 <= spell.seat <= 1:
            return "admin"
        if spell.seat == 2 and instant >= (max(spell.start, ANCHOR) + spell.end) // 2:
            return "admin"
        return "member"

    def two_factor(self, who: Person, since: int, instant: int) -> bool:
        """Whether the account has a second factor: most do at once, some later, few never."""
        luck = share(self._seed, "2fa", who.id)
        if luck < 0.75 or who.id >= 900_000_000:
            return True
        return luck < 0.93 and instant >= max(since, ANCHOR) + int((luck - 0.75) * 2500) * DAY

    def is_public(self, who: Person) -> bool:
        """Whether the person shows the membership to everybody."""
        return share(self._seed, "public", who.id) < 0.6

    def find(self, login: str) -> Person | None:
        """The person of this login, if ever on the staff."""
        return self._by_login.get(login.lower())
