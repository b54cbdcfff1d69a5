"""Who may do what: teams with their members and repositories, and every path by which a repository is reached."""

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
from oss_datastore.catalogue.people import HIDDEN, ORG, USER, lower

_TEAM = bigint("team_id", "@id", "Numeric id of the team.", required=True)
_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)

# GraphQL and REST name the five built-in permissions differently; role_name also carries custom roles.
_ROLES = {"read": "read", "pull": "read", "triage": "triage", "write": "write", "push": "write"}
_ORDER = ("admin", "maintain", "push", "triage", "pull")


def _role(*paths: str) -> Callable[[Record], str | None]:
    def role(record: Record) -> str | None:
        for path in paths:
            value = record.item.get(path)
            if isinstance(value, str) and value:
                return _ROLES.get(value.lower(), value.lower())
        granted = record.item.get("permissions")
        if isinstance(granted, dict):
            highest = next((p for p in _ORDER if granted.get(p)), None)
            return _ROLES.get(highest, highest) if highest else None
        return None

    return role


def _privacy(value: Any) -> str:
    """REST says closed where GraphQL says VISIBLE."""
    word = lower(value)
    return "visible" if word == "closed" else word


def _source_kind(record: Record) -> str | None:
    source = record.item.get("source")
    return str(source["__typename"]).lower() if isinstance(source, dict) and source.get("__typename") else None


def _source_id(record: Record) -> Any:
    source = record.item.get("source")
    return source.get("databaseId") if isinstance(source, dict) else None


teams = Dataset(
    Table(
        "teams",
        (
            bigint("team_id", "databaseId|id", "GitHub's numeric id of the team.", required=True),
            ORG,
            text("node_id", "node_id|id", "GraphQL node id."),
            text("slug", description="Name in addresses; an attribute, since it changes."),
            text("name", description="Name."),
            *long_text("description", description="What the team is for."),
            text("privacy", "privacy", "visible (what REST calls closed) or secret.", via=_privacy),
            text(
                "notification_setting",
                "notificationSetting|notification_setting",
                "Notifications.",
                via=lower,
            ),
            bigint("parent_team_id", "parentTeam.databaseId|parent.id", "The team it belongs under."),
            timestamp("created_at", "createdAt|created_at", "When it was created."),
            timestamp("settings_updated_at", "updatedAt|updated_at", "When it last changed."),
        ),
        key=("team_id",),
        hash_keys={
            "team_hk": ("team_id",),
            "org_hk": ("org_id",),
            "parent_team_hk": ("parent_team_id",),
            "link_org_team_hk": ("org_id", "team_id"),
            "link_team_parent_hk": ("team_id", "parent_team_id"),
        },
        hash_diffs={
            "sat_team": (
                "node_id",
                "slug",
                "name",
                "description",
                "description_md5",
                "privacy",
                "notification_setting",
                "parent_team_id",
                "created_at",
            ),
        },
        description="One row per team of the organisation and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="Teams; secret ones are seen by their members and by owners only.",
    permission="Members: read",
    classic_scope="read:org",
)

team_members = Dataset(
    Table(
        "team_members",
        (
            _TEAM,
            USER,
            text("role", "role|@context.role", "member or maintainer.", via=lower),
            boolean("is_inherited", "inherited", "Member through a child team."),
        ),
        key=("team_id", "user_id"),
        hash_keys={
            "team_hk": ("team_id",),
            "user_hk": ("user_id",),
            "link_team_user_hk": ("team_id", "user_id"),
        },
        hash_diffs={"sat_team_user": ("role", "is_inherited")},
        description="One row per team, member and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.team,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="Members of each team with their role in it.",
    permission="Members: read",
    classic_scope="read:org",
    actors=("node", "@item"),
)

team_repositories = Dataset(
    Table(
        "team_repositories",
        (
            _TEAM,
            bigint("repo_id", "node.databaseId|id", "Numeric id of the repository.", required=True),
            text(
                "role_name",
                of=_role("role_name", "permission"),
                description="read, triage, write, maintain, admin or a custom role.",
            ),
        ),
        key=("team_id", "repo_id"),
        hash_keys={
            "team_hk": ("team_id",),
            "repo_hk": ("repo_id",),
            "link_repo_team_hk": ("repo_id", "team_id"),
        },
        hash_diffs={"sat_repo_team": ("role_name",)},
        description="One row per team, repository it may reach and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.team,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="Repositories each team may reach, and with which role.",
    permission="Members: read, Metadata: read",
    classic_scope="read:org",
)

_SOURCE_COLUMNS: tuple[Column, ...] = (
    _REPO,
    bigint("user_id", "@parent.node.databaseId|@parent.id", "Numeric id of the account.", required=True),
    text("source_kind", of=_source_kind, description="organization, team or repository.", required=True),
    bigint(
        "source_id",
        of=_source_id,
        description="Numeric id of that organisation, team or repository.",
        required=True,
    ),
    text("role_name", of=_role("roleName", "permission"), description="The role this path gives."),
)

repository_collaborators = Dataset(
    Table(
        "repository_collaborators",
        (
            _REPO,
            USER,
            text(
                "role_name",
                of=_role("role_name", "permission"),
                description="The highest role, whatever path gives it.",
            ),
        ),
        key=("repo_id", "user_id"),
        hash_keys={
            "repo_hk": ("repo_id",),
            "user_hk": ("user_id",),
            "link_repo_user_hk": ("repo_id", "user_id"),
        },
        hash_diffs={"sat_repo_user": ("role_name",)},
        description="One row per repository, person with access beyond reading and UTC day.",
    ),
    subject="people",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.push,
    description="Everybody with access to a repository, with the role and every path that gives it.",
    permission="Metadata: read (push access to the repository)",
    classic_scope="repo",
    children=(
        Table(
            "repository_collaborator_sources",
            _SOURCE_COLUMNS,
            key=("repo_id", "user_id", "source_kind", "source_id"),
            hash_keys={
                "link_repo_user_hk": ("repo_id", "user_id"),
                "repo_hk": ("repo_id",),
                "user_hk": ("user_id",),
            },
            hash_diffs={"ma_sat_repo_user_source": ("source_kind", "source_id", "role_name")},
            each="permissionSources",
            description="One row per repository, person, path that gives access and UTC day.",
        ),
    ),
    actors=("node", "@item"),
)


ANSWER_SETS = (
    AnswerSet(
        "teams",
        (teams, team_members, team_repositories),
        (
            GraphRequest(
                "teams",
                "organization.teams",
                ScopeKind.organization,
                50,
                (
                    GraphPart("teams"),
                    GraphPart(
                        "team_members",
                        scope_each=True,
                        path="members.edges",
                        inner="members",
                        overflow="team_members",
                    ),
                    GraphPart(
                        "team_repositories",
                        scope_each=True,
                        path="repositories.edges",
                        inner="repositories",
                        overflow="team_repositories",
                    ),
                ),
            ),
            RestRequest(
                "/orgs/{org}/teams",
                ("teams",),
                ScopeKind.organization,
                per_item=(
                    RestRequest(
                        "/orgs/{org}/teams/{slug}/members",
                        ("team_members",),
                        ScopeKind.team,
                        variants=({"role": "maintainer"}, {"role": "member"}),
                    ),
                    RestRequest("/orgs/{org}/teams/{slug}/repos", ("team_repositories",), ScopeKind.team),
                ),
                means=HIDDEN,
            ),
        ),
        priority=3,
        cost="2 points per 50 teams",
    ),
    AnswerSet(
        "repository_collaborators",
        (repository_collaborators,),
        (
            GraphRequest(
                "repository_collaborators",
                "organization.repositories",
                ScopeKind.organization,
                20,
                (
                    GraphPart(
                        "repository_collaborators",
                        scope_each=True,
                        path="collaborators.edges",
                        inner="collaborators",
                        overflow="repository_collaborators_of_one",
                    ),
                ),
            ),
            RestRequest(
                "/repos/{repo}/collaborators",
                ("repository_collaborators",),
                ScopeKind.repository,
                {"affiliation": "all"},
                means=HIDDEN,
            ),
        ),
        priority=3,
        cost="1 point per 20 repositories",
    ),
)
