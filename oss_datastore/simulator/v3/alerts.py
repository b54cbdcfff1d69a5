"""How alerts and advisories look in REST (2022-11-28)."""

from __future__ import annotations

from oss_datastore.simulator.v3.accounts import repository_simple, user
from oss_datastore.simulator.v3.call import HTML, Call, Json
from oss_datastore.simulator.world.advisories import OwnAdvisory
from oss_datastore.simulator.world.alerts import Advisory, Alert
from oss_datastore.simulator.world.dice import DAY, iso, sha
from oss_datastore.simulator.world.scanning import CodeAlert, SecretAlert


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


def code_alert(call: Call, raised: CodeAlert) -> Json:
    """A code scanning alert of one repository."""
    turn, repository = raised.at(call.now), raised.repository
    full_name = repository.full_name(call.now)
    url = f"{call.base}/repos/{full_name}/code-scanning/alerts/{raised.number}"
    dismissed = turn.state == "dismissed"
    identity, description, severity, level = raised.rule
    spoiled = call.spoiled(repository, "code-scanning/alerts", raised.number)
    return {
        "number": None if spoiled else raised.number,
        "created_at": iso(raised.created),
        "updated_at": iso(max(raised.created, turn.at)),
        "url": url,
        "html_url": f"{HTML}/{full_name}/security/code-scanning/{raised.number}",
        "state": turn.state,
        "fixed_at": iso(turn.at) if turn.state == "fixed" else None,
        "dismissed_by": user(call, turn.actor) if dismissed else None,
        "dismissed_at": iso(turn.at) if dismissed else None,
        "dismissed_reason": turn.reason if dismissed else None,
        "dismissed_comment": turn.comment if dismissed else None,
        "rule": {
            "id": identity,
            "severity": severity,
            "description": description,
            "name": identity,
            "tags": ["security"] if level else [],
            "full_description": f"{description}.",
            **({"security_severity_level": level} if level else {}),
        },
        "tool": {"name": "CodeQL", "guid": None, "version": "2.19.0"},
        "most_recent_instance": {
            "ref": "refs/heads/main",
            "analysis_key": ".github/workflows/codeql.yml:analyze",
            "environment": "{}",
            "category": "/language:python",
            "state": turn.state,
            "commit_sha": repository.head(max(raised.created, turn.at)) or "",
            "message": {"text": description},
            "location": {
                "path": raised.path,
                "start_line": raised.line,
                "end_line": raised.line,
                "start_column": 5,
                "end_column": 40,
            },
            "classifications": [],
        },
        "instances_url": f"{url}/instances",
    }


def secret_alert(call: Call, raised: SecretAlert, hidden: bool) -> Json:
    """A secret scanning alert of one repository; `hidden` leaves the secret itself out."""
    turn, repository = raised.at(call.now), raised.repository
    full_name = repository.full_name(call.now)
    repo = f"{call.base}/repos/{full_name}"
    url = f"{repo}/secret-scanning/alerts/{raised.number}"
    resolved = turn.state == "resolved"
    kind, shown, provider, _, _ = raised.kind
    blob = sha(raised.commit, "blob")
    spoiled = call.spoiled(repository, "secret-scanning/alerts", raised.number)
    return {
        "number": None if spoiled else raised.number,
        "created_at": iso(raised.created),
        "updated_at": iso(max(raised.created, turn.at)),
        "url": url,
        "html_url": f"{HTML}/{full_name}/security/secret-scanning/{raised.number}",
        "locations_url": f"{url}/locations",
        "state": turn.state,
        "resolution": turn.reason if resolved else None,
        "resolved_at": iso(turn.at) if resolved else None,
        "resolved_by": user(call, turn.actor) if resolved else None,
        "resolution_comment": turn.comment if resolved else None,
        "secret_type": kind,
        "secret_type_display_name": shown,
        "provider": shown.split()[0],
        "provider_slug": provider,
        **({} if hidden else {"secret": raised.secret}),
        "push_protection_bypassed": raised.bypassed_by is not None,
        "push_protection_bypassed_by": user(call, raised.bypassed_by),
        "push_protection_bypassed_at": iso(raised.created) if raised.bypassed_by else None,
        "validity": "inactive" if resolved else "unknown",
        "publicly_leaked": raised.number % 3 == 0,
        "multi_repo": False,
        "is_base64_encoded": False,
        "first_location_detected": {
            "path": "config/settings.ini",
            "start_line": raised.number + 3,
            "end_line": raised.number + 3,
            "start_column": 9,
            "end_column": 9 + len(raised.secret),
            "blob_sha": blob,
            "blob_url": f"{repo}/git/blobs/{blob}",
            "commit_sha": raised.commit,
            "commit_url": f"{repo}/git/commits/{raised.commit}",
        },
        "has_more_locations": False,
    }


def advisory_of_repository(call: Call, advisory: OwnAdvisory) -> Json:
    """An advisory of a repository about itself."""
    repository, state = advisory.repository, advisory.state(call.now)
    full_name = repository.full_name(call.now)
    ended = iso(advisory.ended) if state != "draft" else None
    identifiers = [{"type": "GHSA", "value": advisory.ghsa_id}]
    if advisory.cve_id:
        identifiers.append({"type": "CVE", "value": advisory.cve_id})
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
    finder = user(call, advisory.finder) or {}
    return {
        "ghsa_id": advisory.ghsa_id,
        "cve_id": advisory.cve_id,
        "url": f"{call.base}/repos/{full_name}/security-advisories/{advisory.ghsa_id}",
        "html_url": f"{HTML}/{full_name}/security/advisories/{advisory.ghsa_id}",
        "summary": advisory.summary,
        "description": f"### Impact\n{advisory.summary}.",
        "severity": advisory.severity,
        "author": user(call, advisory.author),
        "publisher": user(call, advisory.publisher) if state == "published" else None,
        "identifiers": identifiers,
        "state": state,
        "created_at": iso(advisory.created),
        "updated_at": ended or iso(advisory.created),
        "published_at": ended if state == "published" else None,
        "closed_at": ended if state == "closed" else None,
        "withdrawn_at": None,
        "submission": None,
        "vulnerabilities": [
            {
                "package": {"ecosystem": advisory.ecosystem, "name": repository.name(call.now)},
                "vulnerable_version_range": "< 1.9.0",
                "patched_versions": "1.9.0",
                "vulnerable_functions": [],
            }
        ],
        "cvss": {"vector_string": vector, "score": advisory.score},
        "cvss_severities": {
            "cvss_v3": {"vector_string": vector, "score": advisory.score},
            "cvss_v4": {"vector_string": None, "score": None},
        },
        "cwes": [{"cwe_id": advisory.weakness[0], "name": advisory.weakness[1]}],
        "cwe_ids": [advisory.weakness[0]],
        "credits": [{"login": finder["login"], "type": "finder"}],
        "credits_detailed": [{"user": finder, "type": "finder", "state": "accepted"}],
        "collaborating_users": [],
        "collaborating_teams": [],
        "private_fork": None,
    }
