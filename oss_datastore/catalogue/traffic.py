"""Repository traffic: the only thing GitHub forgets within two weeks, so it is fetched before all else."""

from __future__ import annotations

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    Needs,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    day,
    text,
)

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)


def _daily(name: str, list_name: str, what: str) -> Dataset:
    edge = boolean(
        "is_window_edge",
        of=lambda record: str(record.item.get("timestamp"))[:10] <= record.edge,
        description="The leftmost day of GitHub's fourteen: cut, and therefore too low.",
    )
    return Dataset(
        Table(
            name,
            (
                _REPO,
                day("traffic_date", "timestamp", "The UTC day the numbers are of.", required=True),
                bigint("count", description=f"{what} on that day.", required=True),
                bigint(
                    "uniques",
                    description=f"Unique sources of {what.lower()}; must not be added up over days.",
                    required=True,
                ),
                edge,
            ),
            key=("repo_id", "traffic_date"),
            hash_keys={"repo_hk": ("repo_id",)},
            hash_diffs={f"ma_sat_repo_{name}": ("traffic_date", "count", "uniques", "is_window_edge")},
            each=list_name,
            description=f"One row per repository, load day and day of {what.lower()}.",
        ),
        subject="traffic",
        scope_kind=ScopeKind.repository,
        addressable=Addressable.window,
        needs=Needs.push,
        description=f"{what} of the last fourteen UTC days; days of zero are left out by GitHub.",
        is_object=True,
        permission="Administration: read",
        classic_scope="repo",
        children=(
            Table(
                f"{name}_window",
                (
                    _REPO,
                    bigint(
                        "count",
                        "@payload.count",
                        f"{what} of the whole window as GitHub adds them.",
                        required=True,
                    ),
                    bigint(
                        "uniques",
                        "@payload.uniques",
                        "GitHub's own uniques of the whole window.",
                        required=True,
                    ),
                ),
                key=("repo_id",),
                hash_keys={"repo_hk": ("repo_id",)},
                hash_diffs={f"sat_repo_{name}_window": ("count", "uniques")},
                each="@payload",
                snapshot_only=True,
                description="One row per repository and UTC day: the fourteen-day totals as GitHub gave them.",
            ),
        ),
    )


def _top_ten(name: str, columns: tuple[Column, ...], what: str) -> Dataset:
    return Dataset(
        Table(
            name,
            (
                _REPO,
                bigint("rank", "@rank", "Place in the list, from 1.", required=True),
                *columns,
                bigint(
                    "count",
                    description="Views in the last fourteen days; never to be summed over days.",
                    required=True,
                ),
                bigint("uniques", description="Unique visitors in the last fourteen days.", required=True),
            ),
            key=("repo_id", columns[0].name),
            hash_keys={"repo_hk": ("repo_id",)},
            hash_diffs={
                f"ma_sat_repo_{name}": ("rank", *(c.name for c in columns), "count", "uniques"),
            },
            description=f"One row per repository, UTC day and {columns[0].name} of the rolling top ten.",
        ),
        subject="traffic",
        scope_kind=ScopeKind.repository,
        addressable=Addressable.snapshot,
        needs=Needs.push,
        description=f"The ten {what} of the last fourteen days, without dates: a snapshot.",
        permission="Administration: read",
        classic_scope="repo",
    )


traffic_views = _daily("traffic_views", "views", "Views")
traffic_clones = _daily("traffic_clones", "clones", "Clones")
traffic_referrers = _top_ten(
    "traffic_referrers",
    (text("referrer", description="The site visitors came from.", required=True),),
    "sites most visitors came from",
)
traffic_paths = _top_ten(
    "traffic_paths",
    (
        text("path", description="The path that was viewed.", required=True),
        text("title", description="Title of the page."),
    ),
    "most viewed paths",
)

ANSWER_SETS = tuple(
    AnswerSet(
        dataset.name,
        (dataset,),
        (RestRequest(f"/repos/{{repo}}/traffic/{path}", (dataset.name,), paged=False),),
        priority=2,
        cost="1 request per repository",
    )
    for dataset, path in (
        (traffic_views, "views"),
        (traffic_clones, "clones"),
        (traffic_referrers, "popular/referrers"),
        (traffic_paths, "popular/paths"),
    )
)
