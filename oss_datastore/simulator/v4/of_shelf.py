"""What lies on a repository's shelf in the graph: languages, topics, releases and discussions."""

from __future__ import annotations

from typing import Any

from oss_datastore.simulator.node_ids import node_id
from oss_datastore.simulator.v4.base import Connection, Plain, ordered
from oss_datastore.simulator.world.dice import ANCHOR, DAY, iso

Order = dict[str, str] | None


def languages(node: Any, order_by: Order, paging: dict[str, Any]) -> Connection:
    """Bytes by language. `node` is the repository's node, here and below."""
    sizes = node.repository.languages(node.now)
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
    """Its releases, newest first."""
    found = node.repository.releases(node.now)[::-1]
    latest = found[0] if found else None

    def make(entry: tuple[int, str]) -> Plain:
        moment, tag = entry
        identity = 190_000_000 + node.repository.serial * 1_000 + int(tag.split(".")[1])
        return Plain(
            node.call,
            "Release",
            f"{node.place}/releases/tag/{tag}",
            id=node_id("RE", node.repository.id, identity),
            database_id=identity,
            tag_name=tag,
            name=tag,
            created_at=iso(moment),
            published_at=iso(moment),
            updated_at=iso(moment),
            is_draft=False,
            is_prerelease=False,
            is_latest=entry == latest,
            repository=node,
        )

    keys = {"CREATED_AT": lambda entry: entry[0], "NAME": lambda entry: entry[1]}
    return Connection(ordered(found, order_by, keys), make, paging)


def discussions(node: Any, order_by: Order, states: list[str] | None, paging: dict[str, Any]) -> Connection:
    """Its discussions, where it has any: one every few weeks, none ever closed."""
    step, start = 19 * DAY, max(ANCHOR, node.repository.created)
    many = (node.now - start) // step if node.has_discussions_enabled and (not states or "OPEN" in states) else 0

    def make(turn: int) -> Plain:
        moment = iso(start + step * turn)
        identity = 8_000_000 + node.repository.serial * 2_000 + turn
        return Plain(
            node.call,
            "Discussion",
            f"{node.place}/discussions/{10_000 + turn}",
            id=node_id("D", node.repository.id, identity),
            database_id=identity,
            number=10_000 + turn,
            title="How do you use it?",
            created_at=moment,
            updated_at=moment,
            closed=False,
            closed_at=None,
            repository=node,
        )

    keys = dict.fromkeys(("CREATED_AT", "UPDATED_AT"), lambda turn: turn)
    return Connection(ordered(range(1, many + 1), order_by, keys), make, paging)
