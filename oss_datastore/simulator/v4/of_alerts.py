"""Dependabot alerts and advisories in the graph."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import Call
from oss_datastore.simulator.v4.base import Node, Plain
from oss_datastore.simulator.v4.of_accounts import actor
from oss_datastore.simulator.world.alerts import Advisory, Alert
from oss_datastore.simulator.world.dice import DAY, iso

SEVERITY = {"low": "LOW", "medium": "MODERATE", "high": "HIGH", "critical": "CRITICAL"}
ECOSYSTEM = {"pip": "PIP", "go": "GO", "npm": "NPM", "rust": "RUST"}


def alert_node(call: Call, repository: Node, raised: Alert) -> Plain:
    """One alert."""
    turn, advisory = raised.at(call.now), raised.advisory
    when: dict[str, Any] = dict.fromkeys(("dismissed_at", "fixed_at", "auto_dismissed_at"))
    if turn.state != "open":
        when[f"{turn.state}_at"] = iso(turn.at)
    dismissed = turn.state == "dismissed"
    node = advisory_node(call, advisory)
    return Plain(
        call,
        "RepositoryVulnerabilityAlert",
        id=node_id("RVA", raised.repository.id, raised.number),
        number=raised.number,
        state=turn.state.upper(),
        created_at=iso(raised.created),
        **when,
        dismisser=actor(call, turn.actor) if dismissed else None,
        dismiss_reason=turn.reason if dismissed else None,
        dismiss_comment=turn.comment if dismissed else None,
        dependency_scope="DEVELOPMENT" if raised.development else "RUNTIME",
        repository=repository,
        security_advisory=node,
        security_vulnerability=_vulnerability(call, advisory, node),
        vulnerable_manifest_filename=advisory.manifest,
        vulnerable_manifest_path=advisory.manifest,
        vulnerable_requirements=f"= 2.{advisory.number}.0",
    )


def advisory_node(call: Call, advisory: Advisory) -> Plain:
    """One advisory."""
    pairs = [("GHSA", advisory.ghsa_id), *([("CVE", advisory.cve_id)] if advisory.cve_id else [])]
    identifiers = [Plain(call, "SecurityAdvisoryIdentifier", type=kind, value=value) for kind, value in pairs]
    return Plain(
        call,
        "SecurityAdvisory",
        id=f"GSA_{advisory.ghsa_id}",
        ghsa_id=advisory.ghsa_id,
        summary=advisory.summary,
        description=f"### Impact\n{advisory.summary}.",
        severity=SEVERITY[advisory.severity],
        published_at=iso(advisory.published),
        updated_at=iso(advisory.published + 3 * DAY),
        withdrawn_at=None,
        permalink=f"https://github.com/advisories/{advisory.ghsa_id}",
        identifiers=identifiers,
    )


def _vulnerability(call: Call, advisory: Advisory, node: Plain) -> Plain:
    package = Plain(call, "SecurityAdvisoryPackage", ecosystem=ECOSYSTEM[advisory.ecosystem], name=advisory.package)
    return Plain(
        call,
        "SecurityVulnerability",
        advisory=node,
        first_patched_version=Plain(call, "SecurityAdvisoryPackageVersion", identifier=f"2.{advisory.number}.1"),
        package=package,
        severity=SEVERITY[advisory.severity],
        updated_at=iso(advisory.published + 3 * DAY),
        vulnerable_version_range=f"< 2.{advisory.number}.1",
    )
