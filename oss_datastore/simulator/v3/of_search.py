"""The search for issues and pull requests: a budget of its own, a thousand results, now and then not all of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from oss_datastore.simulator.v3.call import Call, Json, Listing, Refused, Route
from oss_datastore.simulator.v3.tracker import issue
from oss_datastore.simulator.world.dice import parse_instant
from oss_datastore.simulator.world.items import Item

MOST = 1_000
KINDS = {"issue": False, "pull-request": True, "pr": True}
STATES = {"open": True, "closed": False}


def issues(call: Call) -> Listing:
    """Issues or pull requests that satisfy the words of `q`."""
    try:
        words = shlex.split(call.query.get("q", ""))
    except ValueError:
        words = []
    pairs = [word.partition(":") for word in words if ":" in word]
    kinds = {KINDS[value] for name, _, value in pairs if name in ("is", "type") and value in KINDS}
    if len(kinds) != 1:
        raise Refused(422, "Query must include 'is:issue' or 'is:pull-request'")
    wanted = kinds.pop()
    text = " ".join(word for word in words if ":" not in word).lower()
    tests = [test for name, _, value in pairs for test in [_test(call, name, value)] if test is not None]
    found = [
        item
        for org in call.world.orgs.values()
        for repository in org.repositories_at(call.now)
        if call.sees(repository)
        for item in call.items(repository)
        if item.is_pull == wanted and text in item.at(call.now).title.lower() and all(test(item) for test in tests)
    ]
    order = call.choice("sort", ("created", "updated", "comments"), "created")
    backwards = call.choice("order", ("asc", "desc"), "desc") == "desc"
    found.sort(key=lambda item: (_rank(call, order, item), item.issue_id), reverse=backwards)
    incomplete = call.strikes("search_incomplete")
    total, kept = len(found), found[: MOST if not incomplete else (len(found) + 1) // 2]

    def wrap(_: int, entries: list[Json]) -> Json:
        return {
            "total_count": total,
            "incomplete_results": incomplete,
            "search_type": "lexical",
            "items": entries,
        }

    return Listing(kept, lambda item: {**issue(call, item), "score": 1.0}, wrap)


def _rank(call: Call, order: str, item: Item) -> int:
    state = item.at(call.now)
    return {"created": item.created, "updated": state.updated, "comments": len(state.comments)}[order]


def _test(call: Call, name: str, value: str) -> Callable[[Item], bool] | None:
    match name:
        case "repo":
            return lambda item: item.repository.full_name(call.now).lower() == value.lower()
        case "org" | "user":
            return lambda item: item.repository.org.login.lower() == value.lower()
        case "author":
            return lambda item: item.author is not None and item.author.login == value
        case "is" | "state" if value in STATES:
            return lambda item: item.at(call.now).open == STATES[value]
        case "created":
            return _dated(value, lambda item: item.created)
        case "updated":
            return _dated(value, lambda item: item.at(call.now).updated)
    return None


def _dated(value: str, moment: Callable[[Item], int]) -> Callable[[Item], bool]:
    first, ranged, last = value.partition("..")
    try:
        if ranged:
            low, high = parse_instant(first), parse_instant(last)
            return lambda item: low <= moment(item) <= high
        bound = parse_instant(value.lstrip("<>="))
    except ValueError:
        raise Refused(422, f"cannot read the date {value}") from None
    if value.startswith(">"):
        return lambda item: moment(item) >= bound
    if value.startswith("<"):
        return lambda item: moment(item) <= bound
    return lambda item: bound <= moment(item) < bound + 86_400


ROUTES = (Route("/search/issues", issues, resource="search"),)
