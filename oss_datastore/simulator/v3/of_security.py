"""Endpoints about alerts: Dependabot, code scanning, secret scanning, and the advisories repositories publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oss_datastore.simulator.v3.accounts import code_is_scanned, repository_simple, secrets_are_scanned
from oss_datastore.simulator.v3.alerts import advisory_of_repository, alert, alert_of_org, code_alert, secret_alert
from oss_datastore.simulator.v3.call import Call, Json, Listing, Refused, Route, not_found
from oss_datastore.simulator.world.advisories import OwnAdvisory
from oss_datastore.simulator.world.alerts import Alert
from oss_datastore.simulator.world.dice import DAY
from oss_datastore.simulator.world.repositories import Repository
from oss_datastore.simulator.world.scanning import CodeAlert, SecretAlert

TWO_YEARS = 2 * 365 * DAY + DAY // 2
NOT_AUTHORIZED = "You are not authorized to perform this operation."


# --- Dependabot ---


def dependabot_on(call: Call, found: Repository) -> bool:
    """Whether a repository has alerts at all."""
    return found.traits.alerts_enabled and not call.holds("dependabot_disabled", found)


def shown_alerts(call: Call, found: Repository) -> list[Alert]:
    """The alerts GitHub still shows: those closed more than two years ago have left."""
    kept = 0 if call.holds("alerts_archived", found) else TWO_YEARS
    shown = []
    for raised in found.alerts(call.now):
        turn = raised.at(call.now)
        if turn.state == "open" or call.now - turn.at <= kept:
            shown.append(raised)
    return shown


def _sorted_alerts(call: Call, alerts: list[Alert]) -> list[Alert]:
    severities = [severity for severity in call.query.get("severity", "").split(",") if severity]
    order = call.choice("sort", ("created", "updated", "epss_percentage"), "created")
    chosen = [raised for raised in alerts if not severities or raised.advisory.severity in severities]
    if order != "epss_percentage":
        return _chosen(call, chosen, order)
    backwards = call.choice("direction", ("asc", "desc"), "desc") == "desc"
    chosen = _chosen(call, chosen, "created")
    return sorted(chosen, key=lambda raised: raised.advisory.score, reverse=backwards)


def alerts(call: Call) -> Listing:
    """The Dependabot alerts of a repository."""
    found = call.repository()
    if not call.may(found, "push"):
        raise Refused(403, NOT_AUTHORIZED)
    if not dependabot_on(call, found):
        raise Refused(403, "Dependabot alerts are disabled for this repository.")
    if found.archived(call.now):
        raise Refused(403, "Dependabot alerts are not available for archived repositories.")
    return Listing(_sorted_alerts(call, shown_alerts(call, found)), lambda raised: alert(call, raised))


def org_alerts(call: Call) -> Listing:
    """The Dependabot alerts of a whole organisation."""
    org = call.org()
    call.need_member()
    call.need_owner(NOT_AUTHORIZED)
    found = [
        raised
        for each in org.repositories_at(call.now)
        if dependabot_on(call, each) and not each.archived(call.now)
        for raised in shown_alerts(call, each)
    ]
    return Listing(_sorted_alerts(call, found), lambda raised: alert_of_org(call, raised))


# --- code scanning and secret scanning ---

Finding = Alert | CodeAlert | SecretAlert


def _chosen(call: Call, found: Sequence[Any], order: str | None = None) -> list[Any]:
    order = order or call.choice("sort", ("created", "updated"), "created")
    wanted = [state for state in call.query.get("state", "").split(",") if state]
    backwards = call.choice("direction", ("asc", "desc"), "desc") == "desc"

    def key(raised: Finding) -> tuple[int, int, int]:
        moment = max(raised.created, raised.at(call.now).at) if order == "updated" else raised.created
        return moment, raised.repository.id, raised.number

    chosen = [raised for raised in found if not wanted or raised.at(call.now).state in wanted]
    return sorted(chosen, key=key, reverse=backwards)


def _available(call: Call) -> None:
    if call.strikes("security_unavailable"):
        raise Refused(503, "Service unavailable", code="service_unavailable")


def code_alerts(call: Call) -> Listing:
    """What code scanning found in a repository."""
    found = call.repository()
    _available(call)
    if not call.may(found, "push"):
        raise Refused(403, NOT_AUTHORIZED)
    if not code_is_scanned(call, found):
        raise Refused(404, "no analysis found")
    return Listing(_chosen(call, found.code_alerts(call.now)), lambda raised: code_alert(call, raised))


def secret_alerts(call: Call) -> Listing:
    """The secrets found in a repository."""
    found = call.repository()
    _available(call)
    if not call.may(found, "admin"):
        raise not_found()
    if not secrets_are_scanned(call, found):
        raise Refused(404, "Secret scanning is disabled on this repository.")
    return Listing(_chosen(call, found.secret_alerts(call.now)), _secret_writer(call))


def _secret_writer(call: Call) -> Callable[[SecretAlert], Json]:
    hidden = call.query.get("hide_secret") == "true" and not call.strikes("secret_in_clear")
    return lambda raised: secret_alert(call, raised, hidden)


def _owned(call: Call) -> list[Repository]:
    org = call.org()
    _available(call)
    if call.token.role != "owner":
        raise not_found()
    return org.repositories_at(call.now)


def org_code_alerts(call: Call) -> Listing:
    """What code scanning found in a whole organisation."""
    found = [raised for each in _owned(call) if code_is_scanned(call, each) for raised in each.code_alerts(call.now)]
    return Listing(
        _chosen(call, found),
        lambda raised: {**code_alert(call, raised), "repository": repository_simple(call, raised.repository)},
    )


def org_secret_alerts(call: Call) -> Listing:
    """The secrets found in a whole organisation."""
    found = [
        raised for each in _owned(call) if secrets_are_scanned(call, each) for raised in each.secret_alerts(call.now)
    ]
    write = _secret_writer(call)
    return Listing(
        _chosen(call, found),
        lambda raised: {**write(raised), "repository": repository_simple(call, raised.repository)},
    )


# --- advisories ---


def _shown(call: Call, found: Repository) -> list[OwnAdvisory]:
    drafts = call.may(found, "admin")
    return [each for each in found.advisories(call.now) if drafts or each.state(call.now) == "published"]


def _advisories(call: Call, found: list[OwnAdvisory]) -> Listing:
    order = call.choice("sort", ("created", "updated", "published"), "created")
    backwards = call.choice("direction", ("asc", "desc"), "desc") == "desc"
    wanted = call.query.get("state")

    def key(each: OwnAdvisory) -> tuple[int, str]:
        changed = each.ended if each.state(call.now) != "draft" else each.created
        return (each.created if order == "created" else changed), each.ghsa_id

    entries = sorted(
        (each for each in found if not wanted or each.state(call.now) == wanted), key=key, reverse=backwards
    )
    return Listing(entries, lambda each: advisory_of_repository(call, each))


def advisories(call: Call) -> Listing:
    """The advisories of a repository about itself; drafts for administrators."""
    return _advisories(call, _shown(call, call.repository()))


def org_advisories(call: Call) -> Listing:
    """The advisories of all repositories of an organisation."""
    org = call.org()
    if call.token.role != "owner":
        raise not_found()
    return _advisories(call, [each for found in org.repositories_at(call.now) for each in _shown(call, found)])


REPO = "/repos/{owner}/{repo}"
DEPENDABOT, CODE, SECRET = "vulnerability_alerts=read", "security_events=read", "secret_scanning_alerts=read"
ADVISORIES = "repository_advisories=read"
ROUTES = (
    Route(f"{REPO}/dependabot/alerts", alerts, DEPENDABOT, "public_repo, repo, security_events", cursor=True),
    Route("/orgs/{org}/dependabot/alerts", org_alerts, DEPENDABOT, "repo, security_events", cursor=True),
    Route(f"{REPO}/code-scanning/alerts", code_alerts, CODE, "public_repo, repo, security_events"),
    Route("/orgs/{org}/code-scanning/alerts", org_code_alerts, CODE, "repo, security_events"),
    Route(f"{REPO}/secret-scanning/alerts", secret_alerts, SECRET, "repo, security_events"),
    Route("/orgs/{org}/secret-scanning/alerts", org_secret_alerts, SECRET, "repo, security_events"),
    Route(f"{REPO}/security-advisories", advisories, ADVISORIES, cursor=True),
    Route("/orgs/{org}/security-advisories", org_advisories, ADVISORIES, cursor=True),
)
