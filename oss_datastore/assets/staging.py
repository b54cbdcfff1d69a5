"""Staged datasets: one asset per dataset, one step per answer set.

What a step asks and keeps is `staging.fetch`; here stand only the days of the run and what the UI shows.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import dagster as dg
from pydantic import Field

from oss_datastore.assets.ledger import ledger_metadata
from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import Addressable, AnswerSet, Dataset, GraphRequest, RestRequest, ScopeKind
from oss_datastore.markdown import markdown
from oss_datastore.partitions import SHOWN_DAYS, days_of, tell_by_day
from oss_datastore.resources import GitHubResource, StoreResource
from oss_datastore.staging.fetch import FetchReport
from oss_datastore.staging.ledger import SETTLED, Ledger, LedgerEntry, state_counts
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import DayPlan

WHOLE = "whole"
"""The check that says whether every planned scope of the dataset was answered."""

_MISSED = {
    Addressable.window: "GitHub shows fourteen days, so a missed one can be fetched until it leaves that window.",
    Addressable.since: "A missed day can be fetched later: GitHub lists what changed since the last whole one.",
    Addressable.history: "GitHub keeps the whole history, so a missed day can be fetched at any time.",
    Addressable.snapshot: "GitHub shows only the present, so a day that is not fetched on the next one is lost.",
    Addressable.feed: "GitHub keeps thirty days, so a missed one can be fetched until then.",
}

_MISSED_FILE = "The file says only what holds now, so a day that is not read on the next one is lost."

_API = {RestRequest: "REST v3", GraphRequest: "GraphQL v4"}

_LAST_THAT_EXPIRES = "traffic_paths"
"""When this is fetched, what cannot wait is safe: GitHub is asked to begin what it computes on demand."""

_PLANNED_BY = "repositories"
"""When this is fetched, what the rest of the day will cost can be told."""


_SHOWN = 50
"""So many scopes that are missing are shown of each day."""

_LINES = dg.TableSchema(
    [
        dg.TableColumn("parts", "array", "The dataset, scope and path within the answer of all it holds."),
        dg.TableColumn("day", "date", "The UTC day that was asked for."),
        dg.TableColumn("fetched_at", "timestamp", "When the answer came."),
        dg.TableColumn("request", "object", "What was asked: no header, no token."),
        dg.TableColumn("page", "integer", "The number of the answer among those of its list."),
        dg.TableColumn("status", "integer", "The HTTP status; a file has none."),
        dg.TableColumn("etag", "string", "GitHub's mark of this state of the answer, if any; of a file its SHA-256."),
        dg.TableColumn("api_version", "string", "The version of the API that GitHub says it answered by."),
        dg.TableColumn("payload", "any", "The answer as it came, without credentials."),
    ]
)
"""What a staged line holds, whatever its dataset; its records are columns only in psa."""


class FetchConfig(dg.Config):
    """Whether a day is asked for again."""

    force: bool = Field(
        default=False,
        description="Ask again for what is staged already; a failed repetition never displaces a complete one.",
    )


def build_staging_assets(daily: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One multi-asset per answer set."""
    return [_answer_set_assets(answer_set, daily) for answer_set in ANSWER_SETS.values()]


def _answer_set_assets(answer_set: AnswerSet, daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    specs = [_spec(dataset, answer_set, daily) for dataset in answer_set.datasets]

    @dg.multi_asset(
        name=f"stage_{answer_set.name}",
        specs=specs,
        check_specs=[
            dg.AssetCheckSpec(
                WHOLE, asset=spec.key, description="Every planned scope was answered; a warning that blocks nothing."
            )
            for spec in specs
        ],
        can_subset=True,
        # Among steps that could run, the highest goes first: what expires first, and fetching before loading.
        op_tags={"dagster/priority": str(len(ANSWER_SETS) - list(ANSWER_SETS).index(answer_set.name))},
        pool="github",
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def stage(
        context: dg.AssetExecutionContext,
        config: FetchConfig,
        github: GitHubResource,
        store: StoreResource,
    ) -> Iterator[dg.MaterializeResult]:
        fetcher = github.fetcher()
        reports = [fetcher.fetch(answer_set.name, day, force=config.force) for day in days_of(context)]
        if answer_set.name == _PLANNED_BY:
            for day in days_of(context):
                context.log.info(fetcher.plan(day).line)
        if answer_set.name == _LAST_THAT_EXPIRES:
            coming = {key.path[-1] for key in context.job_def.asset_layer.selected_asset_keys}
            for name in (s.name for s in ANSWER_SETS.values() if s.two_phase and coming & {d.name for d in s.datasets}):
                for day in days_of(context):
                    if fetcher.plan(day).fits:
                        fetcher.fetch(name, day, early=True)
        staging = Staging(store.open())
        days = [_Day(answer_set, report, fetcher.planned(report.day), staging) for report in reports]
        for dataset in answer_set.datasets:
            key = dg.AssetKey(["staging", dataset.name])
            if key in context.selected_asset_keys:
                tell_by_day(context, key, {day.report.day: day.told(dataset) for day in days[-SHOWN_DAYS:]})
                yield dg.MaterializeResult(asset_key=key, check_results=[_whole(key, dataset, days)])

    return stage


def _spec(dataset: Dataset, answer_set: AnswerSet, daily: dg.DailyPartitionsDefinition) -> dg.AssetSpec:
    if dataset.name == "organizations" or dataset.scope_kind is ScopeKind.file:
        deps = []
    elif dataset.scope_kind is ScopeKind.user:
        # Whose profiles are asked for is known from everything else that names an account.
        deps = [dg.AssetKey(["staging", d.name]) for s in ANSWER_SETS.values() for d in s.datasets if d.actors]
        deps = [key for key in deps if key.path[-1] != dataset.name]
    elif dataset.name == "repositories" or dataset.scope_kind is not ScopeKind.repository:
        deps = [dg.AssetKey(["staging", "organizations"])]
    else:
        deps = [dg.AssetKey(["staging", "repositories"])]
    return dg.AssetSpec(
        ["staging", dataset.name],
        deps=deps,
        description=f"{dataset.description}\n\n{_origin(dataset, answer_set)}",
        group_name="staging",
        kinds={"csv"} if dataset.scope_kind is ScopeKind.file else {"github", "json"},
        owners=["team:open_source_programme_office"],
        tags={"subject": dataset.subject, "layer": "staging"},
        partitions_def=daily,
        metadata={
            "scope": dataset.scope_kind.value,
            "addressable": dataset.addressable.value,
            "dagster/column_schema": _LINES,
        },
    )


def _origin(dataset: Dataset, answer_set: AnswerSet) -> str:
    """Where the answers come from, what they need, and what becomes of a day that was missed."""
    if dataset.scope_kind is ScopeKind.file:
        return (
            "The lines of a file as it was on the day after, with the ledger of what was read; needs "
            f"{dataset.permission}. A line that cannot be read has a dead letter. {_MISSED_FILE}"
        )
    apis = ", ".join(_API[type(request)] for request in answer_set.requests)
    return (
        "Raw answers as GitHub gave them, with the ledger of what was asked. "
        f"Asked by {apis}; needs {dataset.permission}. {_MISSED[dataset.addressable]}"
    )


@dataclass(frozen=True)
class _Day:
    """A day of an answer set once it was asked for: what it took, and what the ledger says now."""

    answer_set: AnswerSet
    report: FetchReport
    plan: DayPlan | None
    staging: Staging

    @cached_property
    def ledger(self) -> Ledger:
        return self.staging.ledger(self.answer_set.name, self.report.day)

    def entries(self, dataset: Dataset) -> list[LedgerEntry]:
        return [entry for entry in self.ledger.values() if entry.dataset == dataset.name]

    def told(self, dataset: Dataset) -> dict[str, Any]:
        """What stands under the day of an asset."""
        entries = self.entries(dataset)
        url = self.staging.store.url(self.staging.folder(self.answer_set.name, self.report.day))
        told: dict[str, Any] = {
            "dagster/partition_row_count": sum(entry.rows for entry in entries),
            **ledger_metadata(state_counts(entries), [dataset.name]),
        }
        if dataset.scope_kind is not ScopeKind.file:
            told |= {"requests": self.report.requests, "graphql_points": self.report.points}
            if self.plan is not None:
                expected = self.plan.cost_of(self.answer_set.name)
                told |= {"expected_requests": expected.requests, "expected_points": expected.points}
                told["plan"] = self.plan.line
        elif notes := [entry.detail for entry in entries if entry.detail]:
            told["note"] = notes[-1]
        missing = [entry for entry in entries if entry.state not in SETTLED]
        if missing:
            rows = [(entry.state.value, entry.detail, entry.scope) for entry in missing[:_SHOWN]]
            told["missing"] = dg.MetadataValue.md(markdown(["state", "why", "scope"], rows))
        return told | {"staged_in": dg.MetadataValue.path(unquote(url.removeprefix("file://")))}


def _whole(key: dg.AssetKey, dataset: Dataset, days: list[_Day]) -> dg.AssetCheckResult:
    entries = [entry for day in days for entry in day.entries(dataset)]
    missing = sum(entry.state not in SETTLED for entry in entries)
    return dg.AssetCheckResult(
        check_name=WHOLE,
        asset_key=key,
        passed=not missing,
        severity=dg.AssetCheckSeverity.WARN,
        description=_summary(dataset, len(entries), missing),
        metadata=dict(sorted(Counter(entry.state.value for entry in entries).items())),
    )


def _summary(dataset: Dataset, planned: int, missing: int) -> str:
    if missing:
        return f"{missing} of {planned} planned scopes are missing or not whole"
    if not planned and dataset.scope_kind is ScopeKind.file:
        return "no file is planned: OSS_DATASTORE_FILES is not set"
    return f"all {planned} planned scopes are settled"
