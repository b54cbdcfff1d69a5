"""Pull requests, their reviews and who is asked for one: what is needed to say who owes whom a reply."""

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

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)
_PULL_REQUEST_OF_CHILD = bigint(
    "pull_request_id",
    "@parent.fullDatabaseId|@parent.databaseId|@parent.id",
    "Numeric id of the pull request.",
    required=True,
)


def _state(record: Record) -> str | None:
    """GraphQL says MERGED; REST says closed and gives merged_at."""
    item = record.item
    if item.get("mergedAt") or item.get("merged_at"):
        return "merged"
    state = item.get("state")
    return str(state).lower() if state else None


def _mergeable(value: object) -> object:
    """REST says true or false where GraphQL has a word."""
    return {True: "MERGEABLE", False: "CONFLICTING"}.get(value, value) if isinstance(value, bool) else value


def _reviewer(record: Record) -> dict[str, object]:
    asked = record.item.get("requestedReviewer")
    return asked if isinstance(asked, dict) else record.item


def _reviewer_kind(record: Record) -> str:
    asked = _reviewer(record)
    if "__typename" in asked:
        return "team" if asked["__typename"] == "Team" else "user"
    # REST gives teams a type of their own (organization, enterprise), so only what they are named by tells them apart.
    return "team" if "slug" in asked and "login" not in asked else "user"


def _reviewer_id(record: Record) -> object:
    asked = _reviewer(record)
    return asked.get("databaseId") or asked.get("id")


def _reviewer_user_id(record: Record) -> object:
    return _reviewer_id(record) if _reviewer_kind(record) == "user" else None


def _reviewer_team_id(record: Record) -> object:
    return _reviewer_id(record) if _reviewer_kind(record) == "team" else None


pull_requests = Dataset(
    Table(
        "pull_requests",
        (
            bigint(
                "pull_request_id",
                "fullDatabaseId|databaseId|id",
                "GitHub's numeric id of the pull request; not that of its issue.",
                required=True,
            ),
            _REPO,
            bigint("number", description="Number within the repository, shared with its issue.", required=True),
            text("node_id", "node_id|id", "GraphQL node id."),
            text("title", description="Title."),
            text("state", of=_state, description="open, closed or merged."),
            boolean("is_draft", "isDraft|draft", "Not yet ready for review."),
            boolean("is_locked", "locked", "Conversation is locked."),
            bigint("author_id", "author.databaseId|user.id", "Numeric id of the author; null when gone."),
            text(
                "author_association",
                "authorAssociation|author_association",
                "The author's relation as GitHub shows it.",
            ),
            bigint("merged_by_id", "mergedBy.databaseId|merged_by.id", "Who merged it."),
            text("review_decision", "reviewDecision", "APPROVED, CHANGES_REQUESTED or REVIEW_REQUIRED."),
            text(
                "mergeable",
                "mergeable",
                via=_mergeable,
                description="MERGEABLE, CONFLICTING or UNKNOWN; null while GitHub computes it.",
            ),
            text("base_branch", "baseRefName|base.ref", "Branch it goes into."),
            text("head_branch", "headRefName|head.ref", "Branch it comes from."),
            text("head_sha", "headRefOid|head.sha", "Commit at the head."),
            bigint(
                "head_repo_id",
                "headRepository.databaseId|head.repo.id",
                "Repository it comes from; null when gone.",
            ),
            text("merge_commit_sha", "mergeCommit.oid|merge_commit_sha", "The commit that merged it."),
            bigint("additions", description="Lines added."),
            bigint("deletions", description="Lines deleted."),
            bigint("changed_files", "changedFiles|changed_files", "Files changed."),
            bigint("commits_count", "commits.totalCount|commits", "Commits."),
            bigint("comments_count", "comments.totalCount|comments", "Comments in the conversation."),
            timestamp(
                "last_commit_at",
                "commits.nodes.0.commit.committedDate",
                "Committer date of the newest commit: the author's answer in code.",
            ),
            timestamp("created_at", "createdAt|created_at", "When it was opened."),
            timestamp("updated_at", "updatedAt|updated_at", "When it last changed."),
            timestamp("closed_at", "closedAt|closed_at", "When it was closed."),
            timestamp("merged_at", "mergedAt|merged_at", "When it was merged."),
            *long_text("body", description="The first text."),
        ),
        key=("pull_request_id",),
        hash_keys={
            "pull_request_hk": ("pull_request_id",),
            "repo_hk": ("repo_id",),
            "author_hk": ("author_id",),
            "merged_by_hk": ("merged_by_id",),
            "head_repo_hk": ("head_repo_id",),
            "link_repo_pull_request_hk": ("repo_id", "pull_request_id"),
            "link_pull_request_author_hk": ("pull_request_id", "author_id"),
            "link_pull_request_merged_by_hk": ("pull_request_id", "merged_by_id"),
            "link_pull_request_head_repo_hk": ("pull_request_id", "head_repo_id"),
        },
        hash_diffs={
            "sat_pull_request": (
                "node_id",
                "number",
                "state",
                "is_draft",
                "is_locked",
                "author_association",
                "review_decision",
                "mergeable",
                "base_branch",
                "head_branch",
                "head_sha",
                "head_repo_id",
                "merge_commit_sha",
                "additions",
                "deletions",
                "changed_files",
                "commits_count",
                "comments_count",
                "last_commit_at",
                "created_at",
                "updated_at",
                "closed_at",
                "merged_at",
            ),
            "sat_pull_request_text": ("title", "body", "body_length", "body_md5"),
        },
        description="One row per pull request that changed (or was listed) and UTC day.",
    ),
    subject="pull_requests",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="Pull requests with state, size, decision and the times that tell whose turn it is.",
    permission="Pull requests: read, Contents: read",
    classic_scope="repo (for private repositories)",
    children=(
        Table(
            "pull_request_closing_issues",
            (
                _PULL_REQUEST_OF_CHILD,
                bigint("issue_id", "fullDatabaseId", "Numeric id of the issue.", required=True),
                bigint("issue_repo_id", "repository.databaseId", "The issue's repository: it may be another."),
                timestamp("updated_at", "@parent.updatedAt", "When the pull request last changed."),
            ),
            key=("pull_request_id", "issue_id"),
            hash_keys={
                "pull_request_hk": ("pull_request_id",),
                "issue_hk": ("issue_id",),
                "link_pull_request_closes_issue_hk": ("pull_request_id", "issue_id"),
            },
            each="closingIssuesReferences.nodes",
            description=(
                "One row per pull request that changed, UTC day and issue that its merge closes. GraphQL alone tells:"
                " where REST was asked, the table is empty and says nothing."
            ),
        ),
        Table(
            "pull_request_presence",
            (
                bigint(
                    "pull_request_id",
                    "fullDatabaseId|databaseId|id",
                    "Numeric id of the pull request.",
                    required=True,
                ),
                _REPO,
                timestamp("created_at", "createdAt|created_at", "When it was opened."),
            ),
            key=("pull_request_id",),
            hash_keys={
                "pull_request_hk": ("pull_request_id",),
                "repo_hk": ("repo_id",),
                "link_repo_pull_request_hk": ("repo_id", "pull_request_id"),
            },
            dated_by="created_at",
            description=(
                "One row per pull request listed that existed at the close of the UTC day. What changed after the close"
                " is no row of pull_requests that day; without this table a whole list would show it as deleted."
            ),
        ),
    ),
    actors=("author", "user", "mergedBy", "merged_by", "assignees[]"),
)

pull_request_reviews = Dataset(
    Table(
        "pull_request_reviews",
        (
            bigint(
                "review_id",
                "fullDatabaseId|databaseId|id",
                "GitHub's numeric id of the review.",
                required=True,
            ),
            _PULL_REQUEST_OF_CHILD,
            _REPO,
            bigint("author_id", "author.databaseId|user.id", "Numeric id of the reviewer; null when gone."),
            text(
                "author_association",
                "authorAssociation|author_association",
                "The reviewer's relation as GitHub shows it.",
            ),
            text("state", "state", "APPROVED, CHANGES_REQUESTED, COMMENTED or DISMISSED."),
            text("commit_sha", "commit.oid|commit_id", "The commit that was reviewed."),
            timestamp("submitted_at", "submittedAt|submitted_at", "When it was submitted."),
            *long_text("body", description="The text."),
        ),
        key=("review_id",),
        hash_keys={
            "pull_request_hk": ("pull_request_id",),
            "repo_hk": ("repo_id",),
            "reviewer_hk": ("author_id",),
            "link_pull_request_review_hk": ("pull_request_id", "review_id"),
        },
        hash_diffs={
            "sat_pull_request_review": (
                "author_association",
                "state",
                "commit_sha",
                "submitted_at",
                "body",
                "body_length",
                "body_md5",
            ),
        },
        each="reviews.nodes",
        description="One row per review of a pull request that changed and UTC day.",
    ),
    subject="pull_requests",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="Reviews: who looked, when, and what they decided.",
    permission="Pull requests: read",
    classic_scope="repo (for private repositories)",
    actors=("author", "user"),
)

review_requests = Dataset(
    Table(
        "review_requests",
        (
            _PULL_REQUEST_OF_CHILD,
            _REPO,
            text("reviewer_kind", of=_reviewer_kind, description="user or team.", required=True),
            bigint("reviewer_id", of=_reviewer_id, description="Numeric id of the user or team.", required=True),
            bigint("reviewer_user_id", of=_reviewer_user_id, description="The same, of a user."),
            bigint("reviewer_team_id", of=_reviewer_team_id, description="The same, of a team."),
            boolean("as_code_owner", "asCodeOwner", "Asked because the code owners file says so."),
        ),
        key=("pull_request_id", "reviewer_kind", "reviewer_id"),
        hash_keys={
            "pull_request_hk": ("pull_request_id",),
            "reviewer_hk": ("reviewer_user_id",),
            "team_hk": ("reviewer_team_id",),
            "link_pull_request_reviewer_hk": ("pull_request_id", "reviewer_user_id"),
            "link_pull_request_team_hk": ("pull_request_id", "reviewer_team_id"),
        },
        hash_diffs={
            "sat_pull_request_reviewer": ("as_code_owner",),
            "sat_pull_request_team": ("as_code_owner",),
        },
        each="reviewRequests.nodes|requested_reviewers+requested_teams",
        description="One row per pull request that changed, UTC day and reviewer whose review is still awaited.",
    ),
    subject="pull_requests",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Whose review is awaited; a reviewer who answered is no longer in the list.",
    permission="Pull requests: read",
    classic_scope="repo (for private repositories)",
    actors=("requestedReviewer", "@item"),
)

pull_request_commits = Dataset(
    Table(
        "pull_request_commits",
        (
            _PULL_REQUEST_OF_CHILD,
            _REPO,
            text("sha", "commit.oid|sha", "The commit's hash.", required=True),
            bigint(
                "author_id",
                "commit.author.user.databaseId|author.id",
                "Numeric id of the author's account; null where GitHub knows none by that e-mail address.",
            ),
            bigint(
                "committer_id",
                "commit.committer.user.databaseId|committer.id",
                "The same, of who committed it.",
            ),
            timestamp("authored_at", "commit.authoredDate|commit.author.date", "When it was written."),
            timestamp("committed_at", "commit.committedDate|commit.committer.date", "When it was committed."),
        ),
        key=("pull_request_id", "sha"),
        hash_keys={
            "pull_request_hk": ("pull_request_id",),
            "repo_hk": ("repo_id",),
            "commit_hk": ("sha",),
            "author_hk": ("author_id",),
            "committer_hk": ("committer_id",),
            "link_pull_request_commit_hk": ("pull_request_id", "sha"),
            "link_commit_author_hk": ("sha", "author_id"),
            "link_commit_committer_hk": ("sha", "committer_id"),
        },
        hash_diffs={"sat_pull_request_commit": ("authored_at", "committed_at")},
        each="commitList.nodes",
        dated_by="committed_at",
        description="One row per pull request that changed, commit in it and UTC day.",
    ),
    subject="pull_requests",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="The commits of a pull request as it stands, at most 250; what a rebase replaced is no longer listed.",
    permission="Pull requests: read, Contents: read",
    classic_scope="repo (for private repositories)",
    actors=("commit.author.user", "commit.committer.user", "author", "committer"),
)

ANSWER_SETS = (
    AnswerSet(
        "pull_requests",
        (pull_requests, pull_request_reviews, review_requests, pull_request_commits),
        (
            GraphRequest(
                "pull_requests",
                "repository.pullRequests",
                ScopeKind.repository,
                25,
                (
                    GraphPart("pull_requests"),
                    GraphPart("pull_request_reviews", inner="reviews", overflow="pull_request_reviews"),
                    GraphPart("review_requests", inner="reviewRequests", overflow="review_requests"),
                    GraphPart("pull_request_commits", inner="commitList", overflow="pull_request_commits"),
                ),
                newest_first="updatedAt",
            ),
            RestRequest(
                "/repos/{repo}/pulls",
                ("pull_requests", "review_requests"),
                ScopeKind.repository,
                {"state": "all", "sort": "updated", "direction": "desc"},
                newest_first="updated_at",
                per_item=(
                    RestRequest("/repos/{repo}/pulls/{number}/reviews", ("pull_request_reviews",)),
                    RestRequest("/repos/{repo}/pulls/{number}/commits", ("pull_request_commits",)),
                ),
                # The inventory was read that day, so it is the list that is not there: pull requests are switched off.
                means={"not_found": "disabled"},
            ),
        ),
        priority=5,
        probe=("pull_requests_updated_at",),
        counts=("pull_requests_count",),
        switch=("has_pull_requests_enabled",),
        cost="2 points per 25 pull requests that changed, at least 2 per repository where one did",
    ),
)
