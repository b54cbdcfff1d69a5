"""Who belongs to an organisation: members, outside collaborators and who was invited."""

from __future__ import annotations

from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    GraphPart,
    GraphRequest,
    Meaning,
    Needs,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    text,
    timestamp,
)

ORG = bigint("org_id", "@id", "Numeric id of the organisation.", required=True)
USER = bigint("user_id", "node.databaseId|databaseId|id", "Numeric id of the account.", required=True)

HIDDEN: dict[str, Meaning] = {"not_found": "forbidden"}
"""Whom GitHub will not show who has access it tells that there is no such list; what is gone its own list says."""


def lower(value: Any) -> str:
    """GraphQL shouts what REST says."""
    return str(value).lower()


_TWO_FACTOR = boolean(
    "two_factor_enabled",
    "hasTwoFactorEnabled",
    "Two-factor authentication is on; null where the token may not know.",
)

members = Dataset(
    Table(
        "members",
        (
            ORG,
            USER,
            text("role", "role|@context.role", "member or admin (an owner).", via=lower),
            _TWO_FACTOR,
        ),
        key=("org_id", "user_id"),
        hash_keys={"org_hk": ("org_id",), "user_hk": ("user_id",), "link_org_user_hk": ("org_id", "user_id")},
        hash_diffs={"sat_org_user": ("role", "two_factor_enabled")},
        description="One row per member of the organisation and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="Members of the organisation with role and, for owners, two-factor state.",
    permission="Members: read (whole list and two-factor state: organisation owner)",
    classic_scope="read:org",
    actors=("node", "@item"),
)

outside_collaborators = Dataset(
    Table(
        "outside_collaborators",
        (ORG, USER),
        key=("org_id", "user_id"),
        hash_keys={
            "org_hk": ("org_id",),
            "user_hk": ("user_id",),
            "link_org_user_outside_hk": ("org_id", "user_id"),
        },
        description="One row per outside collaborator of the organisation and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="People who are no members and have access to a repository of the organisation.",
    permission="Members: read (organisation owner)",
    classic_scope="read:org",
    actors=("@item",),
)

outside_collaborators_without_two_factor = Dataset(
    Table(
        "outside_collaborators_without_two_factor",
        (ORG, USER),
        key=("org_id", "user_id"),
        hash_keys={
            "org_hk": ("org_id",),
            "user_hk": ("user_id",),
            "link_org_user_outside_hk": ("org_id", "user_id"),
        },
        description="One row per outside collaborator without two-factor authentication and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="Those outside collaborators who have no two-factor authentication; GitHub tells it by a list alone.",
    permission="Members: read (organisation owner)",
    classic_scope="read:org",
    actors=("@item",),
)

_INVITATION = bigint("invitation_id", "id", "GitHub's numeric id of the invitation.", required=True)


def _invitations(name: str, what: str, description: str, *more: Column) -> Dataset:
    return Dataset(
        Table(
            name,
            (
                ORG,
                _INVITATION,
                text("role", description="direct_member, admin, billing_manager or hiring_manager."),
                text("invitation_source", description="member or scim."),
                bigint("inviter_id", "inviter.id", "Who invited."),
                bigint("team_count", description="Teams the invitation is for."),
                timestamp("created_at", description="When it was sent."),
                *more,
            ),
            key=("invitation_id",),
            hash_keys={"org_hk": ("org_id",), "inviter_hk": ("inviter_id",)},
            hash_diffs={
                f"ma_sat_org_{name.removesuffix('s')}": (
                    "invitation_id",
                    "role",
                    "invitation_source",
                    "inviter_id",
                    "team_count",
                    "created_at",
                    *(column.name for column in more),
                ),
            },
            description=f"One row per {what} of the organisation and UTC day.",
        ),
        subject="people",
        scope_kind=ScopeKind.organization,
        addressable=Addressable.snapshot,
        needs=Needs.push,
        description=description,
        permission="Members: read (organisation owner)",
        classic_scope="admin:org",
        children=(
            Table(
                f"{name.removesuffix('s')}_addresses",
                (
                    _INVITATION,
                    text("login", description="Login of the invited account; null where an address was invited."),
                    text("email", description="The address that was invited."),
                ),
                key=("invitation_id",),
                schema="psa_pii",
                description=f"One row per {what} and UTC day: who it was sent to.",
            ),
        ),
        actors=("inviter",),
    )


invitations = _invitations("invitations", "open invitation", "Invitations that nobody has answered yet.")
failed_invitations = _invitations(
    "failed_invitations",
    "failed invitation",
    "Invitations that failed, with the reason: expired after seven days, mostly.",
    timestamp("failed_at", of=lambda record: record.item.get("failed_at") or None, description="When it failed."),
    text("failed_reason", description="Why."),
)

ANSWER_SETS = (
    AnswerSet(
        "members",
        (members,),
        (
            GraphRequest(
                "members",
                "organization.membersWithRole",
                ScopeKind.organization,
                100,
                (GraphPart("members"),),
            ),
            RestRequest(
                "/orgs/{org}/members",
                ("members",),
                ScopeKind.organization,
                variants=({"role": "admin"}, {"role": "member"}),
                means=HIDDEN,
            ),
        ),
        priority=3,
        cost="1 point per 100 members",
    ),
    AnswerSet(
        "outside_collaborators",
        (outside_collaborators,),
        (
            RestRequest(
                "/orgs/{org}/outside_collaborators",
                ("outside_collaborators",),
                ScopeKind.organization,
                means=HIDDEN,
            ),
        ),
        priority=3,
        cost="1 request per 100 people",
    ),
    AnswerSet(
        "outside_collaborators_without_two_factor",
        (outside_collaborators_without_two_factor,),
        (
            RestRequest(
                "/orgs/{org}/outside_collaborators",
                ("outside_collaborators_without_two_factor",),
                ScopeKind.organization,
                {"filter": "2fa_disabled"},
                # Only owners may ask so; whom GitHub tells so in these words lacks a right.
                means={**HIDDEN, "unprocessable": "forbidden"},
            ),
        ),
        priority=3,
        cost="1 request per 100 people",
    ),
    *(
        AnswerSet(
            dataset.name,
            (dataset,),
            (
                RestRequest(
                    f"/orgs/{{org}}/{dataset.name}",
                    (dataset.name,),
                    ScopeKind.organization,
                    means=HIDDEN,
                ),
            ),
            priority=3,
            cost="1 request per 100 invitations",
        )
        for dataset in (invitations, failed_invitations)
    ),
)
