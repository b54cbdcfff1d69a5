"""Issues with their comments and events, and what issues bear: labels and milestones.

GitHub lists each pull request as an issue, too, with an issue id.
"""

from __future__ import annotations

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    GraphPart,
    GraphRequest,
    Meaning,
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
from oss_datastore.catalogue.node_ids import numeric_id
from oss_datastore.catalogue.repositories import repository_languages

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)
_ISSUE_OF_CHILD = bigint("issue_id", "@parent.id", "Numeric id of the issue.", required=True)
_UPDATED_OF_PARENT = timestamp("updated_at", "@parent.updated_at", "When the issue last changed.")

_SWITCHED_OFF: dict[str, Meaning] = {"gone": "disabled"}
"""A list is gone where issues are switched off; a repository that is gone is not found."""


def _number_in_url(record: Record) -> int | None:
    """The comment list names its issue only by the address it ends in."""
    tail = str(record.item.get("issue_url") or record.item.get("html_url") or "").split("#")[0].rsplit("/", 1)[-1]
    return int(tail) if tail.isdigit() else None


def _on_pull_request(record: Record) -> bool | None:
    address = record.item.get("html_url")
    return "/pull/" in str(address) if address else None


issues = Dataset(
    Table(
        "issues",
        (
            bigint("issue_id", "id", "GitHub's numeric id of the issue.", required=True),
            _REPO,
            bigint("number", description="Number within the repository.", required=True),
            text("node_id", description="GraphQL node id."),
            text("title", description="Title."),
            text("state", description="open or closed."),
            text("state_reason", description="completed, not_planned, duplicate or reopened."),
            boolean(
                "is_pull_request",
                of=lambda record: record.item.get("pull_request") is not None,
                description="The issue side of a pull request.",
            ),
            boolean("is_draft", "draft", "The pull request is a draft."),
            boolean("is_locked", "locked", "Conversation is locked."),
            text("active_lock_reason", description="Why it is locked."),
            bigint("comments_count", "comments", "Comments."),
            bigint("author_id", "user.id", "Numeric id of the author; null when the account is gone."),
            text(
                "author_association",
                description="The author's relation to the repository as GitHub shows it.",
            ),
            bigint("milestone_id", "milestone.id", "Numeric id of the milestone."),
            text("issue_type", "type.name", "Issue type."),
            bigint("reactions_count", "reactions.total_count", "Reactions."),
            timestamp("created_at", description="When it was opened."),
            timestamp("updated_at", description="When it last changed."),
            timestamp("closed_at", description="When it was closed."),
            *long_text("body", description="The first text."),
        ),
        key=("issue_id",),
        hash_keys={
            "issue_hk": ("issue_id",),
            "repo_hk": ("repo_id",),
            "author_hk": ("author_id",),
            "milestone_hk": ("milestone_id",),
            "link_repo_issue_hk": ("repo_id", "issue_id"),
            "link_issue_author_hk": ("issue_id", "author_id"),
            "link_issue_milestone_hk": ("issue_id", "milestone_id"),
        },
        hash_diffs={
            "sat_issue": (
                "node_id",
                "number",
                "state",
                "state_reason",
                "is_pull_request",
                "is_draft",
                "is_locked",
                "active_lock_reason",
                "comments_count",
                "author_association",
                "issue_type",
                "reactions_count",
                "created_at",
                "updated_at",
                "closed_at",
            ),
            "sat_issue_text": ("title", "body", "body_length", "body_md5"),
        },
        description="One row per issue that changed (or was listed) and UTC day; pull requests are issues here.",
    ),
    subject="issues",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="Issues of a repository, pull requests among them as GitHub lists them.",
    permission="Issues: read",
    classic_scope="repo (for private repositories)",
    children=(
        Table(
            "issue_assignees",
            (
                _ISSUE_OF_CHILD,
                bigint("assignee_id", "id", "Numeric id of the account.", required=True),
                _UPDATED_OF_PARENT,
            ),
            key=("issue_id", "assignee_id"),
            hash_keys={
                "issue_hk": ("issue_id",),
                "assignee_hk": ("assignee_id",),
                "link_issue_assignee_hk": ("issue_id", "assignee_id"),
            },
            each="assignees",
            description="One row per issue listed that day and account it is assigned to.",
        ),
        Table(
            "issue_labels",
            (
                _ISSUE_OF_CHILD,
                bigint("label_id", "id", "Numeric id of the label.", required=True),
                text("label_name", "name", "Name of the label."),
                _UPDATED_OF_PARENT,
            ),
            key=("issue_id", "label_id"),
            hash_keys={
                "issue_hk": ("issue_id",),
                "label_hk": ("label_id",),
                "link_issue_label_hk": ("issue_id", "label_id"),
            },
            hash_diffs={"sat_issue_label": ("label_name",)},
            each="labels",
            description="One row per issue listed that day and label it bears.",
        ),
        Table(
            "issue_presence",
            (
                bigint("issue_id", "id", "Numeric id of the issue.", required=True),
                _REPO,
                timestamp("created_at", description="When it was opened."),
            ),
            key=("issue_id",),
            hash_keys={
                "issue_hk": ("issue_id",),
                "repo_hk": ("repo_id",),
                "link_repo_issue_hk": ("repo_id", "issue_id"),
            },
            dated_by="created_at",
            description=(
                "One row per issue listed that existed at the close of the UTC day. What changed after the close is no"
                " row of issues that day; without this table a whole list would show it as deleted."
            ),
        ),
    ),
    actors=("user", "assignees[]", "closed_by", "milestone.creator"),
)

issue_comments = Dataset(
    Table(
        "issue_comments",
        (
            bigint("comment_id", "id", "GitHub's numeric id of the comment.", required=True),
            _REPO,
            bigint(
                "issue_number",
                of=_number_in_url,
                description="Number of the issue or pull request.",
                required=True,
            ),
            boolean("is_on_pull_request", of=_on_pull_request, description="Written on a pull request."),
            text("node_id", description="GraphQL node id."),
            bigint("author_id", "user.id", "Numeric id of the author; null when the account is gone."),
            text(
                "author_association",
                description="The author's relation to the repository as GitHub shows it.",
            ),
            bigint("reactions_count", "reactions.total_count", "Reactions."),
            timestamp("created_at", description="When it was written."),
            timestamp("updated_at", description="When it was last edited."),
            *long_text("body", description="The text."),
        ),
        key=("comment_id",),
        hash_keys={
            "repo_hk": ("repo_id",),
            "author_hk": ("author_id",),
            "nh_link_issue_comment_hk": ("repo_id", "comment_id"),
        },
        hash_diffs={
            "sat_issue_comment": (
                "author_association",
                "reactions_count",
                "updated_at",
                "body",
                "body_length",
                "body_md5",
            ),
        },
        description="One row per comment written or edited and UTC day.",
    ),
    subject="issues",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="Comments on issues and on the conversation of pull requests.",
    permission="Issues: read, Pull requests: read",
    classic_scope="repo (for private repositories)",
    actors=("user",),
)

issue_events = Dataset(
    Table(
        "issue_events",
        (
            bigint("event_id", "id", "GitHub's numeric id of the event.", required=True),
            _REPO,
            bigint("issue_id", "issue.id", "Numeric id of the issue; null where GitHub gives none."),
            bigint("issue_number", "issue.number", "Number within the repository."),
            text("event", description="What happened, in GitHub's word.", required=True),
            bigint("actor_id", "actor.id", "Numeric id of who did it; null when the account is gone."),
            bigint("assignee_id", "assignee.id", "Who was assigned or unassigned."),
            bigint("requested_reviewer_id", "requested_reviewer.id", "Who was asked for a review."),
            bigint("requested_team_id", "requested_team.id", "Which team was asked for a review."),
            text("label_name", "label.name", "The label that was set or taken off."),
            text("milestone_title", "milestone.title", "The milestone that was set or taken off."),
            text("commit_sha", "commit_id", "The commit that closed or mentioned it."),
            text("state_reason", description="Why it was closed."),
            timestamp("created_at", description="When it happened."),
        ),
        key=("event_id",),
        hash_keys={
            "repo_hk": ("repo_id",),
            "actor_hk": ("actor_id",),
            "nh_link_issue_event_hk": ("repo_id", "event_id"),
        },
        description="One row per event and UTC day it was seen on.",
    ),
    subject="issues",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="Events of issues and pull requests: closed, assigned, labelled, review requested, ready for review.",
    permission="Issues: read",
    classic_scope="repo (for private repositories)",
    actors=("actor", "assignee", "assigner", "requested_reviewer", "review_requester", "issue.user"),
)

labels = Dataset(
    Table(
        "labels",
        (
            bigint("label_id", "id", "GitHub's numeric id of the label.", required=True, via=numeric_id),
            _REPO,
            text("node_id", "node_id|id", "GraphQL node id."),
            text("name", description="Its name now; issues keep the label when it is renamed.", required=True),
            text("color", description="Colour as six hexadecimal digits."),
            text("description", description="What it is for."),
            boolean("is_default", "isDefault|default", "Made by GitHub with the repository."),
            timestamp("created_at", "createdAt", "When it was made; told by GraphQL only."),
            timestamp("updated_at", "updatedAt", "When it was last edited; told by GraphQL only."),
        ),
        key=("label_id",),
        hash_keys={
            "label_hk": ("label_id",),
            "repo_hk": ("repo_id",),
            "link_repo_label_hk": ("repo_id", "label_id"),
        },
        hash_diffs={"sat_label": ("name", "color", "description", "is_default")},
        description="One row per label of a repository and UTC day.",
    ),
    subject="issues",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="The labels a repository offers.",
    permission="Issues: read or Pull requests: read",
    classic_scope="repo (for private repositories)",
)

milestones = Dataset(
    Table(
        "milestones",
        (
            bigint("milestone_id", "id", "GitHub's numeric id of the milestone.", required=True, via=numeric_id),
            _REPO,
            text("node_id", "node_id|id", "GraphQL node id."),
            bigint("number", description="Number within the repository's milestones.", required=True),
            text("title", description="Title."),
            text("state", description="open or closed.", via=str.lower),
            bigint("creator_id", "creator.databaseId|creator.id", "Numeric id of who made it; null when gone."),
            timestamp("due_on", "dueOn|due_on", "When it is due."),
            timestamp("created_at", "createdAt|created_at", "When it was made."),
            timestamp("updated_at", "updatedAt|updated_at", "When it last changed."),
            timestamp("closed_at", "closedAt|closed_at", "When it was closed."),
            *long_text("description", description="What it is about."),
        ),
        key=("milestone_id",),
        hash_keys={
            "milestone_hk": ("milestone_id",),
            "repo_hk": ("repo_id",),
            "creator_hk": ("creator_id",),
            "link_repo_milestone_hk": ("repo_id", "milestone_id"),
        },
        hash_diffs={
            "sat_milestone": (
                "node_id",
                "number",
                "title",
                "state",
                "creator_id",
                "due_on",
                "created_at",
                "closed_at",
                "description",
                "description_length",
                "description_md5",
            ),
        },
        description="One row per milestone of a repository, open or closed, and UTC day.",
    ),
    subject="issues",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="The milestones of a repository.",
    permission="Issues: read or Pull requests: read",
    classic_scope="repo (for private repositories)",
    actors=("creator",),
)

ANSWER_SETS = (
    AnswerSet(
        "repository_shelf",
        (labels, milestones, repository_languages),
        (
            GraphRequest(
                "repository_shelf",
                "nodes",
                ScopeKind.repository,
                50,
                (
                    GraphPart("labels", scope_each=True, path="labels.nodes", inner="labels", overflow="labels_of_one"),
                    GraphPart(
                        "milestones",
                        scope_each=True,
                        path="milestones.nodes",
                        inner="milestones",
                        overflow="milestones_of_one",
                    ),
                    GraphPart(
                        "repository_languages",
                        scope_each=True,
                        path="languages.edges",
                        inner="languages",
                        overflow="languages_of_one",
                    ),
                ),
                batch=True,
            ),
            RestRequest("/repos/{repo}/labels", ("labels",)),
            RestRequest("/repos/{repo}/milestones", ("milestones",), params={"state": "all"}),
            RestRequest("/repos/{repo}/languages", ("repository_languages",), paged=False),
        ),
        priority=4,
        cost="2 points per 50 repositories, and 1 per 100 labels, milestones or languages beyond the first 100 of each",
    ),
    AnswerSet(
        "issues",
        (issues,),
        (
            RestRequest(
                "/repos/{repo}/issues",
                ("issues",),
                ScopeKind.repository,
                {"state": "all", "sort": "updated", "direction": "asc"},
                since="since",
                means=_SWITCHED_OFF,
            ),
        ),
        priority=5,
        probe=("issues_updated_at", "pull_requests_updated_at"),
        counts=("issues_count", "pull_requests_count"),
        cost="1 request per repository where an issue or pull request moved, and 1 per 100 changed beyond the first",
    ),
    AnswerSet(
        "issue_comments",
        (issue_comments,),
        (
            RestRequest(
                "/repos/{repo}/issues/comments",
                ("issue_comments",),
                ScopeKind.repository,
                {"sort": "updated", "direction": "asc"},
                since="since",
                means=_SWITCHED_OFF,
            ),
        ),
        priority=5,
        probe=("issues_updated_at", "pull_requests_updated_at"),
        cost="1 request per repository where an issue or pull request moved, and 1 per 100 changed beyond the first",
    ),
    AnswerSet(
        "issue_events",
        (issue_events,),
        (
            RestRequest(
                "/repos/{repo}/issues/events", ("issue_events",), newest_first="created_at", means=_SWITCHED_OFF
            ),
        ),
        priority=5,
        probe=("issues_updated_at", "pull_requests_updated_at"),
        cost="1 request per repository where an issue or pull request moved, and 1 per 100 new events beyond the first",
    ),
)
