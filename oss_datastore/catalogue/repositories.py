"""Organisations and their repositories: identity, settings, counters."""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
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
                "lastIssue.nodes.0.updatedAt",
                "Latest update of an issue: the change probe.",
            ),
            timestamp(
                "pull_requests_updated_at",
                "lastPullRequest.nodes.0.updatedAt",
                "Latest update of a pull request: the change probe.",
            ),
            text("primary_language", "primaryLanguage.name|language", "Language with the most bytes."),
            text("license_spdx_id", "licenseInfo.spdxId|license.spdx_id", "SPDX id of the detected licence."),
            text("topics", of=_topics, description="Topics, sorted, separated by commas."),
            text("default_branch", "defaultBranchRef.name|default_branch", "Default branch."),
            text("default_branch_sha", "defaultBranchRef.target.oid", "Commit at its tip."),
            boolean("has_issues_enabled", "hasIssuesEnabled|has_issues", "Issues are on."),
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
        ),
        key=("repo_id",),
        hash_keys={
            "repo_hk": ("repo_id",),
            "org_hk": ("org_id",),
            "link_org_repo_hk": ("org_id", "repo_id"),
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
        },
        description="One row per repository in an organisation's list and UTC day.",
    ),
    subject="repositories",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Every repository of the organisation with its settings, policies and counters.",
    permission="Metadata: read (Administration: read for merge settings)",
)

ANSWER_SETS = (
    AnswerSet(
        "organizations",
        (organizations,),
        (RestRequest("/orgs/{org}", ("organizations",), ScopeKind.organization, paged=False),),
        priority=0,
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
            RestRequest("/orgs/{org}/repos", ("repositories",), ScopeKind.organization, {"type": "all"}),
        ),
        priority=1,
    ),
)
