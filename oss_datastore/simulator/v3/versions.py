"""The two API versions: what 2026-03-10 no longer says. Shapes are written as of 2022-11-28 and cut here."""

from __future__ import annotations

from typing import Any

DEFAULT, NEWER = "2022-11-28", "2026-03-10"
VERSIONS = (DEFAULT, NEWER)
GONE = frozenset(
    {
        "assignee",
        "authorizations_url",
        "cvss",
        "has_downloads",
        "hub_url",
        "master_branch",
        "merge_commit_sha",
        "rate",
        "secret_scanning_push_protection_custom_link_enabled",
        "use_squash_pr_title_as_default",
    }
)
KEPT_IN_EVENTS = frozenset({"assignee"})


def newer(payload: Any) -> Any:
    """A payload as 2026-03-10 writes it."""
    if isinstance(payload, list):
        return [newer(entry) for entry in payload]
    if not isinstance(payload, dict):
        return payload
    # An event says who was assigned under the name that issues lost.
    kept = KEPT_IN_EVENTS if "event" in payload else frozenset()
    found = {name: newer(value) for name, value in payload.items() if name not in GONE or name in kept}
    merge = found.get("pull_request")
    if isinstance(merge, dict) and merge.get("merged_at", "") is None:
        del merge["merged_at"]
    return found
