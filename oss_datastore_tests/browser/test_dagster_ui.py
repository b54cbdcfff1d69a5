"""The Dagster UI as its users meet it, from top to bottom of this file in the order of a first visit."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from oss_datastore_tests.browser.conftest import Picture
from oss_datastore_tests.browser.dagster_ui import DagsterUi, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(2400)]

LAYERS = ("staging", "psa", "raw_vault", "metrics_vault", "business_vault", "infomarts", "report")
FED_BY_NOTHING = ("infomarts/metric_catalogue", "metrics_vault/mv_load")
ROWS = "dagster/partition_row_count"
JOB = "/locations/oss_datastore/jobs/daily"


def test_the_instance_queues_runs_limits_pools_and_tells_nobody(ui: DagsterUi) -> None:
    info = ui.ask(
        "{ instance { info runQueueConfig { maxConcurrentRuns } poolConfig { poolGranularity defaultPoolLimit }"
        " daemonHealth { allDaemonStatuses { daemonType required } } } shouldShowNux }"
    )
    instance = info["instance"]
    assert instance["runQueueConfig"]["maxConcurrentRuns"] == 1
    assert instance["poolConfig"] == {"poolGranularity": "op", "defaultPoolLimit": 1}
    assert re.search(r"run_monitoring:\n\s+enabled: true", instance["info"])
    assert re.search(r"telemetry:\n\s+enabled: false", instance["info"])
    assert not info["shouldShowNux"], "a form that sends an address elsewhere greets who comes first"
    needed = {d["daemonType"] for d in instance["daemonHealth"]["allDaemonStatuses"] if d["required"]}
    assert {"SENSOR", "QUEUED_RUN_COORDINATOR", "BACKFILL", "MONITORING"} <= needed


def test_the_graph_shows_the_layers_from_left_to_right(ui: DagsterUi, page: Page, picture: Picture) -> None:
    page.set_viewport_size({"width": 1600, "height": 620})
    page.goto(f"{ui.url}/asset-groups")
    boxes = [wait_for(f"{layer} is drawn", _node(page, layer).bounding_box) for layer in LAYERS]
    places = [box["x"] for box in boxes]
    assert places == sorted(places)
    assert len(set(places)) >= len(LAYERS) - 2, "only what is not made of each other may share a column"
    picture(page, "dagster-graph", height=620)


def test_an_asset_shows_what_it_is_made_of(ui: DagsterUi, page: Page, picture: Picture) -> None:
    page.set_viewport_size({"width": 1600, "height": 900})
    page.goto(
        f"{ui.url}/assets/raw_vault/sat_repo_traffic_views_window?view=lineage&lineageScope=upstream&lineageDepth=2"
    )
    for name in ("sat_repo_traffic_views_window", "traffic_views_window", "traffic_views"):
        expect(page.locator("foreignObject").get_by_text(name, exact=True).first).to_be_visible()
    picture(page, "dagster-lineage", height=900)


def test_every_asset_and_check_explains_itself_in_sentences(ui: DagsterUi) -> None:
    nodes = ui.ask(
        "{ assetNodes { assetKey { path } description groupName kinds isPartitioned jobNames"
        " owners { ... on TeamAssetOwner { team } } backfillPolicy { policyType } tags { key value }"
        " metadataEntries { label } assetMaterializations(limit: 1) { metadataEntries { label } }"
        " assetChecksOrError { ... on AssetChecks { checks { name description blocking } } } } }"
    )["assetNodes"]
    assert {node["groupName"] for node in nodes} == set(LAYERS)
    for node in nodes:
        name = "/".join(node["assetKey"]["path"])
        assert node["groupName"] == node["assetKey"]["path"][0], name
        assert re.match(r"[A-Z].{15,}[.]\Z", node["description"], re.DOTALL), (name, node["description"])
        assert not re.search(r"\bselect\b.*\bfrom\b", node["description"], re.DOTALL), name
        assert node["kinds"], name
        assert node["owners"], name
        assert node["isPartitioned"], name
        assert "daily" in node["jobNames"], name
        assert node["backfillPolicy"]["policyType"] == "SINGLE_RUN", name
        assert {"key": "layer", "value": node["groupName"]} in node["tags"], name
        links = {"report", "report_file", "dead_letters", "retry_dead_letters"}
        assert links <= _labels(node), name
        (last,) = node["assetMaterializations"]
        assert "ledger" in _labels(last), name
        assert "planned_scopes" in _labels(last) or name in FED_BY_NOTHING, name
        if node["groupName"] == "report":
            continue
        assert "dagster/column_schema" in _labels(node), name
        assert _labels(last) & {"dagster/partition_row_count", "dagster/row_count"}, name
        if node["groupName"] == "infomarts":
            assert _labels(last) >= {"dagster/row_count", "preview", "fed_by"}, name
    for node in nodes:
        for check in node["assetChecksOrError"]["checks"]:
            assert re.match(r"[A-Z].{15,}[.]\Z", check["description"] or "", re.DOTALL), (node["assetKey"], check)
    kept = [node for node in nodes if node["assetKey"]["path"][-1].startswith(("hub_", "link_"))]
    assert kept
    assert all(any(check["blocking"] for check in node["assetChecksOrError"]["checks"]) for node in kept)


def test_each_day_of_a_range_has_figures_of_its_own(ui: DagsterUi, demo_days: list[date]) -> None:
    (node,) = ui.ask(
        '{ assetNodes(assetKeys: [{ path: ["psa", "fetch_ledger"] }]) { assetMaterializations {'
        " partition metadataEntries { label ... on IntMetadataEntry { intValue } } } } }"
    )["assetNodes"]
    told = {
        made["partition"]: next(e["intValue"] for e in made["metadataEntries"] if e["label"] == ROWS)
        for made in node["assetMaterializations"]
    }
    with duckdb.connect(str(ui.home / "warehouse.duckdb"), read_only=True) as warehouse:
        counted = warehouse.execute(
            "select cast(cast(load_date as date) as varchar), count(*) from psa.fetch_ledger group by 1"
        ).fetchall()
    assert told == dict(counted)
    assert told.keys() == {day.isoformat() for day in demo_days[1:]}


def test_an_infomart_shows_its_rows_and_what_it_lacks(ui: DagsterUi, page: Page, picture: Picture) -> None:
    page.goto(f"{ui.url}/assets/infomarts/repo_traffic_daily")
    expect(page.get_by_text(re.compile(r"1 of \d+ scopes of traffic_views are missing or not whole"))).to_be_visible()
    expect(page.get_by_role("cell", name="traffic_views", exact=True).first).to_be_visible()
    expect(page.get_by_text("views_count").first).to_be_visible()
    _fold(page, "Columns")
    picture(page, "dagster-infomart", height=1250)
    # A table of few rows is shown as it is, a longer one when it is asked for.
    asked_for = page.get_by_text("[Show Markdown]")
    if asked_for.count():
        asked_for.first.click()
    expect(page.get_by_role("columnheader", name="views_count").last).to_be_visible()
    picture(page, "dagster-preview")


def test_runs_made_by_the_command_line_are_listed(ui: DagsterUi, page: Page, demo_days: list[date]) -> None:
    made = ui.runs()
    assert len(made) == len(demo_days), "each day fetched but one, and one load"
    page.goto(f"{ui.url}/runs")
    for run in made:
        expect(page.get_by_text(run["id"][:8])).to_be_visible()


def test_a_green_check_stands_under_its_table(ui: DagsterUi, page: Page, picture: Picture) -> None:
    page.goto(f"{ui.url}/assets/raw_vault/hub_repo?view=checks")
    expect(page.get_by_text("Passed", exact=True)).to_be_visible()
    expect(page.get_by_text("is given and stands there once")).to_be_visible()
    picture(page, "dagster-check")


def test_a_warning_says_what_is_missing_and_why(ui: DagsterUi, page: Page, picture: Picture) -> None:
    page.goto(f"{ui.url}/assets/staging/traffic_views?view=checks")
    expect(page.get_by_text(re.compile(r"1 of \d+ planned scopes")).first).to_be_visible()
    picture(page, "dagster-check-failing")
    page.goto(f"{ui.url}/assets/staging/traffic_views")
    expect(page.get_by_text("scopes_failed")).to_be_visible()
    expect(page.get_by_role("cell", name=re.compile("^GET .* 502"))).to_be_visible()
    _fold(page, "Columns")
    picture(page, "dagster-asset", height=1250)


def test_a_failure_is_told_retried_from_the_launchpad_and_told_to_be_over(
    ui: DagsterUi, page: Page, picture: Picture
) -> None:
    (letter,) = [found for found in ui.letters() if found["dataset"] == "traffic_views"]
    told = wait_for(
        "the sensor tells of the letters", lambda: [a for a in ui.alerts() if "new dead letter" in a["subject"]]
    )
    page.goto(f"{ui.url}/locations/oss_datastore/sensors/dead_letters")
    expect(page.get_by_text("0 runs requested").first).to_be_visible()
    picture(page, "dagster-sensor")
    page.goto(_event(ui, told[0]))
    expect(page.get_by_text(told[0]["subject"]).first).to_be_visible()
    expect(page.get_by_text("the job retry_dead_letters in the launchpad").first).to_be_visible()
    picture(page, "dagster-alert")

    before = {run["id"] for run in ui.runs()}
    page.goto(f"{ui.url}/locations/oss_datastore/jobs/retry_dead_letters/playground")
    picture(page, "dagster-launchpad")
    page.get_by_role("button", name="Launch Run").click()
    made = wait_for("a retry is launched", lambda: [run for run in ui.runs() if run["id"] not in before])
    run = ui.finished(made[-1]["id"])
    assert run["jobName"] == "retry_dead_letters"
    assert letter["id"] not in {found["id"] for found in ui.letters()}
    page.goto(f"{ui.url}/runs/{run['id']}")
    expect(page.get_by_text("days_loaded").first).to_be_visible()
    picture(page, "dagster-retry")
    page.goto(f"{ui.url}/assets/staging/traffic_views?view=checks")
    expect(page.get_by_text("Passed", exact=True).first).to_be_visible()
    picture(page, "dagster-check-green")

    over = wait_for("the sensor tells that it is over", lambda: [alert for alert in ui.alerts() if alert["recovery"]])
    page.goto(_event(ui, over[0]))
    expect(page.get_by_text(over[0]["subject"]).first).to_be_visible()
    picture(page, "dagster-recovery")


def test_a_day_that_is_missing_is_materialised_by_clicks(
    ui: DagsterUi, page: Page, demo_days: list[date], picture: Picture
) -> None:
    before = {run["id"] for run in ui.runs()}
    page.goto(ui.url + JOB)
    _choose(page, demo_days[0].isoformat())
    picture(page, "dagster-launch")
    page.get_by_role("button", name="Launch 1 run").click()
    made = wait_for("a run is launched", lambda: [run for run in ui.runs() if run["id"] not in before])
    assert len(made) == 1
    run = ui.finished(made[0]["id"])
    assert run["tags"]["dagster/partition"] == demo_days[0].isoformat()
    assert {step["status"] for step in run["stepStats"]} == {"SUCCESS"}
    page.goto(f"{ui.url}/runs/{run['id']}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    page.get_by_placeholder("Filter…").fill("step:stage_traffic_views")
    page.keyboard.press("Enter")
    picture(page, "dagster-run")


def test_a_backfill_of_several_days_is_one_run(
    ui: DagsterUi, page: Page, demo_days: list[date], picture: Picture
) -> None:
    first, last = demo_days[0].isoformat(), demo_days[-1].isoformat()
    before = {run["id"] for run in ui.runs()}
    page.goto(f"{ui.url}/locations/oss_datastore/asset-groups/staging")
    _choose(page, f"[{first}...{last}]", len(demo_days))
    page.get_by_role("button", name="Launch backfill").click()
    made = wait_for("a backfill is launched", lambda: [run for run in ui.runs() if run["id"] not in before])
    run = ui.finished(made[0]["id"])

    def whole() -> dict[str, object] | None:
        found = ui.ask(
            "{ partitionBackfillsOrError { ... on PartitionBackfills"
            " { results { id status runs(limit: 50) { id } numPartitions } } } }"
        )["partitionBackfillsOrError"]["results"]
        assert len(found) == 1
        return found[0] if found[0]["status"] not in ("REQUESTED", "COMPLETED", "FAILING") else None

    backfill = wait_for("the backfill ends", whole)
    assert backfill["status"] == "COMPLETED_SUCCESS"
    assert backfill["numPartitions"] == len(demo_days) > 2
    assert backfill["runs"] == [{"id": run["id"]}]
    assert run["tags"]["dagster/asset_partition_range_start"] == first
    assert run["tags"]["dagster/asset_partition_range_end"] == last
    assert {run["id"] for run in ui.runs()} - before == {run["id"]}
    page.goto(f"{ui.url}/runs/b/{backfill['id']}")
    expect(page.get_by_text(str(backfill["id"])).first).to_be_visible()
    picture(page, "dagster-backfill")


@pytest.mark.parametrize("name", ["dead_letters", "failed_runs", "completeness"])
def test_each_sensor_ticks(ui: DagsterUi, name: str) -> None:
    def ticks() -> list[dict[str, object]]:
        sensors = ui.ask(
            '{ sensorsOrError(repositorySelector: { repositoryName: "__repository__", repositoryLocationName:'
            ' "oss_datastore" }) { ... on Sensors { results { name sensorState { ticks(limit: 20) { status'
            " skipReason error { message } } } } } } }"
        )["sensorsOrError"]["results"]
        sensor = next(sensor for sensor in sensors if sensor["name"] == name)
        return [tick for tick in sensor["sensorState"]["ticks"] if tick["status"] != "STARTED"]

    assert {tick["status"] for tick in wait_for("a tick", ticks)} == {"SKIPPED"}, ticks()


def test_no_page_asked_anybody_else_for_anything(ui: DagsterUi, browser: BrowserContext, addresses: set[str]) -> None:
    assert addresses == {urlsplit(ui.url).netloc}


def test_no_page_complained_on_its_console(ui: DagsterUi, browser: BrowserContext, complaints: list[str]) -> None:
    assert complaints == []


def test_ending_the_command_ends_every_process_it_began(ui: DagsterUi) -> None:
    assert len(ui.processes()) > 3
    assert ui.end() == []


def _event(ui: DagsterUi, alert: dict[str, Any]) -> str:
    """Where the alert stands among the events of its asset, be there newer ones or not."""
    (node,) = ui.ask(
        "query Seen($key: [AssetKeyInput!]!) {"
        " assetNodes(assetKeys: $key) { assetObservations { timestamp description } } }",
        key=[{"path": ["staging", alert["dataset"]]}],
    )["assetNodes"]
    at = next(seen["timestamp"] for seen in node["assetObservations"] if seen["description"] == alert["subject"])
    return f"{ui.url}/assets/staging/{alert['dataset']}?view=events&time={at}"


def _labels(of: dict[str, Any]) -> set[str]:
    return {entry["label"] for entry in of["metadataEntries"]}


def _node(page: Page, layer: str) -> Locator:
    """The box of a group in the graph, not its line in the list beside it."""
    return page.locator("foreignObject").filter(has_text=re.compile(rf"^\s*{layer}\b")).first


def _fold(page: Page, section: str) -> None:
    """Folds a section of an asset's page, so that what stands below it comes into view."""
    page.get_by_text(section, exact=True).first.click()


def _choose(page: Page, partitions: str, count: int = 1) -> None:
    page.get_by_role("button", name="Materialize all").click()
    box = page.get_by_placeholder("matching partitions")
    box.fill(partitions)
    box.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile(rf"^{count} partitions?$"))).to_be_visible()
