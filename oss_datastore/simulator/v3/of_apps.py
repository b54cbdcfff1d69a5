"""Endpoints for a GitHub App: itself and its installations, by its signature; its repositories, by a token.

What a signature must be like, and how long a token lives, belongs to `app_tokens`.
"""

from __future__ import annotations

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.accounts import owner, repository_listed
from oss_datastore.simulator.v3.call import HTML, Answer, Call, Json, Listing, Refused, Route, not_found
from oss_datastore.simulator.v3.of_administration import installation
from oss_datastore.simulator.world import apps
from oss_datastore.simulator.world.dice import iso


def own_app(call: Call) -> Json:
    """The app itself."""
    org = next(iter(call.world.orgs.values()))
    return {
        "id": apps.COLLECTOR,
        "slug": "collector",
        "node_id": node_id("A", apps.COLLECTOR),
        "client_id": f"Iv23li{apps.COLLECTOR}",
        "owner": owner(call, org),
        "name": "Collector",
        "description": "Keeps what is forgotten",
        "external_url": f"https://collector.{org.login}.example",
        "html_url": f"{HTML}/apps/collector",
        "created_at": iso(org.created),
        "updated_at": iso(org.created),
        "permissions": dict(apps.COLLECTOR_PERMISSIONS),
        "events": [],
        "installations_count": len(_own(call)),
    }


def _own(call: Call) -> list[apps.Installation]:
    return [
        each
        for org in call.world.orgs.values()
        for each in apps.installations(org, call.now)
        if each.app == apps.COLLECTOR
    ]


def own_installations(call: Call) -> Listing:
    """Where the app is installed."""
    return Listing(_own(call), lambda each: installation(call, each))


def installation_in(call: Call) -> Json:
    """The app's installation in one organisation."""
    org = call.org()
    return installation(call, next(each for each in _own(call) if each.org is org))


def access_token(call: Call) -> Answer:
    """A new token for an installation."""
    identity = call.path["installation_id"]
    found = next((each for each in _own(call) if str(each.id) == identity), None)
    if found is None:
        raise not_found()
    if call.mint is None:
        raise Refused(401, "A JSON web token could not be decoded")
    token, ends = call.mint(found)
    return Answer(
        {
            "token": token,
            "expires_at": iso(ends),
            "permissions": dict(found.permissions),
            "repository_selection": "all",
        },
        201,
    )


def repositories(call: Call) -> Listing:
    """The repositories that an installation's token reaches."""
    org = call.world.org(call.token.org or "")
    if call.token.kind != "app":
        raise Refused(403, "You must authenticate with an installation access token in order to list repositories.")
    orgs = [org] if org else list(call.world.orgs.values())
    entries = [each for one in orgs for each in one.repositories_at(call.now)]
    return Listing(
        entries,
        lambda each: repository_listed(call, each),
        lambda total, written: {"total_count": total, "repository_selection": "all", "repositories": written},
    )


ROUTES = (
    Route("/app", own_app, "", "", as_app=True),
    Route("/app/installations", own_installations, "", "", as_app=True),
    Route("/app/installations/{installation_id}/access_tokens", access_token, "", "", method="POST", as_app=True),
    Route("/orgs/{org}/installation", installation_in, "", "", as_app=True),
    Route("/installation/repositories", repositories, "metadata=read", ""),
)
