"""What must never be kept is not in the store, and what was learned of it is in the rows."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import cast

from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.scopes import Inventories
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.conftest import TOKENS
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, MemoryWarehouse, after, fetcher


def staged_text(staging: Staging, answer_set: str) -> str:
    """Every staged answer of a set and day."""
    keys = [key for key in staging.store.list(staging.folder(answer_set, DAY)) if "/part-" in key]
    return "".join(gzip.decompress(staging.store.get(key)).decode() for key in keys)


def test_a_webhooks_address_and_secret_are_staged_nowhere_though_it_is_known_whether_it_signs(
    github: Simulator, tmp_path: Path
) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY))
    for name in ("repositories", "webhooks", "organization_webhooks"):
        fetch.fetch(name, DAY)
    warehouse = MemoryWarehouse()
    loader = PsaLoader(fetch.staging, cast(DuckDbWarehouse, warehouse), MemoryLetters())
    for name in ("webhooks", "organization_webhooks"):
        text = staged_text(fetch.staging, name)
        assert "//hooks.acme.example" in text
        assert "hooks.acme.example/4" not in text
        assert "********" not in text
        loader.load(name, [DAY])
    rows = warehouse.rows["webhooks"] + warehouse.rows["organization_webhooks"]
    assert {row["url_host"] for row in rows} == {"hooks.acme.example"}
    assert True in {row["has_secret"] for row in rows}


def test_the_events_of_a_private_repository_are_asked_of_itself(tmp_path: Path) -> None:
    """The organisation's feed holds public events only: taken for all, a private repository would seem idle."""
    with Simulator(repos=12, now=after(DAY), tokens=TOKENS, limits=PLENTY) as github:
        fetch = fetcher(github, tmp_path, now=after(DAY))
        fetch.fetch("repositories", DAY)
        fetch.fetch("events", DAY)
        asked = [entry.target for entry in github.application.log.entries if "/events" in entry.target]
        inventory = Inventories(fetch.staging).repositories(DAY, DAY, fetch.resolve(DAY)[0], ())
        private = {s.names["repo"] for s in inventory if s.inventory and s.inventory["is_private"]}
    assert private
    assert {target.split("/events")[0].removeprefix("/repos/") for target in asked} == private | {
        "/orgs/acme",
        "/organizations/40000000",
    }
