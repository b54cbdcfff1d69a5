"""Endpoints for owners of organisations: webhooks, invitations, apps that are let in; projects."""

from __future__ import annotations

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import owner, user
from oss_datastore.simulator.v3.call import HTML, Call, Json, Listing, Route, not_found
from oss_datastore.simulator.v3.hooks import org_hook
from oss_datastore.simulator.world import Org, apps, invitations
from oss_datastore.simulator.world.dice import iso, maybe_iso
from oss_datastore.simulator.world.hooks import org_hooks
from oss_datastore.simulator.world.projects import Project, projects


def _owned(call: Call) -> Org:
    org = call.org()
    if call.token.role != "owner":
        raise not_found()
    return org


def hooks(call: Call) -> Listing:
    """The organisation's webhooks."""
    org = _owned(call)
    return Listing(org_hooks(org, call.now), lambda hook: org_hook(call, org, hook))


def pending_invitations(call: Call) -> Listing:
    """Who is invited and has not answered."""
    org = _owned(call)
    return Listing(invitations.pending(org, call.now), lambda each: _invitation(call, org, each))


def failed_invitations(call: Call) -> Listing:
    """Whose invitation expired lately."""
    org = _owned(call)
    return Listing(invitations.failed(org, call.now), lambda each: _invitation(call, org, each))


def _invitation(call: Call, org: Org, each: invitations.Invitation) -> Json:
    return {
        "id": each.id,
        "node_id": node_id("OI", org.id, each.id),
        "login": call.world.present(each.who, call.now).login if each.who else None,
        "email": each.email,
        "role": each.role,
        "created_at": iso(each.created),
        "failed_at": maybe_iso(each.failed),
        "failed_reason": "Invitation expired" if each.failed else None,
        "inviter": user(call, each.inviter),
        "team_count": 0,
        "invitation_teams_url": f"{call.base}/organizations/{org.id}/invitations/{each.id}/teams",
        "invitation_source": "member",
    }


def installation(call: Call, each: apps.Installation) -> Json:
    """An app in an organisation."""
    org = each.org
    page = f"{HTML}/organizations/{org.login}/settings/installations/{each.id}"
    return {
        "id": each.id,
        "account": owner(call, org),
        "repository_selection": "all" if each.everything else "selected",
        "access_tokens_url": f"{call.base}/app/installations/{each.id}/access_tokens",
        "repositories_url": f"{call.base}/installation/repositories",
        "html_url": page,
        "app_id": each.app,
        "client_id": f"Iv23li{each.app}",
        "app_slug": each.slug,
        "target_id": org.id,
        "target_type": "Organization",
        "permissions": dict(each.permissions),
        "events": list(each.events),
        "created_at": iso(each.created),
        "updated_at": iso(each.updated),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(call, each.suspended_by),
        "suspended_at": maybe_iso(each.suspended),
    }


def installations(call: Call) -> Listing:
    """The apps that are let in."""
    org = _owned(call)
    return Listing(
        apps.installations(org, call.now),
        lambda each: installation(call, each),
        lambda total, entries: {"total_count": total, "installations": entries},
    )


def all_projects(call: Call) -> Listing:
    """The projects, those the token may see."""
    org = call.org()
    entries = [each for each in projects(org, call.now) if each.public or call.token.role != "outsider"]
    return Listing(entries, lambda each: _project(call, org, each))


def _project(call: Call, org: Org, each: Project) -> Json:
    return {
        "id": each.id,
        "node_id": node_id("PVT", org.id, each.id),
        "owner": owner(call, org),
        "creator": user(call, each.creator),
        "title": each.title,
        "description": each.description,
        "public": each.public,
        "closed_at": maybe_iso(each.closed),
        "created_at": iso(each.created),
        "updated_at": iso(each.updated),
        "number": each.number,
        "short_description": each.description,
        "deleted_at": None,
        "deleted_by": None,
        "state": "closed" if each.closed else "open",
        "is_template": False,
    }


ADMIN = "organization_administration=read"
ROUTES = (
    Route("/orgs/{org}/hooks", hooks, "organization_hooks=read", "admin:org_hook"),
    Route("/orgs/{org}/invitations", pending_invitations, "members=read", "admin:org"),
    Route("/orgs/{org}/failed_invitations", failed_invitations, "members=read", "admin:org"),
    Route("/orgs/{org}/installations", installations, ADMIN, "admin:read, read:org"),
    Route("/orgs/{org}/projectsV2", all_projects, "organization_projects=read", "read:project", cursor=True),
)
