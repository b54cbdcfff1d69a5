"""Commits on the default branch.

Asked for from a week before the last complete day, since a rebase or a merged branch brings commits whose time lies in
the past; the sha tells what is known already.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

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


def _email_md5(address: str) -> str | None:
    plain = address.strip().lower()
    return hashlib.md5(plain.encode("utf-8", "replace"), usedforsecurity=False).hexdigest() if plain else None


def _is_verified(record: Record) -> bool | None:
    """GraphQL gives a commit without a signature no signature object; REST calls it unverified."""
    item = record.item
    if "signature" in item:
        return bool(item["signature"]["isValid"]) if item["signature"] else False
    verification = (item.get("commit") or {}).get("verification")
    return bool(verification["verified"]) if verification else None


commits = Dataset(
    Table(
        "commits",
        (
            text("sha", "oid|sha", "The commit's hash: forks share it.", required=True),
            bigint("repo_id", "@id", "Numeric id of the repository.", required=True),
            bigint(
                "author_id",
                "author.user.databaseId|author.id",
                "Numeric id of the author's account; null where GitHub knows none by that e-mail address.",
            ),
            bigint("committer_id", "committer.user.databaseId|committer.id", "The same, of who committed it."),
            text(
                "author_email_md5",
                "commit.author.email|author.email",
                "md5 of the author's e-mail address in lower case: tells authors without an account apart. It names"
                " nobody, yet whoever knows an address finds it again; the address itself is not kept.",
                via=_email_md5,
            ),
            boolean("is_verified", of=_is_verified, description="Bears a signature that GitHub holds for valid."),
            bigint("additions", description="Lines added; told by GraphQL only."),
            bigint("deletions", description="Lines deleted; told by GraphQL only."),
            bigint("changed_files", "changedFilesIfAvailable", "Files changed; told by GraphQL only."),
            timestamp("authored_at", "authoredDate|commit.author.date", "When it was written."),
            timestamp("committed_at", "committedDate|commit.committer.date", "When it was committed, or rebased."),
            *long_text("message", "message|commit.message", "The message."),
        ),
        key=("repo_id", "sha"),
        hash_keys={
            "commit_hk": ("sha",),
            "repo_hk": ("repo_id",),
            "author_hk": ("author_id",),
            "committer_hk": ("committer_id",),
            "link_repo_commit_hk": ("repo_id", "sha"),
            "link_commit_author_hk": ("sha", "author_id"),
            "link_commit_committer_hk": ("sha", "committer_id"),
        },
        hash_diffs={
            "sat_commit": (
                "author_email_md5",
                "is_verified",
                "additions",
                "deletions",
                "changed_files",
                "authored_at",
                "committed_at",
                "message",
                "message_length",
                "message_md5",
            ),
        },
        dated_by="committed_at",
        description="One row per repository, commit on its default branch and UTC day the commit was listed on.",
    ),
    subject="commits",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.since,
    needs=Needs.anyone,
    description="Commits on the default branch with author, size and times; names and e-mail addresses are left out.",
    permission="Contents: read",
    classic_scope="repo (for private repositories)",
    actors=("author.user", "committer.user", "author", "committer"),
)

ANSWER_SETS = (
    AnswerSet(
        "commits",
        (commits,),
        (
            GraphRequest(
                "repository_commits",
                "nodes",
                ScopeKind.repository,
                25,
                (
                    GraphPart(
                        "commits",
                        scope_each=True,
                        path="defaultBranchRef.target.history.nodes",
                        inner="defaultBranchRef.target.history",
                        overflow="commits_of_one",
                        nullable="defaultBranchRef",
                    ),
                ),
                batch=True,
                since="since",
            ),
            # This list knows one conflict: a repository without a commit.
            RestRequest(
                "/repos/{repo}/commits",
                ("commits",),
                since="since",
                means={"conflict": "empty", "empty_repository": "empty"},
            ),
        ),
        priority=6,
        probe=("default_branch_sha", "pushed_at"),
        overlap=timedelta(days=7),
        cost="1 point per 25 repositories that were pushed to, and 1 per 100 commits beyond the first 100 of each",
    ),
)
