"""Projects (the second kind) in the graph: what they are linked to and what lies on them."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v4.base import FITS_INT, Connection, Plain, ordered
from oss_datastore.simulator.world.dice import iso, maybe_iso
from oss_datastore.simulator.world.items import Item
from oss_datastore.simulator.world.projects import Project, project_items

Order = dict[str, str] | None


def project_list(owner: Any, found: list[Project], order_by: Order, paging: dict[str, Any]) -> Connection:
    """A connection of projects. `owner` is the organisation's node, here and below."""
    keys = {
        "NUMBER": lambda project: project.number,
        "TITLE": lambda project: project.title,
        "CREATED_AT": lambda project: project.created,
        "UPDATED_AT": lambda project: project.updated,
    }
    return Connection(ordered(found, order_by, keys), lambda project: project_node(owner, project), paging)


def project_node(owner: Any, project: Project) -> Plain:
    """One project."""
    from oss_datastore.simulator.v4.of_accounts import TeamNode, actor, repository_list

    call, org = owner.call, owner.org
    node = Plain(
        call,
        "ProjectV2",
        f"/orgs/{org.login}/projects/{project.number}",
        id=node_id("PVT", org.id, project.id),
        database_id=project.id,
        full_database_id=str(project.id),
        number=project.number,
        title=project.title,
        short_description=project.description,
        readme=None,
        public=project.public,
        template=False,
        closed=project.closed is not None,
        closed_at=maybe_iso(project.closed),
        created_at=iso(project.created),
        updated_at=iso(project.updated),
        creator=actor(call, project.creator),
        owner=owner,
    )
    teams = [team for team in org.teams_at(call.now) if team.id % 3 == project.number % 3]
    seen = [repository for repository in project.repositories if call.sees(repository)]
    node.__dict__["teams"] = lambda order_by=None, **paging: Connection(
        teams, lambda team: TeamNode(call, org, team), paging
    )
    node.__dict__["repositories"] = lambda order_by=None, **paging: repository_list(call, seen, order_by, paging)
    node.__dict__["items"] = lambda **paging: Connection(
        project_items(project, call.now), lambda item: _item(node, project, item), paging
    )
    return node


def _item(node: Plain, project: Project, item: Item) -> Plain:
    from oss_datastore.simulator.v4.of_accounts import actor
    from oss_datastore.simulator.v4.of_items import IssueNode, PullRequestNode
    from oss_datastore.simulator.v4.of_repositories import RepositoryNode

    call = node.call
    repository = RepositoryNode(call, item.repository)
    identity = 40_000_000_000 + item.unique(item.created)
    shown = call.sees(item.repository)
    kind = "PULL_REQUEST" if item.is_pull else "ISSUE"
    content = (PullRequestNode if item.is_pull else IssueNode)(call, repository, item)
    return Plain(
        call,
        "ProjectV2Item",
        id=node_id("PVTI", project.id, identity),
        database_id=identity if identity <= FITS_INT else None,
        full_database_id=str(identity),
        type=kind if shown else "REDACTED",
        content=content if shown else None,
        creator=actor(call, project.creator),
        is_archived=False,
        created_at=iso(item.created),
        updated_at=iso(item.at(call.now).updated),
        project=node,
    )
