"""Which datasets feed an asset: found by going up the graph of the assets themselves.

What the ledger says of them stands under the asset (`assets.ledger`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dagster as dg

from oss_datastore.catalogue import ACTORS, DATASETS
from oss_datastore.warehouse import FETCH_LEDGER

Graph = Mapping[dg.AssetKey, Iterable[dg.AssetKey]]
"""Each asset with what it is made of."""

_OF_EVERYTHING = {dg.AssetKey(["psa", ACTORS.name]), dg.AssetKey(["psa", FETCH_LEDGER.name])}


def graph_of(specs: Iterable[dg.AssetSpec]) -> Graph:
    """The graph of these assets."""
    return {spec.key: tuple(dep.asset_key for dep in spec.deps) for spec in specs}


def datasets_of(key: dg.AssetKey, graph: Graph) -> tuple[str, ...]:
    """The datasets that feed an asset, in order of their names; every dataset, where it is made of all of them.

    Hubs and links are not gone through: they lend their keys, which fifty datasets may bring, while what is told of a
    thing comes by satellites. Accounts and ledger are not gone through either, since every dataset feeds them.
    """
    found: set[str] = set()
    seen, open_keys = {key}, [key]
    while open_keys:
        for above in graph.get(open_keys.pop(), ()):
            if above in seen or above in _OF_EVERYTHING or above.path[-1].startswith(("hub_", "link_")):
                continue
            seen.add(above)
            if above.path[0] == "staging":
                found.add(above.path[-1])
            else:
                open_keys.append(above)
    if found or not graph.get(key):
        return tuple(sorted(found))
    return tuple(sorted(DATASETS))
