"""Faults on demand: which requests go wrong, and how. The same seed makes the same requests fail.

A fault is written `name[@pattern][;day=YYYY-MM-DD][=rate][:sticky]`. The pattern is a glob over the path (of the
request as it came, or with the repository's present name; `/graphql/<operation>?<variable>=<value>` for GraphQL, or
`/graphql/<operation>/<field>?<variable>=<value>` for every query that asks for a field).
Without `:sticky` each attempt is a throw of its own, so that a retry may succeed; with it, or with rate 1, every
attempt of the simulated day ends alike. A lasting fault belongs to a repository, an organisation or an item; its
pattern may also name that one: `/repos/acme/*`, `/orgs/acme`, `/repos/acme/lantern/issues/7`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

from oss_datastore.simulator.world.dice import share


@dataclass(frozen=True)
class Kind:
    """What may go wrong, or be otherwise than usual: the behaviour of GitHub it belongs to, and what it looks like.

    A `lasting` one belongs to a thing (a repository, an organisation, an item): it is so or not, for every request of
    either API on every day (or on the fault's day). All others strike single requests.
    """

    behaviour: int
    looks: str
    lasting: bool = False


BEHAVIOURS = {
    1: "headers of every answer",
    2: "API versions",
    3: "who is asking",
    4: "pages and links",
    5: "beyond the last page",
    6: "conditional requests",
    7: "asking for the limits",
    8: "the hourly budget",
    9: "secondary limits",
    10: "calls during a block",
    11: "statistics",
    12: "traffic",
    13: "star and watcher lists",
    14: "renamed and transferred repositories",
    15: "deleted and blocked repositories",
    16: "empty repositories",
    17: "features switched off, items gone",
    18: "lists of issues",
    19: "authors that are nobody",
    20: "Dependabot and code scanning alerts",
    21: "secret scanning alerts",
    22: "lists of members",
    23: "events",
    24: "servers and the wire",
    25: "GraphQL: queries refused",
    26: "GraphQL: the hourly budget",
    27: "GraphQL: partial answers",
    28: "GraphQL: timeouts",
    29: "global ids",
    30: "permissions",
    31: "counters",
    32: "search",
}
"""What GitHub does beyond answering, by number; each has faults that show its awkward side."""

KINDS = {
    "headers_missing": Kind(1, "no x-ratelimit-* and no x-github-* header, as behind a proxy that drops them"),
    "unknown_version": Kind(2, "400: the API version asked for is not supported"),
    "older_version": Kind(2, "the answer is of 2022-11-28, whatever version was asked for"),
    "user_agent_refused": Kind(3, "403 with a text that asks for a User-Agent"),
    "bad_credentials": Kind(3, "401 Bad credentials"),
    "short_pages": Kind(4, "half as many entries on a page as asked for; the links are right", lasting=True),
    "pages_shift": Kind(4, "something moved up while a list is read: each further page repeats an entry", lasting=True),
    "page_beyond_end": Kind(5, "the last page links to one more, which is empty"),
    "pagination_limited": Kind(5, "422 for every page after the first: pagination is limited for this resource"),
    "etag_ignored": Kind(6, "200 with the whole body where 304 would do"),
    "rate_limit_hidden": Kind(7, "/rate_limit is 404: rate limiting is not enabled"),
    "primary_limit": Kind(8, "the hourly budget is gone: 403 (or what --primary-status says)"),
    "primary_limit_429": Kind(8, "the hourly budget is gone: 429"),
    "secondary_limit": Kind(9, "the secondary limit, as if the client had been hasty; its three wordings take turns"),
    "secondary_limit_429": Kind(9, "the secondary limit with 429 and retry-after"),
    "secondary_limit_bare": Kind(9, "the secondary limit, told by nothing but the text"),
    "secondary_limit_remaining": Kind(9, "the secondary limit, with remaining 0 and a reset"),
    "secondary_limit_longer": Kind(10, "the secondary limit, and the block lasts twice as long as retry-after says"),
    "statistics_computing": Kind(11, "202 with an empty object: the statistics are being computed"),
    "statistics_too_large": Kind(11, "422 code_frequency, no additions and deletions in contributors", lasting=True),
    "traffic_forbidden": Kind(12, "403 Must have push access to repository", lasting=True),
    "star_list_hidden": Kind(13, "lists of stargazers and watchers: 404, in GraphQL empty edges", lasting=True),
    "star_list_forbidden": Kind(13, "lists of stargazers and watchers: 403, contents=write is wanted", lasting=True),
    "moved": Kind(14, "301 to /repositories/{id} for a repository asked for by name", lasting=True),
    "deleted": Kind(15, "404, in GraphQL null and NOT_FOUND, though lists still name it", lasting=True),
    "blocked": Kind(15, "451 Repository access blocked"),
    "blocked_403": Kind(15, "403 Repository access blocked"),
    "empty_repository": Kind(16, "no commits: 409 and 204, in GraphQL no default branch", lasting=True),
    "issues_disabled": Kind(17, "410 Issues are disabled for this repo", lasting=True),
    "issue_deleted": Kind(17, "410, and absent from lists; the pattern is .../issues/7", lasting=True),
    "issue_transferred": Kind(
        17, "301 to another repository, and absent from lists; the pattern is .../issues/7", lasting=True
    ),
    "pull_requests_disabled": Kind(17, "404 at /pulls", lasting=True),
    "malformed_item": Kind(
        18, "an issue, pull request or alert without an id; the pattern is its own path, .../issues/7", lasting=True
    ),
    "since_ignored": Kind(18, "the whole list, though only what changed since was asked for"),
    "ghost_authors": Kind(
        19, "authors are null; the pattern is .../issues/7, .../commits/<sha>, .../releases/<id>", lasting=True
    ),
    "dependabot_disabled": Kind(20, "403 Dependabot alerts are disabled for this repository", lasting=True),
    "alerts_archived": Kind(20, "every closed Dependabot alert has left the list", lasting=True),
    "code_scanning_disabled": Kind(20, "404 no analysis found; absent from the organisation's list", lasting=True),
    "security_unavailable": Kind(20, "503 in JSON at code and secret scanning"),
    "secret_in_clear": Kind(21, "the secret stands in the answer though hide_secret was asked for"),
    "secret_scanning_disabled": Kind(21, "404 Secret scanning is disabled on this repository", lasting=True),
    "members_hidden": Kind(22, "members who conceal themselves are left out with status 200", lasting=True),
    "events_delayed": Kind(23, "the latest event is six hours old", lasting=True),
    "server_error": Kind(24, "500 with GitHub's JSON body"),
    "bad_gateway": Kind(24, "502 with GitHub's JSON body"),
    "unavailable": Kind(24, "503 with an HTML page"),
    "reset": Kind(24, "the connection is reset before an answer"),
    "truncated": Kind(24, "200, but the connection ends in the middle of the body"),
    "not_json": Kind(24, "200 with a body that is no JSON"),
    "timeout": Kind(24, "no answer for ten seconds, then 502 (GraphQL: its error body, and points are charged)"),
    "graphql_invalid": Kind(25, "200 with errors and no data, as if the query did not fit the schema"),
    "graphql_node_limit": Kind(25, "200 with MAX_NODE_LIMIT_EXCEEDED and no data"),
    "graphql_rate_limit": Kind(26, "200 and RATE_LIMITED or RATE_LIMIT by turns: the budget of points is gone"),
    "graphql_secondary_limit": Kind(26, "200 with the text of the secondary limit, and retry-after"),
    "graphql_node_error": Kind(
        27, "null and an error where a repository should be; the pattern is /repos/{owner}/{repo}"
    ),
    "graphql_null_nodes": Kind(27, "null where a repository should be, and no error", lasting=True),
    "graphql_forbidden": Kind(27, "null and FORBIDDEN (saml_failure) where a repository should be", lasting=True),
    "graphql_resource_limits": Kind(27, "partial data and RESOURCE_LIMITS_EXCEEDED"),
    "graphql_timeout": Kind(28, "502 with GraphQL's error body at once; points are charged"),
    "graphql_timeout_200": Kind(28, "the same with status 200"),
    "former_node_ids": Kind(29, "node ids in their former form; both forms are understood", lasting=True),
    "forbidden": Kind(30, "403 Resource not accessible"),
    "not_found": Kind(30, "404 in place of 403"),
    "download_reset": Kind(31, "asset download counts begin anew: the files were replaced", lasting=True),
    "counts_stale": Kind(31, "the counts of a repository are those of yesterday", lasting=True),
    "search_incomplete": Kind(32, "incomplete_results, and half of the entries"),
    "search_limit": Kind(32, "403: the budget of searches is gone"),
}
"""Every fault by name."""


@dataclass(frozen=True)
class Fault:
    """One declared fault."""

    name: str
    rate: float
    pattern: str = "*"
    day: date | None = None
    sticky: bool = False

    @property
    def text(self) -> str:
        """The fault as it is written."""
        day = f";day={self.day}" if self.day else ""
        return f"{self.name}@{self.pattern}{day}={self.rate}{':sticky' if self.sticky else ''}"


def read_fault(what: str, how: str | float = 1.0) -> Fault:
    """A fault from `name[@pattern][;day=D]` and `rate[:sticky]`. Raises ValueError with what was expected."""
    rate_text, _, sticky = str(how).partition(":")
    head, _, day = what.partition(";day=")
    name, _, pattern = head.partition("@")
    if name not in KINDS:
        raise ValueError(f"unknown fault {name!r}: expected one of {', '.join(KINDS)}")
    if sticky not in ("", "sticky"):
        raise ValueError(f"cannot read {how!r} of the fault {name!r}: expected a rate, or a rate and :sticky")
    try:
        rate = float(rate_text)
        when = date.fromisoformat(day) if day else None
    except ValueError:
        raise ValueError(f"cannot read the fault {what}={how}: expected name[@pattern][;day=D]=rate[:sticky]") from None
    return Fault(name, rate, pattern or "*", when, bool(sticky))


def read_faults(declared: str | Mapping[str, str | float] | None) -> tuple[Fault, ...]:
    """Faults from one comma-separated text or a mapping of what to how."""
    if not declared:
        return ()
    pairs: Iterable[tuple[str, str | float]]
    if isinstance(declared, str):
        pairs = [_split(part.strip()) for part in declared.split(",") if part.strip()]
    else:
        pairs = declared.items()
    return tuple(read_fault(what, how) for what, how in pairs)


def _split(part: str) -> tuple[str, str]:
    # Only an `=` after the last `;day=D` separates the rate: the pattern and the day hold some of their own.
    what, found, how = part.rpartition("=")
    if found and not what.endswith(";day") and how.partition(":")[0].replace(".", "", 1).isdigit():
        return what, how
    return part, "1"


@dataclass
class Faults:
    """Decides which requests go wrong."""

    seed: int
    declared: tuple[Fault, ...] = ()
    struck: Counter[str] = field(default_factory=Counter)
    _attempts: Counter[tuple[str, str, date]] = field(default_factory=Counter)

    def declare(self, faults: tuple[Fault, ...]) -> None:
        """Replaces what is declared."""
        self.declared = faults

    def strike(self, names: Iterable[str], paths: Iterable[str], key: str, day: date) -> str | None:
        """The first declared fault of these names that hits a request.

        `paths` are the names that patterns may match; `key` is the whole request, so that pages differ.
        """
        if not self.declared:
            return None
        wanted, known = set(names), tuple(paths)
        for fault in self.declared:
            if fault.name not in wanted or (fault.day is not None and fault.day != day):
                continue
            if not any(fnmatchcase(path, fault.pattern) for path in known):
                continue
            turn = 0
            if not fault.sticky:
                turn = self._attempts[fault.text, key, day]
                self._attempts[fault.text, key, day] += 1
            if share(self.seed, fault.name, fault.pattern, key, day, turn) < fault.rate:
                self.struck[fault.name] += 1
                return fault.name
        return None

    def holds(self, name: str, paths: Iterable[str], key: str, day: date) -> bool:
        """Whether a lasting fault belongs to a thing: `paths` are what patterns may match, `key` is its identity.

        Whichever API asks, however often, on whatever day: the answer is the same, save for faults of one day.
        """
        for fault in self.declared:
            if fault.name != name or (fault.day is not None and fault.day != day):
                continue
            if not any(fnmatchcase(path, fault.pattern) for path in paths):
                continue
            if fault.rate >= 1 or share(self.seed, fault.name, fault.pattern, key) < fault.rate:
                self.struck[name] += 1
                return True
        return False
