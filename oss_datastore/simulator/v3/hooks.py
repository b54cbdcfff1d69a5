"""How webhooks look in REST. A secret is shown as eight stars, or not at all where none is set."""

from __future__ import annotations

from oss_datastore.simulator.v3.call import Call, Json
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.dice import iso
from oss_datastore.simulator.world.hooks import Hook
from oss_datastore.simulator.world.repositories import Repository

MASK = "********"


def _hook(hook: Hook, url: str, kind: str) -> Json:
    return {
        "type": kind,
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": list(hook.events),
        "config": {
            "content_type": "json",
            "insecure_ssl": "1" if hook.insecure else "0",
            **({"secret": MASK} if hook.signed else {}),
            "url": hook.url,
        },
        "updated_at": iso(hook.updated),
        "created_at": iso(hook.created),
        "url": url,
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }


def org_hook(call: Call, org: Org, hook: Hook) -> Json:
    """A webhook of an organisation."""
    return _hook(hook, f"{call.base}/orgs/{org.login}/hooks/{hook.id}", "Organization")


def repository_hook(call: Call, repository: Repository, hook: Hook) -> Json:
    """A webhook of a repository, with what its last delivery came to."""
    url = f"{call.base}/repos/{repository.full_name(call.now)}/hooks/{hook.id}"
    worked = hook.id % 3 != 0
    last = {"code": 200 if worked else 502, "status": "active" if worked else "failed", "message": "OK"}
    return {**_hook(hook, url, "Repository"), "test_url": f"{url}/test", "last_response": last}
