"""What a collaborator may do in a repository, and why, in the graph."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.v4.base import Node, Plain
from oss_datastore.simulator.v4.of_accounts import PERMISSION, TeamNode
from oss_datastore.simulator.world.access import Source
from oss_datastore.simulator.world.people import Person

COARSE = {"pull": "READ", "triage": "READ", "push": "WRITE", "maintain": "WRITE", "admin": "ADMIN"}
"""What a permission's source says: this enum knows no triage and no maintain."""


def held(node: Any, who: Person) -> dict[str, Any]:
    """What the edge to a collaborator says. `node` is the repository's."""
    access = node.repository.org.access(node.repository)
    return {
        "permission": PERMISSION[access.permission(who, node.now) or "pull"],
        "permission_sources": [_source(node, source) for source in access.sources(who, node.now)],
    }


def _source(node: Any, source: Source) -> Plain:
    organization = node.owner()
    giver: Node = organization
    if source.direct:
        giver = node
    elif source.team is not None:
        giver = TeamNode(node.call, node.repository.org, source.team)
    return Plain(
        node.call,
        "PermissionSource",
        organization=organization,
        permission=COARSE[source.permission],
        source=giver,
    )
