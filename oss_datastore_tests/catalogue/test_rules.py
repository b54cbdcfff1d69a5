"""Branch protection rules and rulesets, as one GraphQL answer for many repositories gives them."""

from __future__ import annotations

from typing import Any

from oss_datastore_tests.catalogue.answers import at, parsed, rows, values

NODE: dict[str, Any] = {
    "__typename": "Repository",
    "id": "R_kgDOAA",
    "databaseId": 7,
    "branchProtectionRules": {
        "pageInfo": {"hasNextPage": False, "endCursor": None},
        "totalCount": 1,
        "nodes": [
            {
                "databaseId": 91,
                "pattern": "release/*",
                "isAdminEnforced": True,
                "requiresApprovingReviews": True,
                "requiredApprovingReviewCount": 2,
                "requiresCodeOwnerReviews": False,
                "requireLastPushApproval": False,
                "dismissesStaleReviews": True,
                "requiresStatusChecks": True,
                "requiresStrictStatusChecks": True,
                "requiredStatusCheckContexts": ["test", "lint"],
                "requiresConversationResolution": False,
                "requiresCommitSignatures": False,
                "requiresLinearHistory": True,
                "restrictsPushes": False,
                "allowsForcePushes": False,
                "allowsDeletions": False,
                "lockBranch": False,
                "creator": {"__typename": "User", "login": "ada", "databaseId": 3},
            }
        ],
    },
    "rulesets": {
        "pageInfo": {"hasNextPage": False, "endCursor": None},
        "totalCount": 1,
        "nodes": [
            {
                "databaseId": 55,
                "name": "default branch",
                "target": "BRANCH",
                "enforcement": "ACTIVE",
                "createdAt": "2026-01-02T03:04:05Z",
                "updatedAt": "2026-02-02T03:04:05Z",
                "source": {"__typename": "Organization", "databaseId": 9},
                "conditions": {"refName": {"include": ["~DEFAULT_BRANCH", "refs/heads/main"], "exclude": []}},
                "rules": {
                    "nodes": [
                        {"id": "RRU_1", "type": "DELETION", "parameters": None},
                        {
                            "id": "RRU_2",
                            "type": "PULL_REQUEST",
                            "parameters": {
                                "requiredApprovingReviewCount": 1,
                                "requireCodeOwnerReview": True,
                                "requireLastPushApproval": False,
                                "dismissStaleReviewsOnPush": False,
                                "requiredReviewThreadResolution": True,
                            },
                        },
                        {
                            "id": "RRU_3",
                            "type": "REQUIRED_STATUS_CHECKS",
                            "parameters": {
                                "requiredStatusChecks": [{"context": "test"}, {"context": "lint"}],
                                "strictRequiredStatusChecksPolicy": True,
                            },
                        },
                    ]
                },
            }
        ],
    },
}
ANSWER = {"data": {"nodes": [NODE]}}


def test_a_branch_protection_rule_is_a_row() -> None:
    found = parsed("branch_rules", ANSWER, "data", "nodes", 0, "branchProtectionRules", "nodes")
    assert rows(found, "branch_rules") == [
        {
            "repo_id": 7,
            "branch_rule_id": 91,
            "pattern": "release/*",
            "is_admin_enforced": True,
            "requires_approving_reviews": True,
            "required_approving_review_count": 2,
            "requires_code_owner_reviews": False,
            "require_last_push_approval": False,
            "dismisses_stale_reviews": True,
            "requires_status_checks": True,
            "requires_strict_status_checks": True,
            "required_status_checks": "lint,test",
            "requires_conversation_resolution": False,
            "requires_commit_signatures": False,
            "requires_linear_history": True,
            "restricts_pushes": False,
            "allows_force_pushes": False,
            "allows_deletions": False,
            "lock_branch": False,
            "creator_id": 3,
        }
    ]
    assert [row["login"] for row in found.rows["actors"]] == ["ada"]


def test_a_ruleset_is_a_row_and_each_of_its_rules_another() -> None:
    found = parsed("rulesets", ANSWER, "data", "nodes", 0, "rulesets", "nodes")
    assert rows(found, "rulesets") == [
        {
            "repo_id": 7,
            "ruleset_id": 55,
            "name": "default branch",
            "target": "branch",
            "enforcement": "active",
            "source_kind": "organization",
            "source_id": 9,
            "included_refs": "refs/heads/main,~DEFAULT_BRANCH",
            "excluded_refs": "",
            "created_at": at("2026-01-02T03:04:05"),
            "updated_at": at("2026-02-02T03:04:05"),
        }
    ]
    assert values(found, "ruleset_rules") == [
        (7, 55, "RRU_1", "deletion", None, None, None, None, None, None, None),
        (7, 55, "RRU_2", "pull_request", 1, True, False, False, True, None, None),
        (7, 55, "RRU_3", "required_status_checks", None, None, None, None, None, "lint,test", True),
    ]
