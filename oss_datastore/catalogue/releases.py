"""Releases and the files people download from them."""

from __future__ import annotations

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    GraphPart,
    GraphRequest,
    Needs,
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

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)

releases = Dataset(
    Table(
        "releases",
        (
            bigint("release_id", "databaseId|id", "GitHub's numeric id of the release.", required=True),
            _REPO,
            text("node_id", "node_id|id", "GraphQL node id."),
            text("tag_name", "tagName|tag_name", "The tag it was made of."),
            text("name", description="Its title."),
            boolean("is_draft", "isDraft|draft", "Not published; seen with push access only."),
            boolean("is_prerelease", "isPrerelease|prerelease", "Marked as not ready for use."),
            bigint("author_id", "author.databaseId|author.id", "Numeric id of who published it; null when gone."),
            timestamp("created_at", "createdAt|created_at", "When it, or the commit it was made of, came to be."),
            timestamp("published_at", "publishedAt|published_at", "When it was published; null for a draft."),
            timestamp("updated_at", "updatedAt|updated_at", "When it was last edited, where GitHub tells."),
            *long_text("body", "description|body", "The release notes."),
        ),
        key=("release_id",),
        hash_keys={
            "release_hk": ("release_id",),
            "repo_hk": ("repo_id",),
            "author_hk": ("author_id",),
            "link_repo_release_hk": ("repo_id", "release_id"),
            "link_release_author_hk": ("release_id", "author_id"),
        },
        hash_diffs={
            "sat_release": (
                "node_id",
                "tag_name",
                "name",
                "is_draft",
                "is_prerelease",
                "created_at",
                "published_at",
                "body",
                "body_length",
                "body_md5",
            ),
        },
        dated_by="published_at",
        description="One row per release published by the end of that UTC day, and per draft seen.",
    ),
    subject="releases",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.history,
    needs=Needs.anyone,
    description="Releases with their notes; a day that is asked for later still shows all published by its end.",
    permission="Contents: read (push access for drafts)",
    classic_scope="repo (for private repositories)",
    actors=("author",),
)

release_assets = Dataset(
    Table(
        "release_assets",
        (
            bigint("asset_id", "id", "GitHub's numeric id of the asset.", required=True, via=numeric_id),
            bigint("release_id", "@parent.databaseId|@parent.id", "Numeric id of the release.", required=True),
            _REPO,
            text("name", description="File name."),
            text("content_type", "contentType|content_type", "Media type."),
            bigint("size_bytes", "size", "Size in bytes."),
            bigint(
                "download_count",
                "downloadCount|download_count",
                "Downloads since the file was uploaded: cumulative, and from 0 again when it is uploaded anew.",
            ),
            timestamp("created_at", "createdAt|created_at", "When it was uploaded."),
            timestamp("updated_at", "updatedAt|updated_at", "When it last changed."),
        ),
        key=("asset_id",),
        hash_keys={
            "release_asset_hk": ("asset_id",),
            "release_hk": ("release_id",),
            "repo_hk": ("repo_id",),
            "link_release_asset_hk": ("release_id", "asset_id"),
        },
        hash_diffs={
            "sat_release_asset": ("name", "content_type", "size_bytes", "created_at"),
            "sat_release_asset_counter": ("download_count",),
        },
        each="releaseAssets.nodes|assets",
        description="One row per file of a release and UTC day, with its downloads so far.",
    ),
    subject="releases",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Files of releases and how often they were downloaded; GitHub's source archives are not counted.",
    permission="Contents: read (push access for drafts)",
    classic_scope="repo (for private repositories)",
)

ANSWER_SETS = (
    AnswerSet(
        "releases",
        (releases, release_assets),
        (
            GraphRequest(
                "repository_releases",
                "nodes",
                ScopeKind.repository,
                25,
                (
                    GraphPart(
                        "releases",
                        scope_each=True,
                        path="releases.nodes",
                        inner="releases",
                        overflow="releases_of_one",
                    ),
                    GraphPart(
                        "release_assets",
                        scope_each=True,
                        path="releases.nodes",
                        inner="releases",
                        overflow="releases_of_one",
                        nested="releaseAssets",
                        nested_overflow="release_assets_of_one",
                    ),
                ),
                batch=True,
                list_size=20,
            ),
            RestRequest("/repos/{repo}/releases", ("releases", "release_assets")),
        ),
        priority=4,
        present="releases_count",
        cost="5 points per 25 repositories that have releases: downloads move without any sign in the inventory",
    ),
)
