"""Discussions of repositories; GitHub tells of them by GraphQL alone."""

from __future__ import annotations

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    GraphPart,
    GraphRequest,
    Needs,
    ScopeKind,
    Table,
    bigint,
    boolean,
    long_text,
    text,
    timestamp,
)

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)
_DISCUSSION = bigint("discussion_id", "databaseId", "GitHub's numeric id of the discussion.", required=True)

discussions = Dataset(
    Table(
        "discussions",
        (
            _DISCUSSION,
            _REPO,
            bigint("number", description="Number within the repository.", required=True),
            text("node_id", "id", "GraphQL node id."),
            text("title", description="Title."),
            text("category", "category.name", "Name of its category."),
            boolean("is_answerable", "category.isAnswerable", "Its category is one of questions."),
            boolean("is_answered", "isAnswered", "An answer was chosen; null where there can be none."),
            timestamp("answered_at", "answerChosenAt", "When the answer was chosen."),
            bigint("answer_chosen_by_id", "answerChosenBy.databaseId", "Numeric id of who chose it."),
            boolean("is_closed", "closed", "Closed."),
            text("state_reason", "stateReason", "RESOLVED, OUTDATED, DUPLICATE or REOPENED."),
            boolean("is_locked", "locked", "Conversation is locked."),
            bigint("author_id", "author.databaseId", "Numeric id of the author; null when the account is gone."),
            text("author_association", "authorAssociation", "The author's relation as GitHub shows it."),
            bigint("comments_count", "comments.totalCount", "Comments, without the replies to them."),
            bigint("upvotes_count", "upvoteCount", "Upvotes."),
            timestamp("created_at", "createdAt", "When it was begun."),
            timestamp("updated_at", "updatedAt", "When it last changed."),
            timestamp("closed_at", "closedAt", "When it was closed."),
            *long_text("body", description="The first text."),
        ),
        key=("discussion_id",),
        hash_keys={
            "discussion_hk": ("discussion_id",),
            "repo_hk": ("repo_id",),
            "author_hk": ("author_id",),
            "link_repo_discussion_hk": ("repo_id", "discussion_id"),
            "link_discussion_author_hk": ("discussion_id", "author_id"),
        },
        hash_diffs={
            "sat_discussion": (
                "node_id",
                "number",
                "category",
                "is_answerable",
                "is_answered",
                "answered_at",
                "answer_chosen_by_id",
                "is_closed",
                "state_reason",
                "is_locked",
                "author_association",
                "comments_count",
                "upvotes_count",
                "created_at",
                "updated_at",
                "closed_at",
            ),
            "sat_discussion_text": ("title", "body", "body_length", "body_md5"),
        },
        description="One row per discussion that changed (or was listed) and UTC day.",
    ),
    subject="discussions",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Discussions of a repository: questions, their answers and announcements.",
    permission="Discussions: read",
    classic_scope="public_repo (repo for private repositories)",
    actors=("author", "answerChosenBy"),
)

ANSWER_SETS = (
    AnswerSet(
        "discussions",
        (discussions,),
        (
            GraphRequest(
                "repository_discussions",
                "nodes",
                ScopeKind.repository,
                25,
                (
                    GraphPart(
                        "discussions",
                        scope_each=True,
                        path="discussions.nodes",
                        inner="discussions",
                        overflow="discussions_of_one",
                    ),
                ),
                newest_first="updatedAt",
                batch=True,
                list_size=20,
            ),
        ),
        priority=5,
        probe=("discussions_updated_at",),
        counts=("discussions_count",),
        switch=("has_discussions_enabled",),
        present="discussions_count",
        cost="5 points per 25 repositories whose discussions moved",
    ),
)
