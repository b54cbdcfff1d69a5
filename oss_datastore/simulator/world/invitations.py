"""Invitations to an organisation: pending from some days before somebody joins, or failed and never answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice, share
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org

LASTS = 7 * DAY
"""How long an invitation can be accepted."""
SHOWN_AFTER_FAILING = 30 * DAY


@dataclass(frozen=True)
class Invitation:
    """One invitation, by account or by e-mail; `failed` is when it expired."""

    id: int
    who: Person | None
    email: str | None
    role: str
    inviter: Person
    created: int
    failed: int | None = None


def pending(org: Org, instant: int) -> list[Invitation]:
    """Who is invited and has not answered, oldest first: everybody who joins was, and so are those who let it pass."""
    found = [invitation for invitation in _ignored(org) if invitation.created <= instant < (invitation.failed or 0)]
    for spell in org.staff.spells:
        if spell.seat < 0 or spell.start <= instant or spell.start - instant > LASTS:
            continue
        invited = spell.start - 3_600 - int(share(org.seed, org.login, "invited", spell.person.id) * (LASTS - 7_200))
        if invited <= instant:
            role = "admin" if spell.seat < 2 else "direct_member"
            identity = 60_000_000 + spell.person.id % 10_000_000
            found.append(Invitation(identity, spell.person, None, role, org.staff.steward, invited))
    return sorted((_open(invitation) for invitation in found), key=lambda each: (each.created, each.id))


def failed(org: Org, instant: int) -> list[Invitation]:
    """Invitations that expired lately, oldest first."""
    return [
        invitation
        for invitation in _ignored(org)
        if invitation.failed is not None and invitation.failed <= instant < invitation.failed + SHOWN_AFTER_FAILING
    ]


def _open(invitation: Invitation) -> Invitation:
    return Invitation(
        invitation.id, invitation.who, invitation.email, invitation.role, invitation.inviter, invitation.created
    )


def _ignored(org: Org) -> list[Invitation]:
    rng, moment = dice(org.seed, org.login, "ignored invitations"), ANCHOR
    found: list[Invitation] = []
    while moment < HORIZON:
        moment += int(rng.uniform(4, 50) * DAY)
        number = len(found)
        inviter = org.staff.steward
        mail = f"newcomer{number}@mail.example"
        found.append(
            Invitation(
                61_000_000 + org.number * 10_000 + number, None, mail, "direct_member", inviter, moment, moment + LASTS
            )
        )
    return found
