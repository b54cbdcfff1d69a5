"""Organisations and their repositories: identity, settings, counters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    GraphPart,
    GraphRequest,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    long_text,
    text,
    timestamp,
)


def _topics(record: Record) -> str | None:
    item = record.item
    if isinstance(item.get("topics"), list):
        names = [str(t) for t in item["topics"]]
    else:
        nodes: list[Any] = (item.get("repositoryTopics") or {}).get("nodes") or []
        names = [n["topic"]["name"] for n in nodes if n and n.get("topic")]
    return ",".join(sorted(names)) or None


def _has(name: str) -> Callable[[Record], bool | None]:
    """Whether an object is there; nothing is known where the answer does not speak of it."""

    def is_there(record: Record) -> bool | None:
        return record.item[name] is not None if name in record.item else None

    return is_there


def _visibility(record: Record) -> str | None:
    value = record.item.get("visibility")
    if value is None and "private" in record.item:
        value = "private" if record.item["private"] else "public"
    return str(value).lower() if value is not None else None


organizations = Dataset(
    Table(
        "organizations",
        (
            bigint("org_id", "id", "GitHub's numeric id of the organisation.", required=True),
            text("node_id", description="GraphQL node id."),
            text("login", description="The organisation's login now; an attribute, since logins change."),
            text("name", description="Display name."),
            *long_text("description", description="What the organisation says of itself."),
            text("blog", description="Web address shown on the profile."),
            text("location", description="Location shown on the profile."),
            boolean("is_verified", description="Domain ownership was proved to GitHub."),
            bigint("public_repos", description="Public repositories."),
            bigint("total_private_repos", description="Private repositories, where the token may know."),
            bigint("followers", description="Followers."),
            text("default_repository_permission", description="Base permission of members; owners see it."),
            boolean("members_can_create_repositories", description="Owners see it."),
            boolean("two_factor_requirement_enabled", description="Owners see it."),
            timestamp("created_at", description="When the organisation was created."),
            timestamp("updated_at", description="When its profile last changed."),
            timestamp("archived_at", description="When it was archived."),
        ),
        key=("org_id",),
        hash_keys={"org_hk": ("org_id",)},
        hash_diffs={
            "sat_org": (
                "node_id",
                "login",
                "name",
                "description",
                "description_md5",
                "blog",
                "location",
                "is_verified",
                "default_repository_permission",
                "members_can_create_repositories",
                "two_factor_requirement_enabled",
                "created_at",
                "archived_at",
            ),
            "sat_org_counter": ("public_repos", "total_private_repos", "followers"),
        },
        description="One row per organisation and UTC day.",
    ),
    subject="repositories",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="The organisation itself: name, base permission, two-factor policy.",
    is_object=True,
    permission="Metadata: read (policies: organisation owner)",
    classic_scope="read:org (admin:org for policies)",
)

repositories = Dataset(
    Table(
        "repositories",
        (
            bigint("repo_id", "databaseId|id", "GitHub's numeric id of the repository.", required=True),
            bigint("org_id", "@id", "Numeric id of the organisation whose list it stood in.", required=True),
            text("node_id", "node_id|id", "GraphQL node id."),
            text("name", description="Name without owner."),
            text("full_name", "nameWithOwner|full_name", "owner/name now; an attribute, since names change."),
            *long_text("description", description="The line under the name."),
            text("homepage_url", "homepageUrl|homepage", "Web address of the project."),
            text("visibility", of=_visibility, description="public, private or internal."),
            boolean("is_private", "isPrivate|private", "Not readable by everybody."),
            boolean("is_fork", "isFork|fork", "Forked from another repository."),
            boolean("is_archived", "isArchived|archived", "Read-only."),
            boolean("is_disabled", "isDisabled|disabled", "Disabled by GitHub."),
            boolean("is_template", "isTemplate|is_template", "Usable as a template."),
            boolean("is_mirror", "isMirror", "Mirror of a repository elsewhere."),
            boolean("is_empty", "isEmpty", "Has no commit yet."),
            timestamp("created_at", "createdAt|created_at", "When it was created."),
            timestamp("settings_updated_at", "updatedAt|updated_at", "GitHub's updated time: not moved by issues."),
            timestamp("pushed_at", "pushedAt|pushed_at", "Last push to any branch."),
            timestamp("archived_at", "archivedAt", "When it was archived."),
            bigint("disk_usage_kb", "diskUsage|size", "Size on GitHub's disk, kB."),
            bigint("stargazers_count", "stargazerCount|stargazers_count", "Stars."),
            bigint("forks_count", "forkCount|forks_count", "Forks."),
            bigint(
                "subscribers_count",
                "watchers.totalCount|subscribers_count",
                "Watchers in the interface's sense. REST's watchers_count is stars and is not used.",
            ),
            bigint("open_issues_count", "openIssues.totalCount", "Open issues without pull requests."),
            bigint("issues_count", "allIssues.totalCount", "Issues, open and closed."),
            bigint("open_pull_requests_count", "openPullRequests.totalCount", "Open pull requests."),
            bigint("pull_requests_count", "allPullRequests.totalCount", "Pull requests in any state."),
            bigint(
                "open_issues_and_pull_requests_count",
                "open_issues_count",
                "REST's open_issues_count: both kinds.",
            ),
            timestamp(
                "issues_updated_at",
                "allIssues.nodes.0.updatedAt",
                "Latest update of an issue: the change probe.",
            ),
            timestamp(
                "pull_requests_updated_at",
                "allPullRequests.nodes.0.updatedAt",
                "Latest update of a pull request: the change probe.",
            ),
            bigint("releases_count", "releases.totalCount", "Releases, drafts among them where the token sees them."),
            timestamp(
                "latest_release_at",
                "releases.nodes.0.publishedAt|releases.nodes.0.createdAt",
                "When the newest release was published.",
            ),
            bigint("discussions_count", "discussions.totalCount", "Discussions."),
            timestamp(
                "discussions_updated_at",
                "discussions.nodes.0.updatedAt",
                "Latest update of a discussion: the change probe.",
            ),
            text("primary_language", "primaryLanguage.name|language", "Language with the most bytes."),
            text("license_spdx_id", "licenseInfo.spdxId|license.spdx_id", "SPDX id of the detected licence."),
            text("topics", of=_topics, description="Topics, sorted, separated by commas."),
            text("default_branch", "defaultBranchRef.name|default_branch", "Default branch."),
            text("default_branch_sha", "defaultBranchRef.target.oid", "Commit at its tip."),
            boolean("has_issues_enabled", "hasIssuesEnabled|has_issues", "Issues are on."),
            boolean(
                "has_pull_requests_enabled",
                "has_pull_requests",
                "Pull requests are on; told by REST only.",
            ),
            boolean("has_projects_enabled", "hasProjectsEnabled|has_projects", "Projects are on."),
            boolean("has_wiki_enabled", "hasWikiEnabled|has_wiki", "The wiki is on."),
            boolean("has_discussions_enabled", "hasDiscussionsEnabled|has_discussions", "Discussions are on."),
            boolean(
                "has_vulnerability_alerts_enabled",
                "hasVulnerabilityAlertsEnabled",
                "Dependabot alerts are on; null where the token may not know.",
            ),
            boolean("is_security_policy_enabled", "isSecurityPolicyEnabled", "Has a security policy."),
            text("code_of_conduct", "codeOfConduct.key|code_of_conduct.key", "Key of the code of conduct."),
            boolean("delete_branch_on_merge", "deleteBranchOnMerge|delete_branch_on_merge", "Head branches go."),
            boolean("merge_commit_allowed", "mergeCommitAllowed|allow_merge_commit", "Merge commits allowed."),
            boolean("squash_merge_allowed", "squashMergeAllowed|allow_squash_merge", "Squash merges allowed."),
            boolean("rebase_merge_allowed", "rebaseMergeAllowed|allow_rebase_merge", "Rebase merges allowed."),
            boolean("forking_allowed", "forkingAllowed|allow_forking", "Private forks allowed."),
            bigint("parent_repo_id", "parent.databaseId|parent.id", "The repository it was forked from."),
            boolean(
                "has_contributing_guidelines",
                of=_has("contributingGuidelines"),
                description="Has contributing guidelines, its own or its owner's; told by GraphQL only.",
            ),
            bigint("issue_templates_count", "issueTemplates", "Issue templates; told by GraphQL only.", via=len),
            bigint(
                "pull_request_templates_count",
                "pullRequestTemplates",
                "Pull request templates; told by GraphQL only.",
                via=len,
            ),
            boolean(
                "has_funding_links",
                "fundingLinks",
                "Names ways to give money; told by GraphQL only.",
                via=bool,
            ),
            boolean(
                "is_commit_signoff_required",
                "webCommitSignoffRequired|web_commit_signoff_required",
                "Commits made in the browser must be signed off.",
            ),
            boolean("auto_merge_allowed", "autoMergeAllowed|allow_auto_merge", "Merging by itself allowed."),
            boolean("branch_update_allowed", "allowUpdateBranch|allow_update_branch", "Updates of head branches."),
        ),
        key=("repo_id",),
        hash_keys={
            "repo_hk": ("repo_id",),
            "org_hk": ("org_id",),
            "link_org_repo_hk": ("org_id", "repo_id"),
            "license_hk": ("license_spdx_id",),
            "link_repo_license_hk": ("repo_id", "license_spdx_id"),
        },
        hash_diffs={
            "sat_repo": (
                "node_id",
                "name",
                "full_name",
                "description",
                "description_md5",
                "homepage_url",
                "visibility",
                "is_private",
                "is_fork",
                "is_archived",
                "is_disabled",
                "is_template",
                "is_mirror",
                "is_empty",
                "created_at",
                "archived_at",
                "primary_language",
                "license_spdx_id",
                "topics",
                "default_branch",
                "has_issues_enabled",
                "has_projects_enabled",
                "has_wiki_enabled",
                "has_discussions_enabled",
                "has_vulnerability_alerts_enabled",
                "is_security_policy_enabled",
                "code_of_conduct",
                "delete_branch_on_merge",
                "merge_commit_allowed",
                "squash_merge_allowed",
                "rebase_merge_allowed",
                "forking_allowed",
                "parent_repo_id",
            ),
            "sat_repo_counter": (
                "stargazers_count",
                "forks_count",
                "subscribers_count",
                "open_issues_count",
                "issues_count",
                "open_pull_requests_count",
                "pull_requests_count",
                "open_issues_and_pull_requests_count",
                "disk_usage_kb",
            ),
            "sat_repo_activity": (
                "pushed_at",
                "settings_updated_at",
                "issues_updated_at",
                "pull_requests_updated_at",
                "default_branch_sha",
            ),
            "sat_repo_content": (
                "releases_count",
                "latest_release_at",
                "discussions_count",
                "discussions_updated_at",
            ),
            "sat_repo_policy": (
                "has_pull_requests_enabled",
                "has_contributing_guidelines",
                "issue_templates_count",
                "pull_request_templates_count",
                "has_funding_links",
                "is_commit_signoff_required",
                "auto_merge_allowed",
                "branch_update_allowed",
            ),
        },
        description="One row per repository in an organisation's list and UTC day.",
    ),
    subject="repositories",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Every repository of the organisation with its settings, policies and counters.",
    permission="Metadata: read (Administration: read for merge settings)",
    classic_scope="repo (for private repositories)",
)


def _status(name: str, description: str) -> Column:
    return text(name, f"security_and_analysis.{name}.status", f"{description}: enabled or disabled.")


repository_security_settings = Dataset(
    Table(
        "repository_security_settings",
        (
            bigint("repo_id", "id", "GitHub's numeric id of the repository.", required=True),
            boolean(
                "is_visible",
                of=lambda record: record.item.get("security_and_analysis") is not None,
                description="GitHub shows them to admins, owners and security managers; else all is null, not off.",
            ),
            boolean("has_pull_requests_enabled", "has_pull_requests", "Pull requests are on; everybody may see it."),
            _status("advanced_security", "Advanced Security"),
            _status("code_security", "Code Security"),
            _status("dependabot_security_updates", "Pull requests of Dependabot that repair what is vulnerable"),
            _status("secret_scanning", "Secret scanning"),
            _status("secret_scanning_push_protection", "Pushes that hold a secret are refused"),
            _status("secret_scanning_non_provider_patterns", "Search for secrets of no known provider"),
            _status("secret_scanning_ai_detection", "Search for passwords in free text"),
            _status("secret_scanning_delegated_alert_dismissal", "Dismissing an alert needs another's consent"),
            _status("secret_scanning_delegated_bypass", "Passing the push protection needs another's consent"),
        ),
        key=("repo_id",),
        hash_keys={"repo_hk": ("repo_id",)},
        hash_diffs={
            "sat_repo_security_settings": (
                "is_visible",
                "advanced_security",
                "code_security",
                "dependabot_security_updates",
                "secret_scanning",
                "secret_scanning_push_protection",
                "secret_scanning_non_provider_patterns",
                "secret_scanning_ai_detection",
                "secret_scanning_delegated_alert_dismissal",
                "secret_scanning_delegated_bypass",
                "has_pull_requests_enabled",
            ),
        },
        description="One row per repository and UTC day.",
    ),
    subject="repositories",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Which security features, and whether pull requests, are switched on; GraphQL does not tell.",
    permission="Metadata: read, by an admin of the repository, an owner or a security manager",
    classic_scope="repo",
)

repository_languages = Dataset(
    Table(
        "repository_languages",
        (
            bigint("repo_id", "@id", "Numeric id of the repository.", required=True),
            text("language", "node.name|key", "The language.", required=True),
            bigint("bytes", "size|value", "Bytes of code in that language on the default branch.", required=True),
        ),
        key=("repo_id", "language"),
        hash_keys={"repo_hk": ("repo_id",)},
        hash_diffs={"ma_sat_repo_language": ("language", "bytes")},
        each="@entries",
        description="One row per repository, language found in it and UTC day.",
    ),
    subject="repositories",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Languages of the default branch by bytes, as GitHub measures them.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
)

ANSWER_SETS = (
    AnswerSet(
        "organizations",
        (organizations,),
        (RestRequest("/orgs/{org}", ("organizations",), ScopeKind.organization, paged=False),),
        priority=0,
        cost="1 request per organisation",
    ),
    AnswerSet(
        "repositories",
        (repositories,),
        (
            GraphRequest(
                "repositories",
                "organization.repositories",
                ScopeKind.organization,
                50,
                (GraphPart("repositories"),),
            ),
            RestRequest(
                "/orgs/{org}/repos",
                ("repositories",),
                ScopeKind.organization,
                {"type": "all"},
                # Whether the organisation is gone is for `organizations` to say; its list is asked for again.
                means={"not_found": "forbidden", "gone": "forbidden", "blocked": "forbidden"},
            ),
        ),
        priority=1,
        cost="4 points per 50 repositories",
    ),
    AnswerSet(
        "repository_security_settings",
        (repository_security_settings,),
        (
            RestRequest(
                "/orgs/{org}/repos",
                ("repository_security_settings",),
                ScopeKind.organization,
                {"type": "all"},
                belongs_to="id",
            ),
        ),
        priority=1,
        cost="1 request per 100 repositories",
    ),
)
