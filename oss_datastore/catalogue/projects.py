"""Projects (v2) of an organisation, with the repositories and teams they are linked to."""

from __future__ import annotations

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

_PROJECT = bigint("project_id", "@parent.fullDatabaseId|@parent.id", "Numeric id of the project.", required=True)


def _is_closed(record: Record) -> bool | None:
    item = record.item
    if "closed" in item:
        return bool(item["closed"])
    return item["state"] == "closed" if item.get("state") else item.get("closed_at") is not None


projects = Dataset(
    Table(
        "projects",
        (
            bigint("project_id", "fullDatabaseId|id", "GitHub's numeric id of the project.", required=True),
            bigint("org_id", "@id", "Numeric id of the organisation that owns it.", required=True),
            bigint("number", description="Number within the organisation.", required=True),
            text("title", description="Title."),
            *long_text("short_description", "shortDescription|short_description", "The line under the title."),
            boolean("is_public", "public", "Everybody may see it."),
            boolean("is_closed", of=_is_closed, description="Closed."),
            boolean("is_template", "template|is_template", "Serves as a template."),
            bigint("creator_id", "creator.databaseId|creator.id", "Who made it."),
            timestamp("created_at", "createdAt|created_at", "When it was made."),
            timestamp("updated_at", "updatedAt|updated_at", "When it or one of its items last changed."),
            timestamp("closed_at", "closedAt|closed_at", "When it was closed."),
        ),
        key=("project_id",),
        hash_keys={
            "project_hk": ("project_id",),
            "org_hk": ("org_id",),
            "creator_hk": ("creator_id",),
            "link_project_owner_hk": ("project_id", "org_id"),
        },
        hash_diffs={
            "sat_project": (
                "number",
                "title",
                "short_description",
                "short_description_md5",
                "is_public",
                "is_closed",
                "is_template",
                "creator_id",
                "created_at",
                "closed_at",
            ),
        },
        description="One row per project of the organisation and UTC day.",
    ),
    subject="projects",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.owner,
    description="Projects of the organisation; private ones are seen by those with access and by owners only.",
    permission="Organization projects: read",
    classic_scope="read:project",
    children=(
        Table(
            "project_repositories",
            (_PROJECT, bigint("repo_id", "databaseId", "Numeric id of the repository.", required=True)),
            key=("project_id", "repo_id"),
            hash_keys={
                "project_hk": ("project_id",),
                "repo_hk": ("repo_id",),
                "link_repo_project_hk": ("repo_id", "project_id"),
            },
            each="repositories.nodes",
            description="One row per project, repository it is linked to and UTC day; told by GraphQL only.",
        ),
        Table(
            "project_teams",
            (_PROJECT, bigint("team_id", "databaseId", "Numeric id of the team.", required=True)),
            key=("project_id", "team_id"),
            hash_keys={
                "project_hk": ("project_id",),
                "team_hk": ("team_id",),
                "link_team_project_hk": ("team_id", "project_id"),
            },
            each="teams.nodes",
            description="One row per project, team it is linked to and UTC day; told by GraphQL only.",
        ),
    ),
    actors=("creator",),
)

ANSWER_SETS = (
    AnswerSet(
        "projects",
        (projects,),
        (
            GraphRequest(
                "projects",
                "organization.projectsV2",
                ScopeKind.organization,
                50,
                (GraphPart("projects"),),
            ),
            RestRequest(
                "/orgs/{org}/projectsV2",
                ("projects",),
                ScopeKind.organization,
                # The organisation itself is known: whom this list is hidden from is told that it is not there.
                means={"not_found": "forbidden"},
            ),
        ),
        priority=6,
        cost="1 point per 50 projects (and 1 more for what they are linked to)",
    ),
)
