"""Who and how many follow a repository: its stars by day, those who gave them, its watchers and its forks.

Since 2026-07 GitHub names stargazers and watchers only to admins and collaborators of a repository. Others get an empty
list beside the right count, or a refusal; either is recorded as forbidden and never as nobody.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

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
    day,
    text,
    timestamp,
)

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)
_LISTS_OF_PEOPLE = "Metadata: read and Contents: write, by an admin or collaborator of the repository"


def _first_day_of_week(record: Record) -> date | None:
    """The Sunday a week begins with.

    GitHub gives the second at which it begins in a time zone of its own; half a day later it is that Sunday in UTC,
    too, whatever the zone.
    """
    week = record.parent.get("week") if isinstance(record.parent, dict) else None
    return (datetime.fromtimestamp(int(week), UTC) + timedelta(hours=12)).date() if week is not None else None


def _star_date(record: Record) -> str | None:
    begins = _first_day_of_week(record)
    return (begins + timedelta(days=record.rank - 1)).isoformat() if begins else None


star_history = Dataset(
    Table(
        "star_history",
        (
            _REPO,
            day(
                "star_date",
                of=_star_date,
                description="The day the stars were given on, in GitHub's time zone: it need not begin at 00:00 UTC.",
                required=True,
            ),
            timestamp("week", "@parent.week", "The moment GitHub's week of that day begins, a Sunday."),
            bigint(
                "count",
                "value",
                "Stars given on that day and still held when GitHub was asked: one taken back vanishes from its day.",
                required=True,
            ),
        ),
        key=("repo_id", "star_date"),
        hash_keys={"repo_hk": ("repo_id",), "ma_sat_repo_star_history_hk": ("repo_id", "star_date")},
        hash_diffs={"ma_sat_repo_star_history": ("star_date", "week", "count")},
        each="days",
        scalars=True,
        dated_by="star_date",
        description=(
            "One row per repository, load day and star day, as seen that day; an older day may shrink later, and the"
            " two newest may still grow, since their ends are not those of UTC days."
        ),
    ),
    subject="popularity",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.history,
    needs=Needs.anyone,
    description="Stars by day since the repository began, without names; the newest thirty weeks once it is known.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
)

stargazers = Dataset(
    Table(
        "stargazers",
        (
            _REPO,
            bigint("user_id", "node.databaseId|user.id", "Numeric id of who gave the star.", required=True),
            timestamp("starred_at", "starredAt|starred_at", "When the star was given.", required=True),
        ),
        key=("repo_id", "user_id"),
        hash_keys={
            "repo_hk": ("repo_id",),
            "user_hk": ("user_id",),
            "link_repo_user_stargazer_hk": ("repo_id", "user_id"),
        },
        hash_diffs={"sat_repo_user_stargazer": ("starred_at",)},
        description="One row per repository, person who stars it and UTC day it was listed on.",
    ),
    subject="popularity",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.push,
    description="Who stars a repository and since when; a star taken back shows only in a whole list.",
    permission=_LISTS_OF_PEOPLE,
    classic_scope="public_repo (repo for private repositories)",
    actors=("node", "user"),
)

watchers = Dataset(
    Table(
        "watchers",
        (
            _REPO,
            bigint("user_id", "databaseId|id", "Numeric id of who watches.", required=True),
        ),
        key=("repo_id", "user_id"),
        hash_keys={
            "repo_hk": ("repo_id",),
            "user_hk": ("user_id",),
            "link_repo_user_watcher_hk": ("repo_id", "user_id"),
        },
        description="One row per repository, person who watches it and UTC day.",
    ),
    subject="popularity",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.push,
    description="Who watches a repository; GitHub tells no time of it.",
    permission=_LISTS_OF_PEOPLE,
    classic_scope="public_repo (repo for private repositories)",
    actors=("@item",),
)

forks = Dataset(
    Table(
        "forks",
        (
            _REPO,
            bigint("fork_repo_id", "databaseId|id", "Numeric id of the fork.", required=True),
            bigint("owner_id", "owner.databaseId|owner.id", "Numeric id of the account that owns the fork."),
            text("owner_type", "owner.__typename|owner.type", "User or Organization."),
            timestamp("created_at", "createdAt|created_at", "When it was forked."),
        ),
        key=("repo_id", "fork_repo_id"),
        hash_keys={
            "repo_hk": ("repo_id",),
            "fork_repo_hk": ("fork_repo_id",),
            "owner_hk": ("owner_id",),
            "link_repo_fork_hk": ("repo_id", "fork_repo_id"),
        },
        hash_diffs={"sat_repo_fork": ("owner_id", "owner_type", "created_at")},
        description="One row per repository, fork of it and UTC day the fork was listed on.",
    ),
    subject="popularity",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Forks of a repository; private ones are counted by GitHub and not listed.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
    actors=("owner",),
)

ANSWER_SETS = (
    AnswerSet(
        "stargazers",
        (stargazers,),
        (
            GraphRequest(
                "repository_stargazers",
                "nodes",
                ScopeKind.repository,
                50,
                (
                    GraphPart(
                        "stargazers",
                        scope_each=True,
                        path="stargazers.edges",
                        inner="stargazers",
                        overflow="stargazers_of_one",
                        total="stargazers.totalCount",
                    ),
                ),
                newest_first="starredAt",
                batch=True,
            ),
            # A 404 is no lost repository here: its inventory was read that day, so it is the list that is refused.
            RestRequest(
                "/repos/{repo}/stargazers",
                ("stargazers",),
                accept="application/vnd.github.star+json",
                means={"not_found": "forbidden"},
            ),
        ),
        priority=5,
        probe=("stargazers_count",),
        counts=("stargazers_count",),
        present="stargazers_count",
        cost="1 point per 50 repositories whose stars moved, and 1 per 100 stars beyond the first 100 of each",
    ),
    AnswerSet(
        "watchers",
        (watchers,),
        (
            GraphRequest(
                "repository_watchers",
                "nodes",
                ScopeKind.repository,
                50,
                (
                    GraphPart(
                        "watchers",
                        scope_each=True,
                        path="watchers.nodes",
                        inner="watchers",
                        overflow="watchers_of_one",
                        total="watchers.totalCount",
                    ),
                ),
                batch=True,
            ),
            RestRequest("/repos/{repo}/subscribers", ("watchers",), means={"not_found": "forbidden"}),
        ),
        priority=4,
        probe=("subscribers_count",),
        present="subscribers_count",
        cost="1 point per 50 repositories whose watchers moved, and 1 per 100 watchers beyond the first 100 of each",
    ),
    AnswerSet(
        "forks",
        (forks,),
        (
            GraphRequest(
                "repository_forks",
                "nodes",
                ScopeKind.repository,
                50,
                (
                    GraphPart(
                        "forks",
                        scope_each=True,
                        path="forks.nodes",
                        inner="forks",
                        overflow="forks_of_one",
                    ),
                ),
                newest_first="createdAt",
                batch=True,
            ),
            RestRequest("/repos/{repo}/forks", ("forks",), params={"sort": "newest"}, newest_first="created_at"),
        ),
        priority=5,
        probe=("forks_count",),
        counts=("forks_count",),
        present="forks_count",
        cost="1 point per 50 repositories whose forks moved, and 1 per 100 forks beyond the first 100 of each",
    ),
    AnswerSet(
        "star_history",
        (star_history,),
        (
            RestRequest(
                "/repos/{repo}/stargazers/history",
                ("star_history",),
                params={"per_page": "30"},
                newest_first="week",
            ),
        ),
        priority=6,
        probe=("stargazers_count",),
        present="stargazers_count",
        cost="1 request per repository whose stars moved; the first time 1 per 30 weeks of its life",
    ),
)
