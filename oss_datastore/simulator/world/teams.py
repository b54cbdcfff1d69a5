"""Teams: their tree, who sits in them and which repositories they were given, over time.

What all grants together allow one person belongs to `access`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice, share
from oss_datastore.simulator.world.people import Person, Spell, Staff

PERMISSIONS = ("pull", "triage", "push", "maintain", "admin")
"""Weakest first, in the words of REST."""
TREE = (
    ("engineering", None, "Everybody who writes code"),
    ("platform", "engineering", "What the others stand on"),
    ("sdk", "engineering", "Libraries for those who build on us"),
    ("security", None, None),
    ("docs", None, "Words and pictures"),
    ("community", None, "Answers, events, newcomers"),
    ("releases", "platform", "Those who press the button"),
)
FOUNDED_LATER = ANCHOR + 410 * DAY


@dataclass(frozen=True, eq=False)
class Team:
    """One team. `created` is when it was founded."""

    id: int
    slug: str
    parent: Team | None
    description: str | None
    secret: bool
    created: int

    @property
    def name(self) -> str:
        """What people call it."""
        return self.slug.replace("-", " ").capitalize()

    def within(self, other: Team) -> bool:
        """Whether this is `other` or below it."""
        return self is other or (self.parent is not None and self.parent.within(other))


@dataclass(frozen=True)
class TeamSpell:
    """A person's time in a team."""

    spell: Spell
    role: str
    start: int
    end: int


@dataclass(frozen=True)
class Grant:
    """What a team, or a person, was given on a repository (by number), and for how long."""

    repository: int
    permission: str
    start: int
    end: int

    def covers(self, instant: int) -> bool:
        """Whether the grant holds at an instant."""
        return self.start <= instant < self.end


def found_teams(org_number: int, repositories: int) -> list[Team]:
    """The teams of an organisation: a small tree, and a squad for each twenty-five repositories beyond twelve."""
    teams: dict[str, Team] = {}
    for number, (slug, parent, description) in enumerate(TREE):
        created = FOUNDED_LATER if slug == "releases" else ANCHOR - (600 - number) * DAY
        teams[slug] = Team(
            7_000_000 + org_number * 10_000 + number,
            slug,
            teams[parent] if parent else None,
            description,
            slug == "security",
            created,
        )
    for squad in range(max(0, repositories - 12) // 25):
        slug = f"squad-{squad + 1}"
        identity = 7_000_000 + org_number * 10_000 + len(TREE) + squad
        teams[slug] = Team(identity, slug, teams["engineering"], None, False, ANCHOR - 300 * DAY)
    return list(teams.values())


class Membership:
    """Who sits in which team. A person comes to a team some days after joining, and may move to another."""

    def __init__(self, seed: int, org: str, staff: Staff, teams: Sequence[Team]) -> None:
        self._of: dict[Team, list[TeamSpell]] = {team: [] for team in teams}
        self._known: dict[tuple[int, int], dict[Person, str]] = {}
        for seat, chain in enumerate(staff.chains):
            rng = dice(seed, org, "team", seat)
            home = teams[seat % len(teams)]
            role = "maintainer" if seat < len(teams) else "member"
            for spell in chain:
                start = min(spell.end, spell.start + rng.randrange(1, 12) * DAY)
                moved = spell.end
                if rng.random() < 0.3:
                    moved = start + int((spell.end - start) * rng.uniform(0.3, 0.9))
                    self._add(teams[rng.randrange(len(teams))], spell, "member", moved, spell.end)
                self._add(home, spell, role, start, moved)
                if rng.random() < 0.35:
                    self._add(teams[rng.randrange(len(teams))], spell, "member", start, moved)

    def _add(self, team: Team, spell: Spell, role: str, start: int, end: int) -> None:
        start = max(start, team.created)
        if start < end:
            self._of[team].append(TeamSpell(spell, role, start, end))

    def direct(self, team: Team, instant: int) -> dict[Person, str]:
        """The people who sit in the team itself, with `maintainer` or `member`."""
        known = self._known.get((team.id, instant))
        if known is not None:
            return known
        found: dict[Person, str] = {}
        for each in self._of[team]:
            if each.start <= instant < each.end and found.get(each.spell.person) != "maintainer":
                found[each.spell.person] = each.role
        if len(self._known) > 1_000:
            self._known.clear()
        self._known[team.id, instant] = found
        return found


def team_grants(seed: int, org: str, team: Team, number: int, created: Sequence[int]) -> list[Grant]:
    """What one team (the `number`-th) holds on the repositories, whose moments of creation are given in order."""
    grants: list[Grant] = []
    for repository, birth in enumerate(created):
        if team.slug.startswith("squad-"):
            held = (repository - 12) // 25 == number - len(TREE) and repository >= 12
            reach = 1.0 if held else 0.0
        else:
            reach = 0.55 if repository < 12 else 0.02
        if share(seed, org, team.slug, repository, "held") >= reach:
            continue
        rng = dice(seed, org, team.slug, repository, "grant")
        permission = PERMISSIONS[(2, 3, 2, 1, 2, 1, 4)[number % 7]]
        start = max(birth, team.created) + rng.randrange(1, 30) * DAY
        # Grants are reviewed now and then: raised, lowered or taken away, and given again.
        while start < HORIZON:
            end = min(HORIZON, start + int(rng.gammavariate(2.0, 300.0) * DAY))
            grants.append(Grant(repository, permission, start, end))
            start = end + (rng.randrange(5, 60) * DAY if rng.random() < 0.4 else 0)
            permission = PERMISSIONS[rng.randrange(1, 4)]
    return grants
