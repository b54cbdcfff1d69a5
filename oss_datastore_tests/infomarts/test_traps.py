"""Where numbers mislead: each trap has a test that falls into it if the marts do.

Traps whose tests stand with the rest of their mart:

- a day's uniques and GitHub's uniques of fourteen days are apart: test_traffic (`the_highest_number_ever_seen…`);
- the list of issues holds pull requests: test_conversations (`pull_requests_and_promises_of_transferred_issues…`);
- watchers are subscribers and not stars: test_small_world (`repo_popularity_daily`);
- our own forks stay out of the totals of stars and traffic: test_periods, test_popularity;
- `author_association` misses private members: test_conversations (`maintainers_are_those_of_the_day…`);
- first seen is not granted: test_access_and_alerts (`first_seen_is_not_granted…`), test_access_changes;
- what is open for long stays in sight, promises count on their due day: test_metrics_daily;
- only whole weeks, months and quarters: test_periods (`only_whole_weeks…`);
- a deleted account is nobody in particular: test_conversations, test_contributors, test_dimensions;
- who comes and who lacks a day is left out of a comparison: test_periods;
- names and kinds are those of the day: test_popularity, test_dimensions, test_contributors;
- owners administer all, the base permission counts: test_access_and_alerts (`every_path…`, `access_by_a_team…`);
- dismissed is not fixed, unknown is not off: test_access_and_alerts, test_security;
- downloads begin anew when an asset is replaced: test_health (`downloads_are_differences…`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from oss_datastore_tests.infomarts import acme
from oss_datastore_tests.infomarts.acme import days
from oss_datastore_tests.infomarts.marts import ROOT, Marts, project
from oss_datastore_tests.infomarts.small import (
    ADA,
    COPY,
    DAYS,
    FIRST,
    LAST,
    OLGA,
    ORG,
    RENOVATE,
    SITE,
    at,
    mar,
    small_world,
)
from oss_datastore_tests.infomarts.world import World, key, midnight, moment, scope

MARTS = sorted(path.stem for path in (ROOT / "sql/models/infomarts").glob("*.sql"))
SITE_SCOPE, COPY_SCOPE = scope("repository", SITE), scope("repository", COPY)
SECOND_WEEK = "start_on = '2026-03-09' and period = 'week'"


def described(mart: str, column: str) -> str:
    """What the project says of a column."""
    (found,) = [c["description"] for c in project(mart)["columns"] if c["name"] == column]
    return str(found)


# Uniques do not add up. Clones: machines count.


def test_uniques_are_in_no_total_and_in_no_comparison(mart_sql: dict[str, str]) -> None:
    with_uniques = {m for m in MARTS for c in project(m)["columns"] if "unique" in c["name"]}
    assert with_uniques == {"repo_traffic_daily", "repo_traffic_paths", "repo_traffic_referrers"}
    metrics = Marts(mart_sql, small_world()).rows("metric_catalogue")
    assert not [m["metric"] for m in metrics if "unique" in m["metric"] or "unique" in m["source_column"]]


def test_clones_of_machines_are_said_to_be_among_the_clones(mart_sql: dict[str, str]) -> None:
    assert "build servers" in described("repo_traffic_daily", "clones_count")
    row = Marts(mart_sql, small_world()).row("metric_catalogue", "metric = 'clones_count'")
    assert "machines" in row["definition"]


# The edge of a window is cut.


def test_a_day_seen_only_at_the_edge_of_a_window_is_in_no_sum(mart_sql: dict[str, str]) -> None:
    world = World()
    acme.organization(world, FIRST)
    acme.repository(world, FIRST, SITE, "site")
    for day in DAYS:
        world.fetched(day, "repositories", ORG)
    # Fetched on the 22nd only: the 9th is the cut edge of that window, the 10th to the 15th are whole.
    acme.traffic(world, date(2026, 3, 21), SITE, dict.fromkeys(days(FIRST, 20), (9, 3)))
    marts = Marts(mart_sql, world)
    edge = marts.row("repo_traffic_daily", "traffic_date = '2026-03-09'")
    assert (edge["views_count"], edge["views_data_state"]) == (3, "partial")
    row = marts.row("metric_period", f"repo_id = {SITE} and metric = 'views_count' and {SECOND_WEEK}")
    assert (row["value"], row["complete_days"], row["n"]) == (None, 6, 0)


# The history of stars knows only stars still held.


def starred(world: World, day: date, count: int, on: date | None = None) -> None:
    """GitHub's history, as seen on a day, said that so many stars of a day are still held."""
    of = on or day
    world.satellite(day, "ma_sat_repo_star_history", key(SITE, of), repo_hk=key(SITE), star_date=of, count=count)


def weekly(mart_sql: dict[str, str], world: World) -> tuple[Any, ...]:
    row = Marts(mart_sql, world).row("repo_popularity_weekly", f"repo_id = {SITE} and week_start = '2026-03-09'")
    return (*tuple(row[f"stargazers_{c}"] for c in ("net", "new", "lost")), row["is_approximate"], row["is_final"])


def test_a_star_that_vanished_from_the_history_since_was_given_and_taken_back(mart_sql: dict[str, str]) -> None:
    world = small_world()
    starred(world, date(2026, 3, 13), 0, on=date(2026, 3, 11))
    assert weekly(mart_sql, world) == (7, 8, 1, True, False)


def test_the_history_never_tells_of_fewer_stars_than_our_own_counts(mart_sql: dict[str, str]) -> None:
    world = small_world()
    for day in days(date(2026, 3, 9), 7):
        starred(world, day, 0)
    assert weekly(mart_sql, world) == (7, 7, 0, True, False)


def test_stars_given_and_lost_are_exact_only_between_two_whole_lists(mart_sql: dict[str, str]) -> None:
    world = small_world()
    sunday = date(2026, 3, 8)
    for who, came, left in ((31, sunday, date(2026, 3, 10)), (32, date(2026, 3, 12), None), (33, LAST, None)):
        acme.user(world, came, who)
        link = world.link(came, "link_repo_user_stargazer", (SITE, who), repo_hk=key(SITE), user_hk=key(who))
        world.effective(came, "link_repo_user_stargazer", link)
        if left:
            world.effective(left, "link_repo_user_stargazer", link, active=False)
    world.fetched(LAST, "stargazers", SITE_SCOPE)
    assert weekly(mart_sql, world)[1:4] == (8, 1, True)
    world.fetched(sunday, "stargazers", SITE_SCOPE)
    assert weekly(mart_sql, world)[1:4] == (2, 1, False)


def test_without_history_and_lists_nobody_knows_who_came_and_went(mart_sql: dict[str, str]) -> None:
    world = small_world()
    for day in DAYS:
        world.fetched(day, "star_history", SITE_SCOPE, "forbidden")
    assert weekly(mart_sql, world) == (7, None, None, None, False)


# Our own forks stay out of totals.


def test_issues_of_our_own_forks_are_in_no_total(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.issue(world, LAST, 8, COPY, ADA, created_at=at(15, 9), updated_at=at(15, 9))
    acme.pull_request(world, LAST, 9, COPY, ADA, created_at=at(15, 9), updated_at=at(15, 9))
    marts = Marts(mart_sql, world)
    row = marts.row("org_overview", f"day = '{LAST}'")
    assert (row["issues_opened"], row["pull_requests_opened"], row["repositories_without_issues"]) == (0, 0, 0)
    assert marts.row("issue_metrics_daily", f"repo_id = {COPY} and day = '{LAST}'")["opened"] == 1
    total = marts.row("metric_period", f"repo_id is null and metric = 'issues_opened' and {SECOND_WEEK}")
    assert (total["value"], total["n"]) == (0, 1)


def test_a_repository_that_was_a_fork_then_is_out_of_the_totals_of_then(mart_sql: dict[str, str]) -> None:
    world = small_world()
    world.fetched(date(2026, 3, 16), "repositories", ORG)
    acme.repository(world, date(2026, 3, 16), COPY, "copy", stars=140)
    marts = Marts(mart_sql, world)
    total = marts.row("metric_period", f"repo_id is null and metric = 'stargazers_count' and {SECOND_WEEK}")
    assert (total["value"], total["repositories_count"]) == (113, 1)


# First seen is not new.


def test_who_is_first_seen_need_not_be_new_where_something_was_never_read(mart_sql: dict[str, str]) -> None:
    world = small_world()
    assert {r["is_history_complete"] for r in Marts(mart_sql, world).rows("contributors")} == {True}
    for day in DAYS:
        world.fetched(day, "issue_comments", COPY_SCOPE, "failed")
    assert {r["is_history_complete"] for r in Marts(mart_sql, world).rows("contributors")} == {True}
    for day in DAYS:
        world.fetched(day, "issue_comments", SITE_SCOPE, "failed")
    marts = Marts(mart_sql, world)
    assert {r["is_history_complete"] for r in marts.rows("contributors")} == {False}
    assert {r["is_history_complete"] for r in marts.rows("contributor_funnel")} == {False}


# Medians, percentages, weekends.


def test_no_median_and_no_ratio_is_ever_added_up(mart_sql: dict[str, str]) -> None:
    metrics = Marts(mart_sql, small_world()).rows("metric_catalogue")
    assert {m["over_time"] for m in metrics} == {"sum", "last"}
    assert not [
        m["metric"] for m in metrics for word in ("median", "p90", "ratio", "mean") if word in m["source_column"]
    ]


@pytest.mark.parametrize(("before", "ratio"), [(19, None), (20, 0.05)])
def test_a_percentage_begins_at_twenty(mart_sql: dict[str, str], before: int, ratio: float | None) -> None:
    world = World()
    acme.organization(world, FIRST)
    for n, day in enumerate(DAYS):
        world.fetched(day, "repositories", ORG)
        acme.repository(world, day, SITE, "site", stars=before + n // 7)
    row = Marts(mart_sql, world).row(
        "metric_period", f"repo_id is null and metric = 'stargazers_count' and {SECOND_WEEK}"
    )
    assert (row["previous"], row["delta"]) == (before, 1)
    assert (None if row["change_ratio"] is None else float(row["change_ratio"])) == ratio


def test_a_weekend_is_in_the_calendar_and_not_on_the_business_clock(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.issue(world, LAST, 8, SITE, ADA, created_at=at(6, 18), updated_at=at(6, 18))
    acme.comment(world, LAST, SITE, 8, OLGA, at(9, 6))
    marts = Marts(mart_sql, world)
    row = marts.row("issue_current", "number = 8")
    assert (row["response_seconds"], row["response_business_seconds"]) == (60 * 3600, 12 * 3600)
    assert (row["due_at"], row["breached"]) == (at(10, 18), False)
    day = marts.row("issue_metrics_daily", f"repo_id = {SITE} and day = '2026-03-09'")
    assert (day["response_seconds_median"], day["response_business_seconds_median"]) == (66 * 3600, 18 * 3600)
    assert (day["response_seconds_p90"], day["response_business_seconds_p90"]) == (72 * 3600, 24 * 3600)


def test_time_as_a_draft_is_in_neither(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.pull_request(world, LAST, 8, SITE, ADA, created_at=at(2, 9), updated_at=at(2, 9))
    # Ready for six hours on the 3rd, a draft again, ready since Thursday; the answer came on Friday.
    for moved, when in (
        ("ready_for_review", at(3, 6)),
        ("convert_to_draft", at(3, 12)),
        ("ready_for_review", at(5, 9)),
    ):
        acme.event(world, LAST, SITE, 8, ADA, moved, when)
    acme.comment(world, LAST, SITE, 8, OLGA, at(6, 9))
    row = Marts(mart_sql, world).row("pull_request_attention", "number = 8")
    assert (row["ready_at"], row["response_seconds"], row["response_business_seconds"]) == (
        at(3, 6),
        30 * 3600,
        30 * 3600,
    )
    assert (row["due_at"], row["breached"]) == (at(9, 3), False)


# Who it was: humans, bots, ghosts, and what nobody can tell.


def test_a_machine_with_a_persons_account_is_a_bot_where_the_directory_says_so(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.user(world, FIRST, 40, "acme-ci")
    acme.issue(world, LAST, 8, SITE, ADA, created_at=at(12, 9), updated_at=at(12, 9))
    acme.comment(world, LAST, SITE, 8, 40, at(12, 10))
    assert Marts(mart_sql, world).row("issue_current", "number = 8")["first_response_at"] == at(12, 10)
    acme.person_line(world, LAST, "acme-ci", None, "bot")
    marts = Marts(mart_sql, world)
    assert marts.row("issue_current", "number = 8")["first_response_at"] is None
    assert marts.rows("contributors", "login = 'acme-ci'") == []


def test_who_opened_is_told_by_kind_and_the_unknown_are_shown(mart_sql: dict[str, str]) -> None:
    world = small_world()
    for number, who in enumerate((ADA, OLGA, OLGA, RENOVATE, RENOVATE, RENOVATE, None), start=20):
        acme.issue(world, LAST, number, SITE, who, created_at=at(14, 9), updated_at=at(14, 9))
    acme.comment(world, LAST, SITE, 1, RENOVATE, at(14, 10))
    row = Marts(mart_sql, world).row("issue_metrics_daily", f"repo_id = {SITE} and day = '2026-03-14'")
    kinds = ("community", "maintainers", "bots", "unknown")
    assert [row["opened"], *(row[f"opened_by_{kind}"] for kind in kinds)] == [7, 1, 2, 3, 1]
    # Neither what a bot opened nor what a bot commented on is active.
    assert row["active"] == 4


def test_deleted_accounts_are_not_one_person_in_the_absence_factor(mart_sql: dict[str, str]) -> None:
    world = World()
    acme.organization(world, FIRST)
    acme.repository(world, FIRST, SITE, "site")
    acme.user(world, FIRST, 50, "ghost")
    world.fetched(LAST, "commits", SITE_SCOPE)
    # Six commits of ghosts with three addresses, two of one address without an account, four of nobody at all.
    for n in range(12):
        hk = world.hub(LAST, "hub_commit", f"c{n}")
        world.link(LAST, "link_repo_commit", (SITE, f"c{n}"), repo_hk=key(SITE), commit_hk=hk)
        if n < 6:
            world.link(LAST, "link_commit_author", (f"c{n}", 50), commit_hk=hk, author_hk=key(50))
        address = f"address-{n // 2}" if n < 8 else None
        world.satellite(LAST, "sat_commit", hk, committed_at=at(10), author_email_md5=address)
    row = Marts(mart_sql, world).row("contributor_absence_factor", f"repo_id = {SITE}")
    assert (row["commits_count"], row["authors_count"], row["absence_factor"]) == (12, 8, 3)


def test_the_example_of_chaoss_gives_two(mart_sql: dict[str, str]) -> None:
    world = World()
    acme.organization(world, FIRST)
    acme.repository(world, FIRST, SITE, "site")
    world.fetched(LAST, "commits", SITE_SCOPE)
    for who, count in enumerate((1000, 202, 90, 33, 332, 343, 42, 433), start=60):
        acme.user(world, FIRST, who)
        for n in range(count):
            acme.commit(world, LAST, SITE, f"{who}-{n}", who, at(10))
    row = Marts(mart_sql, world).row("contributor_absence_factor", f"repo_id = {SITE}")
    assert (row["commits_count"], row["authors_count"], row["absence_factor"]) == (2475, 8, 2)


# Totals jump when repositories arrive, leave or change owner.


def test_a_repository_that_left_is_in_neither_side_of_the_comparison(mart_sql: dict[str, str]) -> None:
    world = small_world()
    for day in DAYS[:10]:
        acme.repository(world, day, 12, "gone", stars=1000)
    acme.no_repository(world, date(2026, 3, 12), 12)
    row = Marts(mart_sql, world).row(
        "metric_period", f"repo_id is null and metric = 'stargazers_count' and {SECOND_WEEK}"
    )
    assert (row["value"], row["value_compared"], row["previous"], row["delta"]) == (113, 113, 106, 7)
    assert (row["n_compared"], row["repositories_count"], row["is_comparable"]) == (1, 2, False)


def test_a_repository_that_changed_owner_is_compared_with_itself(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.organization(world, FIRST, 2, "globex")
    for n, day in enumerate(DAYS):
        world.fetched(day, "repositories", scope("organization", 2))
        owner = 1 if day < date(2026, 3, 9) else 2
        acme.repository(world, day, 12, "moved", stars=1000 + n, org_id=owner)
        if owner == 2:
            acme.no_repository(world, day, 12, org_id=1)
    marts = Marts(mart_sql, world)
    of = f"repo_id is null and metric = 'stargazers_count' and {SECOND_WEEK}"
    assert [
        (r["org_login"], r["value"], r["previous"], r["delta"]) for r in marts.rows("metric_period", of, "org_id")
    ] == [
        ("acme", 113, 106, 7),
        ("globex", 1013, 1006, 7),
    ]


# Attributes as of the day.


def test_a_repository_was_public_on_the_days_on_which_it_was(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.repository(world, LAST, SITE, "hidden", visibility="private", stars=113)
    marts = Marts(mart_sql, world)
    for mart, day in (
        ("repo_popularity_daily", "day"),
        ("repo_traffic_daily", "traffic_date"),
        ("repo_traffic_referrers", "day"),
        ("issue_metrics_daily", "day"),
        ("pull_request_metrics_daily", "day"),
        ("security_alerts_daily", "day"),
        ("security_coverage_daily", "day"),
        ("release_adoption_daily", "day"),
    ):
        for on, expected in ((LAST - timedelta(days=1), "public"), (LAST, "private")):
            rows = marts.rows(mart, f"repo_id = {SITE} and {day} = '{on}'")
            assert {r["visibility"] for r in rows} == {expected}, (mart, on)


# Dormant means: no visible activity.


def test_a_merge_long_after_somebodys_last_word_is_not_their_activity(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.user(world, FIRST, 70, "rita")
    world.access(LAST, SITE, 70, "write")
    long_ago = moment(2025, 6, 2)
    more = {"created_at": long_ago, "updated_at": at(9), "closed_at": at(9), "merged_at": at(9), "merged_by": OLGA}
    acme.pull_request(world, LAST, 8, SITE, 70, state="merged", **more)
    marts = Marts(mart_sql, world)
    person = marts.row("contributors", "login = 'rita'")
    assert (person["last_seen_at"], person["is_inactive"], person["merges_count"]) == (long_ago, True, 1)
    assert marts.row("access_review", "login = 'rita'")["last_seen_at"] == long_ago


def test_who_only_closes_things_is_active_and_no_newcomer(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.user(world, FIRST, 70, "rita")
    acme.event(world, LAST, SITE, 1, 70, "closed", at(9))
    assert Marts(mart_sql, world).rows("contributors", "login = 'rita'") == []
    acme.comment(world, LAST, SITE, 1, 70, moment(2025, 6, 2))
    row = Marts(mart_sql, world).row("contributors", "login = 'rita'")
    assert (row["first_seen_at"], row["last_seen_at"], row["is_inactive"]) == (moment(2025, 6, 2), at(9), False)


@pytest.mark.parametrize(("mart", "column"), [("contributors", "last_seen_at"), ("access_review", "last_seen_at")])
def test_what_is_called_last_seen_says_what_is_not_seen(mart: str, column: str) -> None:
    assert "neither clones nor logins are seen" in described(mart, column)


# A grant and its revocation within a day is invisible: the audit says so.


def test_the_audit_says_what_it_cannot_see() -> None:
    said = " ".join(project("user_access_changes")["description"].split())
    assert "within one day are invisible" in said


def test_access_by_every_path_is_in_the_evidence_of_the_quarter(mart_sql: dict[str, str]) -> None:
    world = small_world()
    acme.user(world, FIRST, 70, "rita")
    acme.member(world, FIRST, 70)
    # GitHub knows the team as write only, our own list as maintain: the higher one holds.
    acme.collaborator(
        world,
        FIRST,
        SITE,
        70,
        "maintain",
        [("organization", 1, "read"), ("team", 500, "write"), ("repository", SITE, "triage")],
    )
    world.access(LAST, SITE, 70, "maintain", team_role_name="maintain", teams_count=1)
    world.team_access(LAST, 500, SITE, 70, "maintain")
    row = Marts(mart_sql, world).row("access_review", "login = 'rita'")
    assert row["paths"] == "direct (triage), organization (read), team core (maintain)"
    world.fetched(LAST, "members", ORG, "partial")
    row = Marts(mart_sql, world).row("access_review", "login = 'rita'")
    assert (row["is_complete"], row["data_state"], row["members_data_state"]) == (False, "complete", "partial")


# No alerts is not safe.


def test_days_on_which_alerts_were_off_have_no_zero_though_they_are_on_now(mart_sql: dict[str, str]) -> None:
    world = small_world()
    for day in DAYS[:7]:
        world.fetched(day, "dependabot_alerts", COPY_SCOPE, "disabled")
    marts = Marts(mart_sql, world)
    of = f"repo_id = {COPY} and alert_kind = 'dependabot'"
    rows = marts.rows("security_alerts_daily", of, "day")
    assert [(r["open_at_close"], r["data_state"]) for r in rows] == [(None, "disabled")] * 7 + [(0, "complete")] * 7
    total = marts.row("metric_period", f"repo_id = {COPY} and metric = 'alerts_opened' and {SECOND_WEEK}")
    assert (total["value"], total["previous"], total["is_comparable"]) == (0, None, False)


def test_secrets_are_watched_where_alerts_came_though_the_settings_did_not(mart_sql: dict[str, str]) -> None:
    world = small_world()
    world.fetched(LAST, "repositories", ORG, "failed")
    row = Marts(mart_sql, world).row(
        "security_coverage_daily", f"repo_id = {SITE} and feature = 'secret_scanning' and day = '{LAST}'"
    )
    assert (row["state"], row["data_state"], row["observed_at"]) == ("on", "complete", at(16, 0, 10))


def test_times_to_mend_leave_false_positives_out_and_keep_the_first_date(mart_sql: dict[str, str]) -> None:
    world = small_world()

    def fixed(number: int, raised: datetime, closed: datetime, **more: Any) -> None:
        acme.alert(world, LAST, SITE, number, "low", raised, **{"state": "fixed", "fixed_at": closed, **more})

    for number, took in ((11, 1), (12, 2), (13, 3), (14, 10)):
        fixed(number, at(2), at(2) + timedelta(days=took))
    fixed(15, at(2), at(13), state="dismissed", dismissed_at=at(13), dismissed_reason="inaccurate")
    fixed(16, at(2), at(7), state="dismissed", dismissed_at=at(7), dismissed_reason="tolerable_risk")
    # Raised before the year, mended, open again, mended again: it was there for all that time.
    raised = moment(2025, 11, 22)
    for day, state, closed in ((FIRST, "fixed", at(1)), (DAYS[3], "open", None), (LAST, "fixed", at(12))):
        acme.alert(world, day, SITE, 17, "low", raised, state=state, fixed_at=closed)
    row = Marts(mart_sql, world).row("security_remediation", "alert_kind = 'dependabot' and severity = 'low'")
    counts = ("closed", "fixed", "dismissed", "false_positives", "closed_late")
    assert [row[c] for c in counts] == [6, 5, 1, 1, 1]
    assert float(row["exposure_days_mean"]) == pytest.approx((1 + 2 + 3 + 10 + 5 + 110) / 6, abs=1e-6)
    assert (float(row["exposure_days_median"]), row["exposure_days_p90"]) == (4.0, 110)


# Downloads are cumulative.


def test_all_downloads_of_a_new_asset_are_of_its_first_day_where_the_day_before_was_seen(
    mart_sql: dict[str, str],
) -> None:
    world = small_world()
    acme.release(world, DAYS[9], SITE, 71, midnight(DAYS[9]), {901: 40})
    on = f"asset_id = 901 and day = '{DAYS[9]}'"
    assert Marts(mart_sql, world).row("release_adoption_daily", on)["downloads"] == 40
    world.fetched(DAYS[8], "release_assets", SITE_SCOPE, "failed")
    assert Marts(mart_sql, world).row("release_adoption_daily", on)["downloads"] is None


# People are listed for action, never ranked.


def test_no_mart_ranks_people_or_gives_anything_a_score() -> None:
    words = ("score", "rating", "points_of", "position", "leader", "health_index")
    for mart in MARTS:
        columns = {c["name"] for c in project(mart)["columns"]}
        assert not {c for c in columns - {"cvss_v3_score"} for word in words if word in c}, mart
        if {"user_id", "login"} & columns:
            assert "rank" not in columns, mart
            assert not {c for c in columns if c.startswith(("commits", "additions_", "lines"))}, mart


# A past day stays what it was, and nothing reads the clock.


@pytest.mark.parametrize("close", [8, 11])
def test_what_is_final_at_the_close_of_a_day_is_the_same_a_week_later(mart_sql: dict[str, str], close: int) -> None:
    world, last = small_world(), mar(close)
    then, now = Marts(mart_sql, world.until(last)), Marts(mart_sql, world)
    compared = 0
    for mart in MARTS:
        columns = [c["name"] for c in project(mart)["columns"]]
        day = next((c for c in ("day", "traffic_date", "week_start") if c in columns), None)
        if day is None or "is_final" not in columns or mart == "dim_date":
            continue
        kept = [c for c in columns if c != "observed_at"]
        order = ", ".join(kept)
        shown = [{c: r[c] for c in kept} for r in then.rows(mart, f"is_final and {day} <= '{last}'", order)]
        later = [{c: r[c] for c in kept} for r in now.rows(mart, f"{day} <= '{last}'", order)]
        assert [row for row in shown if row not in later] == [], mart
        compared += len(shown)
    assert compared > 300
    over = f"end_on <= '{last}'"
    assert then.rows("metric_period", over, "all") == now.rows("metric_period", over, "all")


def test_current_is_the_state_at_the_last_loaded_day(mart_sql: dict[str, str]) -> None:
    marts = Marts(mart_sql, small_world().until(mar(9)))
    assert [(r["number"], r["state"], r["open_days"]) for r in marts.rows("issue_current", order="number")] == [
        (1, "open", 7),
        (2, "open", 3),
    ]
    assert marts.row("pull_request_attention", "number = 4")["waiting_for"] is None
    assert marts.row("security_alerts_current", "alert_number = 1")["is_overdue"] is False
    health = marts.row("repo_health_current", f"repo_id = {SITE}")
    assert (health["days_since_push"], health["last_conversation_at"]) == (0, at(9, 12))


def test_no_mart_reads_the_clock(mart_sql: dict[str, str]) -> None:
    clocks = (
        "now(",
        "current_date",
        "current_timestamp",
        "getdate",
        "sysdate",
        "localtime",
        "today(",
        "clock_timestamp",
    )
    for mart, text in mart_sql.items():
        assert not [word for word in clocks if word in text.lower()], mart
