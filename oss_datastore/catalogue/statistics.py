"""Statistics that GitHub computes of a repository's commits: by contributor, by week, by hour of the week.

Merges are not counted, and an author whose e-mail belongs to no account is null. From 10,000 commits on GitHub leaves
lines out: additions and deletions come as zero (contributors) or the answer is refused (code frequency).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    day,
)

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)
_TOO_MANY_COMMITS = "GitHub does not compute it at 10,000 commits and more"


def _weeks(contributor: Any) -> list[Mapping[str, Any]]:
    found = contributor.get("weeks") or []
    if not isinstance(found, list):
        raise ValueError(f"weeks: expected a list, came {type(found).__name__}")
    return found


def _place(contributor: Any, payload: Any) -> int:
    """0 for an account; else the place among the contributors, because nothing else tells two nobodies apart."""
    author = contributor.get("author")
    if isinstance(author, dict) and author.get("id") is not None:
        return 0
    return next((index for index, other in enumerate(payload, 1) if other is contributor), 0)


def _first_week(record: Record) -> Any:
    return min((week["w"] for week in _weeks(record.item) if week.get("c")), default=None)


def _has_no_lines(record: Record) -> bool:
    weeks = [week for contributor in record.payload for week in _weeks(contributor)]
    commits = any(week.get("c") for week in weeks)
    return commits and not any(week.get("a") or week.get("d") for week in weeks)


_AUTHOR_COLUMNS = (
    bigint("author_id", "author.id", "Numeric id of the author's account; null where the e-mail belongs to none."),
    bigint(
        "unknown_rank",
        of=lambda record: _place(record.item, record.payload),
        description="0 for an account, else the place in that day's list, so that two unknown authors stay apart.",
        required=True,
    ),
)

contributors = Dataset(
    Table(
        "statistics_contributors",
        (
            _REPO,
            *_AUTHOR_COLUMNS,
            day("first_week", of=_first_week, description="The Sunday of the first week with a commit."),
        ),
        key=("repo_id", "author_id", "unknown_rank"),
        hash_keys={
            "repo_hk": ("repo_id",),
            "user_hk": ("author_id",),
            "link_repo_user_contributor_hk": ("repo_id", "author_id"),
        },
        hash_diffs={"sat_repo_user_contributor": ("first_week",)},
        dated_by="first_week",
        description="One row per repository, contributor and UTC day.",
    ),
    subject="statistics",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.history,
    needs=Needs.anyone,
    description="Who committed to the default branch and how much in each week; the hundred with the most commits.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
    actors=("author",),
    children=(
        Table(
            "statistics_contributor_totals",
            (
                _REPO,
                *_AUTHOR_COLUMNS,
                bigint("commits", "total", "Commits ever.", required=True),
            ),
            key=("repo_id", "author_id", "unknown_rank"),
            hash_keys={
                "repo_hk": ("repo_id",),
                "user_hk": ("author_id",),
                "link_repo_user_contributor_hk": ("repo_id", "author_id"),
            },
            hash_diffs={"sat_repo_user_contributor_total": ("commits",)},
            snapshot_only=True,
            description="One row per repository, contributor and UTC day: all commits so far.",
        ),
        Table(
            "statistics_contributor_weeks",
            (
                _REPO,
                bigint("author_id", "@parent.author.id", "Numeric id of the author's account, if there is one."),
                bigint(
                    "unknown_rank",
                    of=lambda record: _place(record.parent, record.payload),
                    description="0 for an account, else the place in that day's list.",
                    required=True,
                ),
                day("week", "w", "The Sunday the week begins with.", required=True),
                bigint("additions", "a", "Lines added; 0 where GitHub leaves lines out."),
                bigint("deletions", "d", "Lines removed; 0 where GitHub leaves lines out."),
                bigint("commits", "c", "Commits.", required=True),
            ),
            key=("repo_id", "author_id", "unknown_rank", "week"),
            hash_keys={
                "repo_hk": ("repo_id",),
                "user_hk": ("author_id",),
                "link_repo_user_contributor_hk": ("repo_id", "author_id"),
                "ma_sat_repo_user_contributor_week_hk": ("repo_id", "author_id", "week"),
            },
            hash_diffs={"ma_sat_repo_user_contributor_week": ("week", "additions", "deletions", "commits")},
            each="weeks",
            dated_by="week",
            description="One row per repository, contributor, week and UTC day.",
        ),
        Table(
            "statistics_contributors_answer",
            (
                _REPO,
                bigint("contributors", of=lambda record: len(record.payload), description="Contributors listed."),
                boolean(
                    "is_limited",
                    of=_has_no_lines,
                    description="There are commits and not one line added or removed: GitHub left the lines out, as"
                    " it does from 10,000 commits on.",
                ),
            ),
            key=("repo_id",),
            hash_keys={"repo_hk": ("repo_id",)},
            hash_diffs={"sat_repo_contributors_answer": ("contributors", "is_limited")},
            each="@payload",
            snapshot_only=True,
            description="One row per repository and UTC day: whether the numbers of lines mean anything.",
        ),
    ),
)


def _day_of_week(record: Record) -> date:
    return date(1970, 1, 1) + timedelta(seconds=int(record.parent["week"]), days=record.rank - 1)


commit_activity = Dataset(
    Table(
        "statistics_commit_activity",
        (
            _REPO,
            day("week", description="The Sunday the week begins with.", required=True),
            bigint("commits", "total", "Commits of the week.", required=True),
        ),
        key=("repo_id", "week"),
        hash_keys={"repo_hk": ("repo_id",), "ma_sat_repo_commit_activity_hk": ("repo_id", "week")},
        hash_diffs={"ma_sat_repo_commit_activity": ("week", "commits")},
        dated_by="week",
        description="One row per repository, week of the last 52 and UTC day.",
    ),
    subject="statistics",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.history,
    needs=Needs.anyone,
    description="Commits to the default branch in each of the last 52 weeks and each day of them.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
    children=(
        Table(
            "statistics_commit_activity_days",
            (
                _REPO,
                day("commit_date", of=_day_of_week, description="The day.", required=True),
                bigint("commits", "value", "Commits of the day.", required=True),
            ),
            key=("repo_id", "commit_date"),
            hash_keys={"repo_hk": ("repo_id",), "ma_sat_repo_commit_activity_day_hk": ("repo_id", "commit_date")},
            hash_diffs={"ma_sat_repo_commit_activity_day": ("commit_date", "commits")},
            each="days",
            scalars=True,
            dated_by="commit_date",
            description="One row per repository, day of the last 52 weeks and UTC day.",
        ),
    ),
)

code_frequency = Dataset(
    Table(
        "statistics_code_frequency",
        (
            _REPO,
            day("week", "value.0", "The Sunday the week begins with.", required=True),
            bigint("additions", "value.1", "Lines added.", required=True),
            bigint("deletions", "value.2", "Lines removed, as a positive number.", via=abs, required=True),
        ),
        key=("repo_id", "week"),
        hash_keys={"repo_hk": ("repo_id",), "ma_sat_repo_code_frequency_hk": ("repo_id", "week")},
        hash_diffs={"ma_sat_repo_code_frequency": ("week", "additions", "deletions")},
        scalars=True,
        dated_by="week",
        description="One row per repository, week since its beginning and UTC day.",
    ),
    subject="statistics",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.history,
    needs=Needs.anyone,
    description=f"Lines added and removed per week. {_TOO_MANY_COMMITS}: the repository is then `disabled` here.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
)


def _weeks_ago(record: Record) -> int:
    return len(record.parent["all"]) - record.rank


def _week_start(record: Record) -> date:
    # `edge` is the thirteenth day before that of the answer, whose midnight ends the newest week.
    answered = date.fromisoformat(record.edge) + timedelta(days=13)
    return answered - timedelta(weeks=_weeks_ago(record) + 1)


def _by_owner(record: Record) -> Any:
    weeks = record.parent.get("owner")
    return weeks[record.rank - 1] if weeks else None


participation = Dataset(
    Table(
        "statistics_participation",
        (
            _REPO,
            bigint(
                "weeks_ago", of=_weeks_ago, description="0 for the seven days that end with this day.", required=True
            ),
            day("week_start", of=_week_start, description="First day of the week, which may be any weekday."),
            bigint("commits", "value", "Commits by everybody.", required=True),
            bigint("owner_commits", of=_by_owner, description="Those by the repository's owner."),
        ),
        key=("repo_id", "weeks_ago"),
        hash_keys={"repo_hk": ("repo_id",), "ma_sat_repo_participation_hk": ("repo_id", "week_start")},
        hash_diffs={"ma_sat_repo_participation": ("week_start", "commits", "owner_commits")},
        each="all",
        scalars=True,
        description="One row per repository, week of the last 52 and UTC day.",
    ),
    subject="statistics",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Commits of the last 52 weeks by everybody and by the owner. GitHub gives no dates: the weeks are"
    " counted back from the day of the answer.",
    is_object=True,
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
)

punch_card = Dataset(
    Table(
        "statistics_punch_card",
        (
            _REPO,
            bigint("day_of_week", "value.0", "0 is Sunday.", required=True),
            bigint("hour", "value.1", "Hour of the day in the commit's own time zone, from 0.", required=True),
            bigint("commits", "value.2", "Commits ever at that hour.", required=True),
        ),
        key=("repo_id", "day_of_week", "hour"),
        hash_keys={"repo_hk": ("repo_id",), "ma_sat_repo_punch_card_hk": ("repo_id", "day_of_week", "hour")},
        hash_diffs={"ma_sat_repo_punch_card": ("day_of_week", "hour", "commits")},
        scalars=True,
        description="One row per repository, hour of the week and UTC day.",
    ),
    subject="statistics",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.anyone,
    description="Commits by hour of the week over the whole life of the repository, without dates.",
    permission="Metadata: read",
    classic_scope="repo (for private repositories)",
)

ANSWER_SETS = tuple(
    AnswerSet(
        dataset.name,
        (dataset,),
        (
            RestRequest(
                f"/repos/{{repo}}/stats/{dataset.name.removeprefix('statistics_')}",
                (dataset.name,),
                paged=False,
                # What is told so is the number of commits, and no right or retry changes it.
                means={"unprocessable": "disabled"},
            ),
        ),
        priority=8,
        probe=("pushed_at",),
        every_days=7,
        two_phase=True,
        cost="2 requests per repository that was pushed to, once a week",
    )
    for dataset in (contributors, commit_activity, code_frequency, participation, punch_card)
)
