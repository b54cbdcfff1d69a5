"""What lies on a repository's shelf in the graph: languages, topics, releases and discussions."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v3.call import HTML
from oss_datastore.simulator.v4.base import Connection, Plain, ordered
from oss_datastore.simulator.v4.of_accounts import actor
from oss_datastore.simulator.v4.of_commits import branch_commit
from oss_datastore.simulator.world.dice import DAY, iso
from oss_datastore.simulator.world.discussions import CATEGORIES, Discussion, Remark
from oss_datastore.simulator.world.discussions import discussions as world_discussions
from oss_datastore.simulator.world.people import Person
from oss_datastore.simulator.world.releases import Asset, Release
from oss_datastore.simulator.world.releases import releases as world_releases

Order = dict[str, str] | None


def languages(node: Any, order_by: Order, paging: dict[str, Any]) -> Connection:
    """Bytes by language. `node` is the repository's node, here and below."""
    sizes = {} if node.is_bare() else node.repository.languages(node.now)
    return Connection(
        ordered(sizes, order_by, {"SIZE": lambda name: sizes[name]}),
        lambda name: Plain(node.call, "Language", id=node_id("LAN", len(name)), name=name, color=None),
        paging,
        lambda name: {"size": sizes[name]},
        total_size=sum(sizes.values()),
    )


def topics(node: Any, paging: dict[str, Any]) -> Connection:
    """What it says it is about."""

    def make(name: str) -> Plain:
        topic = Plain(node.call, "Topic", id=f"TO_{name}", name=name)
        identity = f"RT_{node.repository.id}_{name}"
        return Plain(node.call, "RepositoryTopic", f"/topics/{name}", id=identity, topic=topic)

    return Connection(node.repository.topics, make, paging)


def releases(node: Any, order_by: Order, paging: dict[str, Any]) -> Connection:
    """Its releases, newest first; drafts are for those who may push."""
    now, push = node.now, node.call.may(node.repository, "push")
    found = [each for each in world_releases(node.repository, now) if push or not each.draft(now)][::-1]
    keys = {"CREATED_AT": lambda release: (release.created, release.id), "NAME": lambda release: release.name}
    return Connection(ordered(found, order_by, keys), lambda release: release_node(node, release), paging)


def latest_release(node: Any) -> Release | None:
    """The newest of those that are published and no candidates."""
    now = node.now
    full = [each for each in world_releases(node.repository, now) if not each.draft(now) and not each.prerelease]
    return max(full, key=lambda release: release.published, default=None)


def release_node(node: Any, release: Release) -> Plain:
    """One release."""
    call, now = node.call, node.now
    draft = release.draft(now)
    ghost = call.holds_at("ghost_authors", node.repository, "releases", release.id)
    place = f"{node.place}/releases/tag/{release.tag}"
    return Plain(
        call,
        "Release",
        place,
        id=node_id("RE", node.repository.id, release.id),
        database_id=release.id,
        tag_name=release.tag,
        name=release.name,
        description=release.body,
        author=None if release.author.is_bot or ghost else actor(call, release.author),
        created_at=iso(release.created),
        published_at=None if draft else iso(release.published),
        updated_at=iso(release.created if draft else release.published),
        is_draft=draft,
        is_prerelease=release.prerelease,
        is_latest=release == latest_release(node),
        tag_commit=None if draft else lambda: branch_commit(node, node.repository.head(release.published)),
        repository=node,
        release_assets=lambda name=None, **paging: Connection(
            [asset for asset in release.assets(now) if name in (None, asset.name)],
            lambda asset: _asset(node, release, asset),
            paging,
        ),
    )


def _asset(node: Any, release: Release, asset: Asset) -> Plain:
    downloads = asset.downloads(node.now)
    if node.call.holds("download_reset", node.repository):
        downloads -= asset.downloads(max(asset.created, node.now - node.now % DAY))
    found = Plain(
        node.call,
        "ReleaseAsset",
        id=node_id("RA", node.repository.id, asset.id),
        name=asset.name,
        content_type=asset.content_type,
        size=asset.size,
        download_count=downloads,
        download_url=f"{HTML}{node.place}/releases/download/{release.tag}/{asset.name}",
        created_at=iso(asset.created),
        updated_at=iso(asset.created),
        uploaded_by=actor(node.call, asset.uploader),
        release=lambda: release_node(node, release),
    )
    found.__dict__["url"] = f"{node.call.base}/repos{node.place}/releases/assets/{asset.id}"
    return found


def discussions(
    node: Any, order_by: Order, states: list[str] | None, answered: bool | None, paging: dict[str, Any]
) -> Connection:
    """Its discussions, where it has turned them on."""
    now = node.now
    found = [
        each
        for each in world_discussions(node.repository, now)
        if (not states or ("CLOSED" if each.closed <= now else "OPEN") in states)
        and (answered is None or (each.accepted(now) is not None) == answered)
    ]
    keys = {
        "CREATED_AT": lambda each: (each.created, each.id),
        "UPDATED_AT": lambda each: (each.updated(now), each.id),
    }
    return Connection(ordered(found, order_by, keys), lambda each: discussion_node(node, each), paging)


def discussion_node(node: Any, each: Discussion) -> Plain:
    """One discussion."""
    call, now = node.call, node.now
    answer, closed = each.accepted(now), each.closed <= now
    ghost = call.holds_at("ghost_authors", node.repository, "discussions", each.number)
    found = Plain(
        call,
        "Discussion",
        f"{node.place}/discussions/{each.number}",
        id=node_id("D", node.repository.id, each.id),
        database_id=each.id,
        number=each.number,
        title=each.title,
        body=each.body,
        body_text=each.body,
        author=None if ghost else actor(call, each.author),
        author_association=_association(node, each.author),
        category=category_node(node, each.category),
        created_at=iso(each.created),
        published_at=iso(each.created),
        last_edited_at=None,
        updated_at=iso(each.updated(now)),
        closed=closed,
        closed_at=iso(each.closed) if closed else None,
        state_reason="RESOLVED" if closed else None,
        is_answered=answer is not None if CATEGORIES[each.category][3] else None,
        answer_chosen_at=iso(each.answered) if answer else None,
        answer_chosen_by=actor(call, each.chosen_by) if answer else None,
        locked=False,
        upvote_count=each.upvotes(now),
        repository=node,
    )
    found.__dict__["answer"] = remark_node(node, found, each, answer) if answer else None
    found.__dict__["comments"] = lambda **paging: Connection(
        each.comments(now), lambda remark: remark_node(node, found, each, remark), paging
    )
    found.__dict__["labels"] = lambda order_by=None, **paging: Connection([], lambda name: name, paging)
    return found


def category_node(node: Any, index: int) -> Plain:
    """A room for discussions."""
    name, slug, emoji, answerable = CATEGORIES[index]
    moment = iso(node.repository.created)
    return Plain(
        node.call,
        "DiscussionCategory",
        id=node_id("DIC", node.repository.id, index + 1),
        name=name,
        slug=slug,
        emoji=emoji,
        description=None,
        is_answerable=answerable,
        created_at=moment,
        updated_at=moment,
        repository=node,
    )


def remark_node(node: Any, discussion: Plain, each: Discussion, remark: Remark) -> Plain:
    """A comment in a discussion."""
    call = node.call
    return Plain(
        call,
        "DiscussionComment",
        f"{discussion.place}#discussioncomment-{remark.id}",
        id=node_id("DC", node.repository.id, remark.id),
        database_id=remark.id,
        body=remark.body,
        body_text=remark.body,
        author=actor(call, remark.author),
        author_association=_association(node, remark.author),
        created_at=iso(remark.at),
        published_at=iso(remark.at),
        updated_at=iso(remark.at),
        is_answer=remark == each.accepted(call.now),
        upvote_count=0,
        discussion=discussion,
    )


def _association(node: Any, who: Person | None) -> str:
    return "MEMBER" if who is not None and who in node.repository.org.members(node.now) else "NONE"
