"""Staged datasets: one asset per dataset, one step per answer set.

What a step asks and keeps is `staging.fetch`; here stand only the days of the run and what the UI shows.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from urllib.parse import unquote

import dagster as dg

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import Addressable, AnswerSet, Dataset, GraphRequest, RestRequest, ScopeKind
from oss_datastore.partitions import days_of
from oss_datastore.resources import GitHubResource, StoreResource
from oss_datastore.staging.fetch import FetchReport
from oss_datastore.staging.ledger import SETTLED
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import Cost, DayPlan

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


class FetchConfig(dg.Config):
    """`force` asks again for what is staged already; a failed repetition never displaces a complete one."""

    force: bool = False


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
        plans = [plan for day in days_of(context) if (plan := fetcher.planned(day)) is not None]
        staging = Staging(store.open())
        for dataset in answer_set.datasets:
            key = dg.AssetKey(["staging", dataset.name])
            if key in context.selected_asset_keys:
                yield _result(key, dataset, answer_set, reports, plans, staging)

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
        metadata={"scope": dataset.scope_kind.value, "addressable": dataset.addressable.value},
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


def _result(
    key: dg.AssetKey,
    dataset: Dataset,
    answer_set: AnswerSet,
    reports: list[FetchReport],
    plans: list[DayPlan],
    staging: Staging,
) -> dg.MaterializeResult:
    total: Counter[str] = Counter()
    missing: list[tuple[date, str, str, str]] = []
    told: list[str] = []
    rows = 0
    for report in reports:
        ledger = staging.ledger(answer_set.name, report.day)
        for entry in ledger.values():
            if entry.dataset != dataset.name:
                continue
            total[entry.state.value] += 1
            rows += entry.rows
            if entry.detail:
                told.append(entry.detail)
            if entry.state not in SETTLED:
                missing.append((report.day, entry.scope, entry.state.value, entry.detail))
    lines = ["| day | state | why | scope |", "|---|---|---|---|"]
    lines += [f"| {d} | {state} | {_cell(why)} | {s} |" for d, s, state, why in missing[:50]]
    metadata: dict[str, dg.MetadataValue | int | str] = {
        "dagster/partition_row_count": rows,
        "planned_scopes": sum(total.values()),
        **{f"scopes_{state}": count for state, count in sorted(total.items())},
    }
    if dataset.scope_kind is not ScopeKind.file:
        metadata["requests"] = sum(report.requests for report in reports)
        metadata["graphql_points"] = sum(report.points for report in reports)
        if plans:
            expected = sum((plan.cost_of(answer_set.name) for plan in plans), Cost())
            metadata |= {"expected_requests": expected.requests, "expected_points": expected.points}
            metadata["plan"] = dg.MetadataValue.md("\n".join(f"- {plan.line}" for plan in plans))
    elif told:
        metadata["note"] = told[-1]
    if reports:
        url = staging.store.url(staging.folder(answer_set.name, reports[-1].day))
        metadata["staged_in"] = dg.MetadataValue.path(unquote(url.removeprefix("file://")))
    if missing:
        metadata["missing"] = dg.MetadataValue.md("\n".join(lines))
        metadata["read_and_retry"] = dg.MetadataValue.md(f"`oss-datastore dlq list --dataset {dataset.name}`")
    return dg.MaterializeResult(
        asset_key=key,
        metadata=metadata,
        check_results=[
            dg.AssetCheckResult(
                check_name=WHOLE,
                asset_key=key,
                passed=not missing,
                severity=dg.AssetCheckSeverity.WARN,
                description=_summary(dataset, sum(total.values()), len(missing)),
                metadata=dict(sorted(total.items())),
            )
        ],
    )


def _summary(dataset: Dataset, planned: int, missing: int) -> str:
    if missing:
        return f"{missing} of {planned} planned scopes are missing or not whole"
    if not planned and dataset.scope_kind is ScopeKind.file:
        return "no file is planned: OSS_DATASTORE_FILES is not set"
    return f"all {planned} planned scopes are settled"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:200]
