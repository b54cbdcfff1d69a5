"""Security alerts and advisories. GitHub drops closed alerts two years after closing: our own history is the record.

Alerts are asked for once per organisation, which only its owners and security managers may; where that is refused,
repository by repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    Meaning,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    decimal,
    long_text,
    text,
    timestamp,
)

dependabot_alerts = Dataset(
    Table(
        "dependabot_alerts",
        (
            bigint("repo_id", "@id", "Numeric id of the repository.", required=True),
            bigint("alert_number", "number", "Number of the alert within the repository.", required=True),
            text("ghsa_id", "security_advisory.ghsa_id", "GitHub's id of the advisory.", required=True),
            text("cve_id", "security_advisory.cve_id", "CVE of the advisory."),
            text("state", description="open, dismissed, fixed or auto_dismissed."),
            text(
                "severity",
                "security_vulnerability.severity|security_advisory.severity",
                "low, medium, high or critical.",
            ),
            text("advisory_severity", "security_advisory.severity", "Severity of the advisory as a whole."),
            text("advisory_summary", "security_advisory.summary", "One line on the advisory."),
            decimal(
                "cvss_v3_score",
                "security_advisory.cvss_severities.cvss_v3.score|security_advisory.cvss.score",
                "CVSS v3 base score.",
            ),
            decimal("cvss_v4_score", "security_advisory.cvss_severities.cvss_v4.score", "CVSS v4 base score."),
            decimal(
                "epss_percentage",
                "security_advisory.epss.percentage",
                "Probability of exploitation in 30 days.",
            ),
            timestamp("advisory_published_at", "security_advisory.published_at", "When the advisory was published."),
            timestamp("advisory_withdrawn_at", "security_advisory.withdrawn_at", "When it was withdrawn."),
            text(
                "package_ecosystem",
                "dependency.package.ecosystem|security_vulnerability.package.ecosystem",
                "Ecosystem.",
            ),
            text("package_name", "dependency.package.name|security_vulnerability.package.name", "Package."),
            text("manifest_path", "dependency.manifest_path", "The file that pulls it in."),
            text("dependency_scope", "dependency.scope", "development or runtime."),
            text("dependency_relationship", "dependency.relationship", "direct, transitive or unknown."),
            text(
                "vulnerable_version_range",
                "security_vulnerability.vulnerable_version_range",
                "Versions affected.",
            ),
            text(
                "first_patched_version",
                "security_vulnerability.first_patched_version.identifier",
                "First version without the fault.",
            ),
            timestamp("created_at", description="When the alert was raised; kept when it is reopened."),
            timestamp("updated_at", description="When it last changed."),
            timestamp("dismissed_at", description="When it was dismissed."),
            bigint("dismissed_by_id", "dismissed_by.id", "Who dismissed it."),
            text("dismissed_reason", description="Why it was dismissed."),
            text("dismissed_comment", description="What was said when it was dismissed."),
            timestamp("fixed_at", description="When it was fixed."),
            timestamp("auto_dismissed_at", description="When a rule dismissed it."),
            text("html_url", description="Its page."),
        ),
        key=("repo_id", "alert_number"),
        hash_keys={
            "repo_hk": ("repo_id",),
            "advisory_hk": ("ghsa_id",),
            "link_repo_advisory_alert_hk": ("repo_id", "ghsa_id", "alert_number"),
        },
        hash_diffs={
            "sat_repo_advisory_alert": (
                "state",
                "severity",
                "package_ecosystem",
                "package_name",
                "manifest_path",
                "dependency_scope",
                "dependency_relationship",
                "vulnerable_version_range",
                "first_patched_version",
                "created_at",
                "updated_at",
                "dismissed_at",
                "dismissed_by_id",
                "dismissed_reason",
                "dismissed_comment",
                "fixed_at",
                "auto_dismissed_at",
                "html_url",
            ),
            "sat_advisory": (
                "cve_id",
                "advisory_severity",
                "advisory_summary",
                "cvss_v3_score",
                "cvss_v4_score",
                "epss_percentage",
                "advisory_published_at",
                "advisory_withdrawn_at",
            ),
        },
        description="One row per Dependabot alert that changed (or was listed) and UTC day.",
    ),
    subject="security",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.push,
    description="Known vulnerabilities in the dependencies of a repository.",
    permission="Dependabot alerts: read (of a whole organisation: owner or security manager)",
    classic_scope="security_events",
    actors=("dismissed_by",),
)


def _alerts(name: str, columns: tuple[Column, ...], what: str, **more: Any) -> Dataset:
    one = name.removesuffix("s")
    kept = tuple(c.name for c in columns if c.name not in ("updated_at",))
    return Dataset(
        Table(
            name,
            (
                bigint("repo_id", "@id", "Numeric id of the repository.", required=True),
                bigint("alert_number", "number", "Number of the alert within the repository.", required=True),
                *columns,
                text("html_url", description="Its page."),
            ),
            key=("repo_id", "alert_number"),
            hash_keys={"repo_hk": ("repo_id",), f"link_repo_{one}_hk": ("repo_id", "alert_number")},
            hash_diffs={f"sat_repo_{one}": kept},
            description=f"One row per {what} that changed (or was listed) and UTC day.",
        ),
        subject="security",
        scope_kind=ScopeKind.repository,
        addressable=Addressable.since,
        needs=Needs.push,
        classic_scope="security_events",
        **more,
    )


code_scanning_alerts = _alerts(
    "code_scanning_alerts",
    (
        text("state", description="open, dismissed or fixed."),
        text("rule_id", "rule.id", "Id of the rule within its tool."),
        text("rule_name", "rule.name", "Name of the rule."),
        text("rule_description", "rule.description", "What the rule finds."),
        text("rule_severity", "rule.severity", "none, note, warning or error."),
        text("security_severity", "rule.security_severity_level", "low, medium, high or critical."),
        text("tool_name", "tool.name", "The tool that found it."),
        text("ref", "most_recent_instance.ref", "Where it was last seen; GitHub lists the default branch."),
        text("category", "most_recent_instance.category", "Which analysis of several."),
        text("path", "most_recent_instance.location.path", "The file."),
        bigint("start_line", "most_recent_instance.location.start_line", "First line."),
        timestamp("created_at", description="When the alert was raised."),
        timestamp("updated_at", "updated_at|created_at", "When it last changed."),
        timestamp("fixed_at", description="When it was fixed."),
        timestamp("dismissed_at", description="When it was dismissed."),
        bigint("dismissed_by_id", "dismissed_by.id", "Who dismissed it."),
        text("dismissed_reason", description="Why it was dismissed."),
        text("dismissed_comment", description="What was said when it was dismissed."),
    ),
    "code scanning alert",
    description="What code scanning finds on the default branch.",
    permission="Code scanning alerts: read (of a whole organisation: owner or security manager)",
    actors=("dismissed_by",),
)

secret_scanning_alerts = _alerts(
    "secret_scanning_alerts",
    (
        text("state", description="open or resolved."),
        text("resolution", description="false_positive, wont_fix, revoked, used_in_tests and so on."),
        timestamp("resolved_at", description="When it was resolved."),
        bigint("resolved_by_id", "resolved_by.id", "Who resolved it."),
        text("resolution_comment", description="What was said when it was resolved."),
        text("secret_type", description="Kind of secret, as a word of the interface."),
        text("secret_type_display_name", description="Kind of secret, for people."),
        text("validity", description="active, inactive or unknown."),
        boolean("is_publicly_leaked", "publicly_leaked", "It was found in a public place."),
        boolean("is_in_several_repositories", "multi_repo", "It was found in another repository, too."),
        boolean("push_protection_bypassed", description="Somebody pushed it although GitHub held it back."),
        timestamp("push_protection_bypassed_at", description="When."),
        bigint("push_protection_bypassed_by_id", "push_protection_bypassed_by.id", "Who."),
        text("path", "first_location_detected.path", "The file it was first found in."),
        timestamp("created_at", description="When the alert was raised."),
        timestamp("updated_at", "updated_at|created_at", "When it last changed."),
    ),
    "secret scanning alert",
    description="Secrets found in repositories: where and of what kind, never the secret, which is never asked for.",
    permission="Secret scanning alerts: read (of a whole organisation: owner or security manager)",
    actors=("resolved_by", "push_protection_bypassed_by"),
)


def _repository_of(record: Record) -> str | None:
    """owner/name out of https://api.github.com/repos/owner/name/security-advisories/GHSA-...."""
    for address in (record.item.get("url"), record.item.get("html_url")):
        steps = urlsplit(address or "").path.strip("/").split("/")
        while steps and steps[0] in ("api", "v3", "repos"):
            steps.pop(0)
        if len(steps) > 2:
            return "/".join(steps[:2])
    return None


_ADVISORY_ORG = bigint("org_id", "@id", "Numeric id of the organisation.", required=True)
_ADVISORY = text("ghsa_id", "@parent.ghsa_id", "GitHub's id of the advisory.", required=True)

repository_advisories = Dataset(
    Table(
        "repository_advisories",
        (
            _ADVISORY_ORG,
            text("ghsa_id", description="GitHub's id of the advisory.", required=True),
            text("repo_full_name", of=_repository_of, description="owner/name of the repository, out of its address."),
            text("cve_id", description="CVE of the advisory."),
            text("state", description="triage, draft, published, closed or withdrawn."),
            text("severity", description="low, medium, high or critical."),
            text("summary", description="One line on the advisory."),
            *long_text("description", description="The advisory."),
            decimal("cvss_v3_score", "cvss_severities.cvss_v3.score|cvss.score", "CVSS v3 base score."),
            decimal("cvss_v4_score", "cvss_severities.cvss_v4.score", "CVSS v4 base score."),
            bigint("author_id", "author.id", "Who wrote it."),
            bigint("publisher_id", "publisher.id", "Who published it."),
            timestamp("created_at", description="When it was begun."),
            timestamp("updated_at", description="When it last changed."),
            timestamp("published_at", description="When it was published."),
            timestamp("closed_at", description="When it was closed."),
            timestamp("withdrawn_at", description="When it was withdrawn."),
            text("html_url", description="Its page."),
        ),
        key=("ghsa_id",),
        hash_keys={
            "advisory_hk": ("ghsa_id",),
            "org_hk": ("org_id",),
            "link_org_advisory_hk": ("org_id", "ghsa_id"),
        },
        hash_diffs={
            "sat_repository_advisory": (
                "repo_full_name",
                "cve_id",
                "state",
                "severity",
                "summary",
                "description_md5",
                "cvss_v3_score",
                "cvss_v4_score",
                "author_id",
                "publisher_id",
                "created_at",
                "published_at",
                "closed_at",
                "withdrawn_at",
            ),
            "sat_repository_advisory_text": ("description", "description_length"),
        },
        description="One row per advisory of the organisation's repositories that changed (or was listed) and UTC day.",
    ),
    subject="security",
    # GitHub's items name their repository by address only, and no repository is known by an address.
    scope_kind=ScopeKind.organization,
    addressable=Addressable.since,
    needs=Needs.push,
    description="Vulnerabilities that the organisation's projects announce or prepare to announce.",
    permission="Repository security advisories: read (organisation owner or security manager)",
    classic_scope="repo",
    children=(
        Table(
            "repository_advisory_vulnerabilities",
            (
                _ADVISORY_ORG,
                _ADVISORY,
                bigint("rank", "@rank", "Place in the advisory, from 1.", required=True),
                text("package_ecosystem", "package.ecosystem", "Ecosystem."),
                text("package_name", "package.name", "Package."),
                text("vulnerable_version_range", description="Versions affected."),
                text("patched_versions", description="Versions without the fault."),
            ),
            key=("ghsa_id", "rank"),
            hash_keys={"advisory_hk": ("ghsa_id",)},
            hash_diffs={
                "ma_sat_repository_advisory_vulnerability": (
                    "rank",
                    "package_ecosystem",
                    "package_name",
                    "vulnerable_version_range",
                    "patched_versions",
                ),
            },
            each="vulnerabilities",
            description="One row per package of such an advisory and UTC day.",
        ),
        Table(
            "repository_advisory_credits",
            (
                _ADVISORY_ORG,
                _ADVISORY,
                bigint("user_id", "user.id", "Who is thanked.", required=True),
                text("type", description="analyst, finder, reporter, remediation_developer and so on."),
                text("state", description="accepted, declined or pending."),
            ),
            key=("ghsa_id", "user_id", "type"),
            hash_keys={"advisory_hk": ("ghsa_id",), "user_hk": ("user_id",)},
            hash_diffs={"ma_sat_repository_advisory_credit": ("user_id", "type", "state")},
            each="credits_detailed",
            description="One row per person such an advisory thanks and UTC day.",
        ),
    ),
    actors=("author", "publisher"),
)


_NEWEST = {"sort": "updated", "direction": "desc"}


def _of_org_then_repository(
    dataset: Dataset, path: str, params: Mapping[str, str], means: Mapping[str, Meaning], **more: Any
) -> AnswerSet:
    return AnswerSet(
        dataset.name,
        (dataset,),
        (
            RestRequest(
                f"/orgs/{{org}}/{path}",
                (dataset.name,),
                ScopeKind.organization,
                params,
                newest_first="updated_at",
                belongs_to="repository.id",
            ),
            RestRequest(
                f"/repos/{{repo}}/{path}",
                (dataset.name,),
                ScopeKind.repository,
                params,
                newest_first="updated_at",
                means=means,
            ),
        ),
        priority=4,
        cost="1 request per 100 changed alerts of an organisation",
        **more,
    )


ANSWER_SETS = (
    _of_org_then_repository(
        dependabot_alerts, "dependabot/alerts", _NEWEST, {}, switch=("has_vulnerability_alerts_enabled",)
    ),
    # Without an analysis, or with the feature off, GitHub says that there is nothing at that address.
    _of_org_then_repository(
        code_scanning_alerts,
        "code-scanning/alerts",
        _NEWEST,
        {"not_found": "disabled"},
        switch=("code_security", "advanced_security"),
    ),
    _of_org_then_repository(
        secret_scanning_alerts,
        "secret-scanning/alerts",
        {**_NEWEST, "hide_secret": "true"},
        {"not_found": "disabled"},
        switch=("secret_scanning",),
    ),
    AnswerSet(
        "repository_advisories",
        (repository_advisories,),
        (
            RestRequest(
                "/orgs/{org}/security-advisories",
                ("repository_advisories",),
                ScopeKind.organization,
                _NEWEST,
                newest_first="updated_at",
                means={"not_found": "forbidden"},
            ),
        ),
        priority=4,
        cost="1 request per 100 changed advisories of an organisation",
    ),
)
