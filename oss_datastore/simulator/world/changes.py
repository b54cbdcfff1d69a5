"""Changes that are put into a world on purpose: names, owners and busy days, each at a moment of its own.

A change is written `<subject> <what> [words] [on <time>]`, as in `EXAMPLES`. A subject is called what it is called at
that moment, and a name that is taken where it goes is refused. `created` founds a repository, whose name may have been
another's before; `busy` opens that many issues and pull requests on a day; an account may take a login that another
has left. A date alone means half past nine of that day (UTC). Without a time the seed picks a day of 2026.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from oss_datastore.simulator.world.dice import DAY, HOUR, parse_instant, share

EXAMPLES = (
    "acme/lantern renamed lamp on 2026-11-10",
    "acme/lamp transferred umbrella on 2026-11-10T15:00",
    "acme/quarry transferred umbrella/acme-quarry",
    "acme/beacon deleted on 2026-11-12",
    "acme/lantern created on 2026-11-14",
    "acme/tidepool busy 20 10 on 2026-11-10",
    "amber-auk renamed brisk-owl on 2026-11-10",
)
OF_REPOSITORIES = {"renamed": 1, "transferred": 1, "deleted": 0, "created": 0, "busy": 2}
"""What may happen to a repository, and how many words follow."""
MORNING = 9 * HOUR + 1_800
FIRST_PICKED = parse_instant("2026-01-01")
WORD = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True)
class Change:
    """One change. `org` is None where the subject is an account."""

    at: int
    org: str | None
    subject: str
    what: str
    words: tuple[str, ...]


def read_change(text: str, seed: int) -> Change:
    """A change from its words. Raises ValueError with what was expected."""
    head, timed, when = text.strip().partition(" on ")
    subject, *rest = head.split()
    org, of_org, name = subject.partition("/")
    what, words = (rest[0], tuple(rest[1:])) if rest else ("", ())
    known = OF_REPOSITORIES if of_org else {"renamed": 1}
    if known.get(what) != len(words) or not all(WORD.fullmatch(word) for word in words):
        raise ValueError(f"cannot read the change {text!r}: expected org/name or login, and {_expected(known)}")
    if what == "busy" and not all(word.isdigit() for word in words):
        raise ValueError(f"cannot read the change {text!r}: expected two numbers, of issues and of pull requests")
    try:
        at = parse_instant(when) if timed else FIRST_PICKED + int(share(seed, "change", text) * 330) * DAY
    except ValueError:
        raise ValueError(f"cannot read the time of the change {text!r}: expected such as 2026-11-10T15:00") from None
    if at % DAY == 0:
        at += MORNING
    return Change(at, org if of_org else None, name if of_org else subject, what, words)


def _expected(known: dict[str, int]) -> str:
    return " or ".join(f"{what}{' <word>' * words}" for what, words in known.items())
