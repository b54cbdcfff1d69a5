"""How Dependabot alerts look in REST (2022-11-28)."""

from __future__ import annotations

from oss_datastore.simulator.v3.accounts import repository_simple, user
from oss_datastore.simulator.v3.call import HTML, Call, Json
from oss_datastore.simulator.world.alerts import Advisory, Alert
from oss_datastore.simulator.world.dice import DAY, iso


def _vulnerability(advisory: Advisory) -> Json:
    return {
        "package": {"ecosystem": advisory.ecosystem, "name": advisory.package},
        "severity": advisory.severity,
        "vulnerable_version_range": f"< 2.{advisory.number}.1",
        "first_patched_version": {"identifier": f"2.{advisory.number}.1"},
    }


def _advisory(advisory: Advisory) -> Json:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
    identifiers = [{"type": "GHSA", "value": advisory.ghsa_id}]
    if advisory.cve_id:
        identifiers.append({"type": "CVE", "value": advisory.cve_id})
    return {
        "ghsa_id": advisory.ghsa_id,
        "cve_id": advisory.cve_id,
        "summary": advisory.summary,
        "description": f"### Impact\n{advisory.summary}.",
        "severity": advisory.severity,
        "identifiers": identifiers,
        "references": [{"url": f"https://github.com/advisories/{advisory.ghsa_id}"}],
        "published_at": iso(advisory.published),
        "updated_at": iso(advisory.published + 3 * DAY),
        "withdrawn_at": None,
        "vulnerabilities": [_vulnerability(advisory)],
        "cvss": {"score": advisory.score, "vector_string": vector},
        "cvss_severities": {
            "cvss_v3": {"score": advisory.score, "vector_string": vector},
            "cvss_v4": {"score": 0.0, "vector_string": None},
        },
        "epss": {"percentage": round(advisory.score / 1000, 5), "percentile": round(advisory.score / 10.5, 5)},
        "cwes": [{"cwe_id": advisory.weakness[0], "name": advisory.weakness[1]}],
    }


def alert(call: Call, raised: Alert) -> Json:
    """A Dependabot alert of one repository."""
    turn, advisory, repository = raised.at(call.now), raised.advisory, raised.repository
    full_name = repository.full_name(call.now)
    dismissed = turn.state == "dismissed"
    spoiled = call.spoiled(repository, "dependabot/alerts", raised.number)
    return {
        "number": None if spoiled else raised.number,
        "state": turn.state,
        "dependency": {
            "package": {"ecosystem": advisory.ecosystem, "name": advisory.package},
            "manifest_path": advisory.manifest,
            "scope": "development" if raised.development else "runtime",
            "relationship": "transitive" if raised.transitive else "direct",
        },
        "security_advisory": _advisory(advisory),
        "security_vulnerability": _vulnerability(advisory),
        "url": f"{call.base}/repos/{full_name}/dependabot/alerts/{raised.number}",
        "html_url": f"{HTML}/{full_name}/security/dependabot/{raised.number}",
        "created_at": iso(raised.created),
        "updated_at": iso(max(raised.created, turn.at)),
        "dismissed_at": iso(turn.at) if dismissed else None,
        "dismissed_by": user(call, turn.actor) if dismissed else None,
        "dismissed_reason": turn.reason if dismissed else None,
        "dismissed_comment": turn.comment if dismissed else None,
        "fixed_at": iso(turn.at) if turn.state == "fixed" else None,
        "auto_dismissed_at": iso(turn.at) if turn.state == "auto_dismissed" else None,
        "assignees": [],
    }


def alert_of_org(call: Call, raised: Alert) -> Json:
    """A Dependabot alert in the organisation's list."""
    return {**alert(call, raised), "repository": repository_simple(call, raised.repository)}
