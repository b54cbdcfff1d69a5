"""Alerts of an organisation and of a repository, and advisories that name their repository by address only."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SET_OF, TABLES
from oss_datastore.catalogue.model import RestRequest, ScopeKind
from oss_datastore_tests.catalogue.answers import at, md5, parsed, rows, values

CODE: dict[str, Any] = {
    "number": 4,
    "created_at": "2026-10-01T12:29:18Z",
    "updated_at": None,
    "html_url": "https://github.com/acme/rocket/code-scanning/4",
    "state": "dismissed",
    "dismissed_by": {"login": "ada", "id": 3, "type": "User"},
    "dismissed_at": "2026-10-14T12:29:18Z",
    "dismissed_reason": "false positive",
    "dismissed_comment": None,
    "rule": {
        "id": "js/zipslip",
        "severity": "error",
        "security_severity_level": "high",
        "tags": ["security"],
        "description": "Arbitrary file write",
        "name": "js/zipslip",
    },
    "tool": {"name": "CodeQL", "guid": None, "version": "2.4.0"},
    "most_recent_instance": {
        "ref": "refs/heads/main",
        "category": ".github/workflows/codeql.yml:build",
        "state": "open",
        "location": {"path": "lib/unzip.js", "start_line": 917, "end_line": 917},
    },
    "repository": {"id": 7, "name": "rocket", "full_name": "acme/rocket"},
}
SECRET: dict[str, Any] = {
    "number": 2,
    "created_at": "2026-10-06T18:48:51Z",
    "updated_at": "2026-10-07T18:48:51Z",
    "html_url": "https://github.com/acme/rocket/security/secret-scanning/2",
    "state": "resolved",
    "resolution": "revoked",
    "resolved_at": "2026-10-07T02:47:13Z",
    "resolved_by": {"login": "ada", "id": 3, "type": "User"},
    "resolution_comment": "rotated",
    "secret_type": "adafruit_io_key",
    "secret_type_display_name": "Adafruit IO Key",
    "secret": "the secret itself",
    "validity": "inactive",
    "publicly_leaked": False,
    "multi_repo": True,
    "push_protection_bypassed": True,
    "push_protection_bypassed_by": {"login": "bob", "id": 4, "type": "User"},
    "push_protection_bypassed_at": "2026-10-06T18:48:50Z",
    "first_location_detected": {"path": "/example/secrets.txt", "start_line": 1},
    "repository": {"id": 7, "name": "rocket", "full_name": "acme/rocket"},
}


def test_a_code_scanning_alert_is_a_row() -> None:
    found = parsed("code_scanning_alerts", [CODE])
    assert rows(found, "code_scanning_alerts") == [
        {
            "repo_id": 7,
            "alert_number": 4,
            "state": "dismissed",
            "rule_id": "js/zipslip",
            "rule_name": "js/zipslip",
            "rule_description": "Arbitrary file write",
            "rule_severity": "error",
            "security_severity": "high",
            "tool_name": "CodeQL",
            "ref": "refs/heads/main",
            "category": ".github/workflows/codeql.yml:build",
            "path": "lib/unzip.js",
            "start_line": 917,
            "created_at": at("2026-10-01T12:29:18"),
            "updated_at": at("2026-10-01T12:29:18"),
            "fixed_at": None,
            "dismissed_at": at("2026-10-14T12:29:18"),
            "dismissed_by_id": 3,
            "dismissed_reason": "false positive",
            "dismissed_comment": None,
            "html_url": "https://github.com/acme/rocket/code-scanning/4",
        }
    ]


def test_a_secret_scanning_alert_tells_everything_but_the_secret() -> None:
    found = parsed("secret_scanning_alerts", [SECRET])
    (row,) = rows(found, "secret_scanning_alerts")
    assert row == {
        "repo_id": 7,
        "alert_number": 2,
        "state": "resolved",
        "resolution": "revoked",
        "resolved_at": at("2026-10-07T02:47:13"),
        "resolved_by_id": 3,
        "resolution_comment": "rotated",
        "secret_type": "adafruit_io_key",
        "secret_type_display_name": "Adafruit IO Key",
        "validity": "inactive",
        "is_publicly_leaked": False,
        "is_in_several_repositories": True,
        "push_protection_bypassed": True,
        "push_protection_bypassed_at": at("2026-10-06T18:48:50"),
        "push_protection_bypassed_by_id": 4,
        "path": "/example/secrets.txt",
        "created_at": at("2026-10-06T18:48:51"),
        "updated_at": at("2026-10-07T18:48:51"),
        "html_url": "https://github.com/acme/rocket/security/secret-scanning/2",
    }
    assert "aio_" not in json.dumps(found.rows, default=str)


def test_no_way_to_secret_scanning_alerts_asks_for_the_secret() -> None:
    for request in ANSWER_SET_OF["secret_scanning_alerts"].requests:
        assert isinstance(request, RestRequest)
        assert request.params["hide_secret"] == "true"


@pytest.mark.parametrize("dataset", ["dependabot_alerts", "code_scanning_alerts", "secret_scanning_alerts"])
def test_alerts_are_asked_for_once_per_organisation_and_else_per_repository(dataset: str) -> None:
    of_org, of_repository = ANSWER_SET_OF[dataset].requests
    assert isinstance(of_org, RestRequest)
    assert isinstance(of_repository, RestRequest)
    assert (of_org.asked_per, of_org.belongs_to) == (ScopeKind.organization, "repository.id")
    assert (of_repository.asked_per, of_repository.belongs_to) == (ScopeKind.repository, "")
    assert of_org.path.removeprefix("/orgs/{org}") == of_repository.path.removeprefix("/repos/{repo}")
    assert of_org.params == of_repository.params


@pytest.mark.parametrize(("dataset", "alert"), [("code_scanning_alerts", CODE), ("secret_scanning_alerts", SECRET)])
def test_an_alert_is_the_same_row_from_the_list_of_the_organisation(dataset: str, alert: dict[str, Any]) -> None:
    other = {**alert, "number": 99, "repository": {"id": 8}}
    of_org = parsed(dataset, [other, alert], context={"only": ["repository.id", 7]})
    alone = {key: value for key, value in alert.items() if key != "repository"}
    assert of_org.rows[dataset] == parsed(dataset, [alone]).rows[dataset]


ADVISORY: dict[str, Any] = {
    "ghsa_id": "GHSA-abcd-1234-efgh",
    "cve_id": "CVE-2050-00000",
    "url": "https://api.github.com/repos/acme/rocket/security-advisories/GHSA-abcd-1234-efgh",
    "html_url": "https://github.com/acme/rocket/security/advisories/GHSA-abcd-1234-efgh",
    "summary": "It burns.",
    "description": "Do not touch.",
    "severity": "critical",
    "author": {"login": "ada", "id": 3, "type": "User"},
    "publisher": None,
    "state": "published",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-02T00:00:00Z",
    "published_at": "2026-01-03T00:00:00Z",
    "closed_at": None,
    "withdrawn_at": None,
    "vulnerabilities": [
        {
            "package": {"ecosystem": "pip", "name": "a-package"},
            "vulnerable_version_range": ">= 1.0.0, < 1.0.1",
            "patched_versions": "1.0.1",
            "vulnerable_functions": ["function1"],
        },
        {"package": None, "vulnerable_version_range": None, "patched_versions": None},
    ],
    "cvss": {"vector_string": "CVSS:3.1", "score": 9.8},
    "cvss_severities": {"cvss_v3": {"vector_string": "CVSS:3.1", "score": 9.8}, "cvss_v4": {"score": 9.3}},
    "credits_detailed": [{"user": {"login": "bob", "id": 4}, "type": "analyst", "state": "accepted"}],
    "private_fork": None,
}


def test_an_advisory_is_a_row_that_names_its_repository() -> None:
    found = parsed("repository_advisories", [ADVISORY])
    assert rows(found, "repository_advisories") == [
        {
            "org_id": 7,
            "ghsa_id": "GHSA-abcd-1234-efgh",
            "repo_full_name": "acme/rocket",
            "cve_id": "CVE-2050-00000",
            "state": "published",
            "severity": "critical",
            "summary": "It burns.",
            "description": "Do not touch.",
            "description_length": 13,
            "description_md5": md5("Do not touch."),
            "cvss_v3_score": Decimal("9.8"),
            "cvss_v4_score": Decimal("9.3"),
            "author_id": 3,
            "publisher_id": None,
            "created_at": at("2026-01-01T00:00:00"),
            "updated_at": at("2026-01-02T00:00:00"),
            "published_at": at("2026-01-03T00:00:00"),
            "closed_at": None,
            "withdrawn_at": None,
            "html_url": "https://github.com/acme/rocket/security/advisories/GHSA-abcd-1234-efgh",
        }
    ]
    assert values(found, "repository_advisory_vulnerabilities") == [
        (7, "GHSA-abcd-1234-efgh", 1, "pip", "a-package", ">= 1.0.0, < 1.0.1", "1.0.1"),
        (7, "GHSA-abcd-1234-efgh", 2, None, None, None, None),
    ]
    assert values(found, "repository_advisory_credits") == [(7, "GHSA-abcd-1234-efgh", 4, "analyst", "accepted")]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"url": "https://github.example/api/v3/repos/acme/rocket/security-advisories/GHSA-1"}, "acme/rocket"),
        ({"url": None}, "acme/rocket"),
        ({"url": None, "html_url": None}, None),
        ({"url": "nonsense", "html_url": "nonsense"}, None),
    ],
)
def test_the_repository_of_an_advisory_is_read_from_its_addresses(told: dict[str, Any], expected: str | None) -> None:
    (row,) = rows(parsed("repository_advisories", [{**ADVISORY, **told}]), "repository_advisories")
    assert row["repo_full_name"] == expected


def test_the_newer_version_of_the_api_leaves_out_what_is_told_twice() -> None:
    newer = {key: value for key, value in ADVISORY.items() if key != "cvss"}
    name = "repository_advisories"
    assert parsed(name, [newer]).rows == parsed(name, [ADVISORY]).rows


def test_no_table_of_alerts_has_a_column_for_a_secret() -> None:
    names = {column.name for column in TABLES["secret_scanning_alerts"].columns}
    assert not names & {"secret", "value", "token"}
