"""GitHub Apps that an organisation has let in: which, with what permissions, and when one was suspended.

The tokens of an app belong to `app_tokens`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oss_datastore.simulator.world.dice import ANCHOR, DAY, HORIZON, dice
from oss_datastore.simulator.world.people import Person

if TYPE_CHECKING:
    from oss_datastore.simulator.world.history import Org

COLLECTOR = 100_001
"""The id of the app that collects: the one whose key signs for installation tokens."""
COLLECTOR_PERMISSIONS = {
    "metadata": "read",
    "administration": "read",
    "contents": "write",
    "issues": "read",
    "members": "read",
    "organization_administration": "read",
    "organization_hooks": "read",
    "organization_projects": "read",
    "pull_requests": "read",
    "repository_hooks": "read",
    "secret_scanning_alerts": "read",
    "security_events": "read",
    "vulnerability_alerts": "read",
}
OTHERS = (
    (100_002, "ship-it", {"metadata": "read", "contents": "write", "pull_requests": "write"}, ("push", "pull_request")),
    (100_003, "coverage-tally", {"metadata": "read", "checks": "write"}, ("check_run",)),
    (100_004, "license-lookout", {"metadata": "read", "contents": "read"}, ()),
)


@dataclass(frozen=True)
class Installation:
    """One app in one organisation as it is at an instant."""

    id: int
    app: int
    slug: str
    org: Org
    permissions: dict[str, str]
    events: tuple[str, ...]
    everything: bool
    created: int
    updated: int
    suspended: int | None
    suspended_by: Person | None


def installations(org: Org, instant: int) -> list[Installation]:
    """The apps that are let in at an instant, the collector first."""
    first = org.created + 30 * DAY
    found = [
        Installation(
            50_000_000 + org.number * 100,
            COLLECTOR,
            "collector",
            org,
            COLLECTOR_PERMISSIONS,
            (),
            True,
            first,
            first,
            None,
            None,
        )
    ]
    for slot, (app, slug, permissions, events) in enumerate(OTHERS, 1):
        rng = dice(org.seed, org.login, "app", slug)
        created = ANCHOR + rng.randrange(-200, 500) * DAY
        widened = created + rng.randrange(50, 400) * DAY
        suspended = widened + rng.randrange(50, 400) * DAY if rng.random() < 0.5 else HORIZON
        removed = suspended + rng.randrange(30, 300) * DAY if suspended < HORIZON else HORIZON
        if not created <= instant < removed:
            continue
        wide = {**permissions, "issues": "write"} if instant >= widened else dict(permissions)
        stopped = suspended if instant >= suspended else None
        found.append(
            Installation(
                id=50_000_000 + org.number * 100 + slot,
                app=app,
                slug=slug,
                org=org,
                permissions=wide,
                events=events,
                everything=slot != 2,
                created=created,
                updated=max(moment for moment in (created, widened, suspended) if moment <= instant),
                suspended=stopped,
                suspended_by=org.staff.steward if stopped else None,
            )
        )
    return found
