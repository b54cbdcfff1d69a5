"""Who may push where, in the graph: branch protection rules, rulesets and deploy keys."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v4.base import Connection, Plain, Problem
from oss_datastore.simulator.v4.of_accounts import OrganizationNode, actor, forbidden
from oss_datastore.simulator.world import Org
from oss_datastore.simulator.world.deploy_keys import DeployKey, deploy_keys
from oss_datastore.simulator.world.dice import iso
from oss_datastore.simulator.world.rules import Protection, Rule, Ruleset, protections, rulesets


def administered(node: Any) -> None:
    """Refuses those who do not administer a repository. `node` is the repository's, here and below."""
    if not node.call.may(node.repository, "admin"):
        raise Problem("FORBIDDEN", "Must have admin rights to Repository.", saml=False)
    if "administration" in node.call.token.without:
        raise forbidden(node.call)


def key_list(node: Any, paging: dict[str, Any]) -> Connection:
    """Its deploy keys; they are for administrators."""
    administered(node)
    return Connection(deploy_keys(node.repository, node.now), lambda key: _key(node, key), paging)


def _key(node: Any, key: DeployKey) -> Plain:
    return Plain(
        node.call,
        "DeployKey",
        id=node_id("DK", node.repository.id, key.id),
        title=key.title,
        key=key.key,
        read_only=key.read_only,
        verified=True,
        enabled=key.enabled,
        created_at=iso(key.created),
    )


def protection_list(node: Any, paging: dict[str, Any]) -> Connection:
    """Its branch protection rules; they are for administrators."""
    administered(node)
    return Connection(protections(node.repository, node.now), lambda rule: protection_node(node, rule), paging)


def protection_node(node: Any, rule: Protection) -> Plain:
    """One branch protection rule."""
    branch = node.default_branch_ref() if rule.pattern == "main" else None
    never: dict[str, Any] = dict.fromkeys(
        (
            "blocks_creations",
            "lock_branch",
            "lock_allows_fetch_and_merge",
            "require_last_push_approval",
            "requires_deployments",
            "restricts_pushes",
            "restricts_review_dismissals",
        ),
        False,
    )
    return Plain(
        node.call,
        "BranchProtectionRule",
        id=node_id("BPR", node.repository.id, rule.id),
        database_id=rule.id,
        pattern=rule.pattern,
        creator=actor(node.call, rule.creator),
        repository=node,
        **never,
        allows_deletions=rule.deletions,
        allows_force_pushes=rule.force_pushes,
        dismisses_stale_reviews=rule.stale,
        is_admin_enforced=rule.admins,
        requires_approving_reviews=rule.reviews > 0,
        required_approving_review_count=rule.reviews if rule.reviews else None,
        requires_code_owner_reviews=rule.code_owners,
        requires_commit_signatures=rule.signatures,
        requires_conversation_resolution=rule.conversations,
        requires_linear_history=rule.linear,
        requires_status_checks=bool(rule.checks),
        requires_strict_status_checks=bool(rule.checks) and rule.strict,
        required_status_check_contexts=list(rule.checks),
        required_status_checks=[
            Plain(node.call, "RequiredStatusCheckDescription", context=context) for context in rule.checks
        ],
        required_deployment_environments=[],
        matching_refs=lambda **paging: Connection([branch] if branch else [], lambda ref: ref, paging),
    )


def ruleset_list(node: Any, include_parents: bool, paging: dict[str, Any]) -> Connection:
    """Its rulesets, its organisation's among them unless they are not wanted."""
    found = [each for each in rulesets(node.repository, node.now) if include_parents or each.owner is node.repository]
    return Connection(found, lambda each: ruleset_node(node, each), paging)


def ruleset_node(node: Any, ruleset: Ruleset) -> Plain:
    """One ruleset. `node` is the node of the repository or organisation that was asked."""
    call, owner = node.call, ruleset.owner
    names = Plain(call, "RefNameConditionTarget", include=list(ruleset.include), exclude=list(ruleset.exclude))
    found = Plain(
        call,
        "RepositoryRuleset",
        id=node_id("RRS", ruleset.id),
        database_id=ruleset.id,
        name=ruleset.name,
        enforcement=ruleset.enforcement,
        target=ruleset.target,
        source=OrganizationNode(call, owner) if isinstance(owner, Org) else node,
        conditions=Plain(call, "RepositoryRuleConditions", ref_name=names),
        created_at=iso(ruleset.created),
        updated_at=iso(ruleset.updated),
    )
    bypass = Plain(
        call,
        "RepositoryRulesetBypassActor",
        id=node_id("RRBA", ruleset.id, 1),
        bypass_mode="ALWAYS",
        deploy_key=False,
        enterprise_owner=False,
        organization_admin=True,
        repository_role_database_id=None,
        repository_role_name=None,
        repository_ruleset=found,
    )
    # Who may pass by is told to those alone who may change the rule.
    seen = [bypass] if node.viewer_can_administer else []
    found.__dict__["bypass_actors"] = lambda **paging: Connection(seen, lambda each: each, paging)
    found.__dict__["rules"] = lambda type=None, **paging: Connection(
        [rule for rule in ruleset.rules if type in (None, rule.kind)], lambda rule: _rule(found, rule), paging
    )
    return found


def _rule(ruleset: Plain, rule: Rule) -> Plain:
    call = ruleset.call
    parameters: Plain | None = None
    if rule.kind == "PULL_REQUEST":
        parameters = Plain(
            call,
            "PullRequestParameters",
            allowed_merge_methods=["MERGE", "SQUASH"],
            dismiss_stale_reviews_on_push=rule.code_owners,
            require_code_owner_review=rule.code_owners,
            require_last_push_approval=False,
            required_approving_review_count=rule.reviews,
            required_review_thread_resolution=True,
        )
    elif rule.kind == "REQUIRED_STATUS_CHECKS":
        parameters = Plain(
            call,
            "RequiredStatusChecksParameters",
            do_not_enforce_on_create=False,
            strict_required_status_checks_policy=False,
            required_status_checks=[
                Plain(call, "StatusCheckConfiguration", context=context, integration_id=None) for context in rule.checks
            ],
        )
    elif rule.kind == "UPDATE":
        parameters = Plain(call, "UpdateParameters", update_allows_fetch_and_merge=False)
    return Plain(
        call,
        "RepositoryRule",
        id=node_id("RRU", rule.id),
        type=rule.kind,
        parameters=parameters,
        repository_ruleset=ruleset,
    )
