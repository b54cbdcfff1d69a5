"""What protects branches and tags: branch protection rules, and rulesets with their rules.

By GraphQL alone: REST tells which branches are protected, but neither the patterns nor, in a list, the rules.
"""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    GraphPart,
    GraphRequest,
    Needs,
    ScopeKind,
    Table,
    bigint,
    boolean,
    text,
    timestamp,
)

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)


def _lower(value: Any) -> str:
    return str(value).lower()


def _sorted(value: Any) -> str:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, came {type(value).__name__}")
    return ",".join(sorted(str(one["context"] if isinstance(one, dict) else one) for one in value))


_PROTECTION: tuple[Column, ...] = (
    text("pattern", description="The branches it is about, as a glob.", required=True),
    boolean("is_admin_enforced", "isAdminEnforced", "It binds administrators as well."),
    boolean("requires_approving_reviews", "requiresApprovingReviews", "Reviews must approve."),
    bigint("required_approving_review_count", "requiredApprovingReviewCount", "How many of them."),
    boolean("requires_code_owner_reviews", "requiresCodeOwnerReviews", "A code owner must approve."),
    boolean("require_last_push_approval", "requireLastPushApproval", "The last push needs somebody else's approval."),
    boolean("dismisses_stale_reviews", "dismissesStaleReviews", "A push takes approvals away."),
    boolean("requires_status_checks", "requiresStatusChecks", "Checks must pass."),
    boolean("requires_strict_status_checks", "requiresStrictStatusChecks", "On a branch that is up to date."),
    text("required_status_checks", "requiredStatusCheckContexts", "Which checks, sorted.", via=_sorted),
    boolean("requires_conversation_resolution", "requiresConversationResolution", "Threads must be resolved."),
    boolean("requires_commit_signatures", "requiresCommitSignatures", "Commits must be signed."),
    boolean("requires_linear_history", "requiresLinearHistory", "No merge commits."),
    boolean("restricts_pushes", "restrictsPushes", "Only some may push."),
    boolean("allows_force_pushes", "allowsForcePushes", "History may be rewritten."),
    boolean("allows_deletions", "allowsDeletions", "The branch may be deleted."),
    boolean("lock_branch", "lockBranch", "Nobody may push."),
)

branch_rules = Dataset(
    Table(
        "branch_rules",
        (
            _REPO,
            bigint("branch_rule_id", "databaseId", "GitHub's numeric id of the rule.", required=True),
            *_PROTECTION,
            bigint("creator_id", "creator.databaseId", "Who made it."),
        ),
        key=("branch_rule_id",),
        hash_keys={"repo_hk": ("repo_id",), "link_repo_branch_rule_hk": ("repo_id", "branch_rule_id")},
        hash_diffs={"sat_repo_branch_rule": (*(column.name for column in _PROTECTION), "creator_id")},
        description="One row per branch protection rule and UTC day.",
    ),
    subject="rules",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.push,
    description="Branch protection rules: what a branch must have before it may change.",
    permission="Administration: read",
    classic_scope="repo",
    actors=("creator",),
)

_RULE: tuple[Column, ...] = (
    bigint("required_approving_review_count", "parameters.requiredApprovingReviewCount", "Approvals needed."),
    boolean("requires_code_owner_reviews", "parameters.requireCodeOwnerReview", "A code owner must approve."),
    boolean("require_last_push_approval", "parameters.requireLastPushApproval", "By another than who pushed last."),
    boolean("dismisses_stale_reviews", "parameters.dismissStaleReviewsOnPush", "A push takes approvals away."),
    boolean("requires_conversation_resolution", "parameters.requiredReviewThreadResolution", "Threads are resolved."),
    text("required_status_checks", "parameters.requiredStatusChecks", "Which checks must pass, sorted.", via=_sorted),
    boolean("requires_strict_status_checks", "parameters.strictRequiredStatusChecksPolicy", "On an updated branch."),
)

rulesets = Dataset(
    Table(
        "rulesets",
        (
            _REPO,
            bigint("ruleset_id", "databaseId", "GitHub's numeric id of the ruleset.", required=True),
            text("name", description="Name."),
            text("target", description="branch, tag, push or repository.", via=_lower),
            text("enforcement", description="active, disabled or evaluate (a trial).", via=_lower),
            text(
                "source_kind", "source.__typename", "Repository, Organization or Enterprise: whose it is.", via=_lower
            ),
            bigint("source_id", "source.databaseId", "Numeric id of the owner."),
            text("included_refs", "conditions.refName.include", "Globs of refs it is about, sorted.", via=_sorted),
            text("excluded_refs", "conditions.refName.exclude", "Globs of refs it is not about, sorted.", via=_sorted),
            timestamp("created_at", "createdAt", "When it was made."),
            timestamp("updated_at", "updatedAt", "When it last changed."),
        ),
        # An organisation's ruleset binds many repositories.
        key=("repo_id", "ruleset_id"),
        hash_keys={"repo_hk": ("repo_id",), "link_repo_ruleset_hk": ("repo_id", "ruleset_id")},
        hash_diffs={
            "sat_repo_ruleset": (
                "name",
                "target",
                "enforcement",
                "source_kind",
                "source_id",
                "included_refs",
                "excluded_refs",
                "created_at",
            ),
        },
        description="One row per repository, ruleset that binds it and UTC day.",
    ),
    subject="rules",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Rulesets that bind a repository, those of its organisation and enterprise included.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
    children=(
        Table(
            "ruleset_rules",
            (
                _REPO,
                bigint("ruleset_id", "@parent.databaseId", "Numeric id of the ruleset.", required=True),
                text("rule_node_id", "id", "GraphQL node id of the rule; it has no number.", required=True),
                text("rule_type", "type", "pull_request, required_signatures, deletion and so on.", via=_lower),
                *_RULE,
            ),
            key=("repo_id", "ruleset_id", "rule_node_id"),
            hash_keys={"repo_hk": ("repo_id",), "link_repo_ruleset_hk": ("repo_id", "ruleset_id")},
            hash_diffs={"ma_sat_repo_ruleset_rule": ("rule_type", *(column.name for column in _RULE))},
            each="rules.nodes",
            description="One row per repository, rule of a ruleset that binds it and UTC day.",
        ),
    ),
)

ANSWER_SETS = (
    AnswerSet(
        "branch_rules",
        (branch_rules, rulesets),
        (
            GraphRequest(
                "repository_rules",
                "nodes",
                ScopeKind.repository,
                50,
                (
                    GraphPart(
                        "branch_rules",
                        scope_each=True,
                        path="branchProtectionRules.nodes",
                        inner="branchProtectionRules",
                        overflow="branch_rules_of_one",
                    ),
                    GraphPart(
                        "rulesets",
                        scope_each=True,
                        path="rulesets.nodes",
                        inner="rulesets",
                        overflow="rulesets_of_one",
                    ),
                ),
                batch=True,
                list_size=5,
            ),
        ),
        priority=6,
        cost="4 points per 50 repositories",
    ),
)
