"""Every number on the page is the one its mart holds, asked here by other means: plain SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from oss_datastore.report.dashboards import dashboard
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.report.organisation import LAST
from oss_datastore_tests.report.reading import Page

COMMUNITY = "from infomarts.pull_request_attention where author_kind = 'community'"
UNREAD = f"""(
    select repo_id from infomarts.pull_request_metrics_daily where day = date '{LAST}' and not is_final
    and data_state not in ('disabled', 'gone')
    union select repo_id from infomarts.issue_metrics_daily where day = date '{LAST}' and not is_final
    and data_state not in ('disabled', 'gone'))"""
NEVER = f"""select count(*) {COMMUNITY} and repo_id not in {UNREAD} and due_at < timestamp '{{at}}'
    and coalesce(first_response_at, timestamp '9999-01-01') >= timestamp '{{at}}'
    and coalesce(closed_at, timestamp '9999-01-01') >= timestamp '{{at}}'"""
ALERTS = "from infomarts.security_sla where is_overdue"
PEOPLE = "from infomarts.user_access_current where repo_id is null"
IN_TIME = f"due_at >= date '{LAST}' - 27 and due_at < date '{LAST}' + 1"
FRESH = f"from infomarts.user_access_current where granted_on > date '{LAST}' - 7"
NEWCOMERS = f"from infomarts.contributors where kind <> 'employee' and first_seen_at > date '{LAST}' - 27"
SETTLED = f"""
    from infomarts.contributor_funnel where kind <> 'employee' and merged > 0 and cohort_month = (
      select max(cohort_month) from infomarts.contributor_funnel
      where kind <> 'employee' and merged > 0 and cohort_month + interval 1 month + interval 89 day <= date '{LAST}')"""
STARS = """
with ends as (
  select repo_id, max(full_name) as name,
    max(case when day = date '{last}' then stargazers_count end) as n0,
    max(case when day = date '{last}' - 7 then stargazers_count end) as n7,
    max(case when day = date '{last}' - 14 then stargazers_count end) as n14
  from infomarts.repo_popularity_daily where not is_fork group by repo_id
) select {wanted} from ends where n0 is not null and n7 is not null and n14 is not null
"""
NUMBERS = {
    "repositories_known": f"select count(*) from infomarts.repo_popularity_daily where day = date '{LAST}'",
    "repositories_whole": f"""
        select count(*) from infomarts.repo_popularity_daily p join infomarts.repo_traffic_daily t
        on t.repo_id = p.repo_id and t.traffic_date = p.day
        where p.day = date '{LAST}' and p.data_state = 'complete' and t.is_final""",
    "losing": f"""
        select count(distinct repo_id) from infomarts.repo_traffic_daily where not is_final
        and traffic_date >= (select min(day) from infomarts.data_quality_daily)
        and recoverable_until > date '{LAST}' + 1""",
    "overdue": f"select count(*) {COMMUNITY} and is_overdue",
    "never_answered": NEVER.format(at=LAST + timedelta(days=1)),
    "never_answered_before": NEVER.format(at=LAST - timedelta(days=6)),
    "unread": f"select count(*) from {UNREAD}",
    "due": f"select count(*) {COMMUNITY} and {IN_TIME} and repo_id not in {UNREAD}",
    "overdue_alerts": f"select count(*) {ALERTS}",
    "overdue_worst": f"select count(*) {ALERTS} and severity = 'critical'",
    "not_watched": f"select sum(repositories_not_watched) from infomarts.org_overview where day = date '{LAST}'",
    "watch_unknown": f"select sum(repositories_watch_unknown) from infomarts.org_overview where day = date '{LAST}'",
    "repositories_in_all": f"select sum(repositories_count) from infomarts.org_overview where day = date '{LAST}'",
    "new_people": f"select count(distinct user_id) {FRESH}",
    "new_outside": f"select count(distinct user_id) {FRESH} and is_outside and repo_id is null",
    "new_admins": f"""
        select count(distinct user_id) from infomarts.user_access_changes
        where change in ('granted', 'changed') and changed_on > date '{LAST}' - 7 and role_after in ('admin', 'owner')
        and user_id not in (select user_id from infomarts.user_access_current where is_owner)""",
    "leavers": "select count(distinct user_id) from infomarts.access_review where is_leaver and not is_closed",
    "owners": f"select count(*) {PEOPLE} and is_owner",
    "members": f"select count(*) {PEOPLE} and is_member",
    "outsiders": f"select count(*) {PEOPLE} and is_outside",
    "stars_net": STARS.format(last=LAST, wanted="sum(n0 - n7)"),
    "stars_net_before": STARS.format(last=LAST, wanted="sum(n7 - n14)"),
    "compared": STARS.format(last=LAST, wanted="count(*)"),
    "newcomers": f"select count(*) {NEWCOMERS}",
    "merged_once": f"select sum(merged) {SETTLED}",
    "merged_again": f"select sum(merged_again_in_90_days) {SETTLED}",
    "single": """
        select count(*) from infomarts.contributor_absence_factor
        where absence_factor = 1 and not is_fork and not is_archived""",
    "candidates": "select count(*) from infomarts.repo_health_current where is_archive_candidate",
    "orphans": """
        select count(*) from infomarts.repo_health_current where is_archive_candidate and owner_basis = 'none'""",
    "best": STARS.format(last=LAST, wanted="max(n0 - n7)"),
}


def ask(marts: Marts, sql: str) -> list[tuple[Any, ...]]:
    return marts.connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def internal(page: Callable[[str], str]) -> Page:
    return Page(page("internal"))


def test_every_number_of_the_first_screen_is_that_of_its_mart(internal: Page, marts: Marts) -> None:
    held = {name: ask(marts, sql)[0][0] or 0 for name, sql in NUMBERS.items()}
    shown = {name: internal.number(name) for name in internal.numbers}
    assert shown == {name: held[name] for name in shown}
    assert {name: held[name] for name in held if name not in shown and held[name]} == {}


def test_the_met_share_counts_open_ones_too(page: Callable[[str], str], internal: Page, marts: Marts) -> None:
    met = f"select count(*) {COMMUNITY} and {IN_TIME} and repo_id not in {UNREAD} and not breached"
    share = round(100 * ask(marts, met)[0][0] / internal.number("due"))
    assert f"<b>{share} %</b>" in page("internal")


TABLES: dict[str, str] = {
    "stars": """
        select cast(day as varchar), 'Stars', sum(stargazers_count) from infomarts.repo_popularity_daily
        where not is_fork and stargazers_count is not null group by 1, 2""",
    "stars_by_repository": f"""
        select substr(full_name, 6), 'Net stars', sum(stargazers_net) from infomarts.repo_popularity_daily
        where not is_fork and day > date '{LAST}' - 28 group by 1, 2""",
    "views": """
        with kept as (select * from infomarts.repo_traffic_daily where not is_fork and is_final),
        days as (select count(distinct traffic_date) as n from kept),
        whole as (select repo_id from kept, days group by repo_id, n having count(*) = n),
        like_for_like as (select * from kept join whole using (repo_id))
        select cast(traffic_date as varchar), 'Views', sum(views_count) from like_for_like group by 1, 2
        union all
        select cast(traffic_date as varchar), 'Clones', sum(clones_count) from like_for_like group by 1, 2""",
    "referrers": """
        with newest as (
          select repo_id, max(day) as day from infomarts.repo_traffic_referrers where is_final group by repo_id)
        select substr(full_name, 6), referrer, views_count_14_days from infomarts.repo_traffic_referrers
        join newest using (repo_id, day) where not is_fork and rank is not null""",
    "pull_requests_waiting": """
        select case when waiting_days < 3 then '0–2 days' when waiting_days < 8 then '3–7 days'
          when waiting_days < 15 then '8–14 days' when waiting_days < 31 then '15–30 days' else '31 days and more' end,
          waiting_for, count(*) from infomarts.pull_request_attention
        where state = 'open' and not is_draft group by 1, 2""",
    "issue_ages": """
        select case when open_days < 8 then '0–7 days' when open_days < 31 then '8–30 days'
          when open_days < 91 then '31–90 days' when open_days < 366 then '91–365 days' else '366 days and more' end,
          waiting_for, count(*) from infomarts.issue_current where state = 'open' group by 1, 2""",
    "access_by_role": """
        select role, case when organization_path = 'owner' then 'ownership' when team_paths is not null then 'team'
          when direct_path is not null then 'direct' else 'base permission' end, count(*)
        from infomarts.user_access_current where repo_id is not null group by 1, 2""",
    "alerts_open": " union all ".join(
        f"""select cast(day as varchar), '{s.title()}', sum(open_{s}) from infomarts.security_alerts_daily
        where alert_kind = 'dependabot' and repo_id not in (
          select repo_id from infomarts.security_alerts_daily where alert_kind = 'dependabot' and not is_final)
        group by 1, 2"""
        for s in ("critical", "high", "medium", "low")
    ),
    "alerts_due": f"""
        select case when due_at is null then 'no due date' when is_overdue then 'past due'
          when due_at < date '{LAST}' + 8 then 'due in 7 days' else 'due later' end,
          coalesce(severity, 'none'), count(*)
        from infomarts.security_sla where state = 'open' group by 1, 2""",
    "completeness": f"""
        select cast(day as varchar), replace(dataset, '_', ' '),
          100 * (scopes_planned - scopes_missing) // scopes_planned
        from infomarts.data_quality_daily where day > date '{LAST}' - 60 and scopes_planned > 0""",
    "answers_due": " union all ".join(
        f"""select cast(cast(date_trunc('week', day) as date) as varchar), '{label}', sum({column})
        from infomarts.pull_request_metrics_daily where not is_fork group by 1, 2
        having count(distinct day) = 7 and count(due) = count(*)"""
        for column, label in (("due", "Due"), ("due_met", "Answered in time"))
    ),
    "newcomers": " union all ".join(
        f"""select strftime(cohort_month, '%Y-%m'), '{label}', sum({column}) from infomarts.contributor_funnel
        where kind in ('external', 'unknown') and cohort_month > date '{LAST}' - 366 group by 1, 2"""
        for column, label in (
            ("contributors", "First seen"),
            ("opened_pull_request", "Opened a pull request"),
            ("merged", "Merged"),
            ("merged_again_in_90_days", "Merged again within 90 days"),
        )
    ),
    "coverage": f"""
        select replace(feature, '_', ' '), state, count(*) from infomarts.security_coverage_daily
        where day = date '{LAST}' and not is_archived group by 1, 2""",
    "downloads": """
        with observed as (select * from infomarts.release_adoption_daily where downloads is not null),
        per_day as (select day, count(distinct repo_id) as n from observed group by day),
        days as (select day from per_day where 2 * n > (select max(n) from per_day)),
        whole as (
          select repo_id from observed join days using (day) group by repo_id
          having count(distinct day) = (select count(*) from days))
        select cast(day as varchar), 'Downloads', sum(downloads) from observed join days using (day)
        join whole using (repo_id) group by 1, 2""",
    "pull_requests_moved": " union all ".join(
        f"""select cast(cast(date_trunc('week', day) as date) as varchar), '{label}', sum(pull_requests_{column})
        from infomarts.org_overview group by 1, 2 having count(*) = 7"""
        for column, label in (("opened", "Opened"), ("merged", "Merged"), ("closed", "Closed unmerged"))
    ),
    "visitors": f"""
        with newest as (select repo_id, max(traffic_date) as traffic_date from infomarts.repo_traffic_daily
          where views_uniques_14_days is not null and traffic_date > date '{LAST}' - 14 group by repo_id),
        uniques as (
          select * from infomarts.repo_traffic_daily join newest using (repo_id, traffic_date) where not is_fork),
        shown as (select * from uniques order by views_uniques_14_days desc limit 10)
        select substr(full_name, 6), 'Visitors', views_uniques_14_days from shown
        union all select substr(full_name, 6), 'Cloners', clones_uniques_14_days from shown""",
}


def test_each_visual_has_its_check() -> None:
    assert set(TABLES) == {visual.id for visual in dashboard().visuals}


@pytest.mark.parametrize("visual", TABLES)
def test_every_number_behind_a_chart_is_that_of_its_mart(internal: Page, marts: Marts, visual: str) -> None:
    shown = {
        (row, column): int(value.replace(",", ""))
        for row, cells in internal.table(visual).items()
        for column, value in cells.items()
        if value != "–"
    }
    assert shown == {(row, column): value for row, column, value in ask(marts, TABLES[visual])}


def test_the_list_of_what_waits_holds_every_overdue_one(internal: Page, marts: Marts) -> None:
    listed = {(row[0], row[1]) for row in internal.tables["overdue"][1:]}
    overdue = f"select substr(full_name, 6), number {COMMUNITY} and is_overdue"
    assert listed == {(name, f"#{number}") for name, number in ask(marts, overdue)}


DAY_OF = "strftime({}, '%Y-%m-%d')"
NAME = "substr(full_name, 6)"
PERIOD = """
    select case metric when 'stargazers_net' then 'Stars gained' when 'stargazers_count' then 'Stars'
        when 'forks_net' then 'Forks gained' when 'views_count' then 'Page views' when 'clones_count' then 'Clones'
        else upper(metric[1]) || replace(metric[2:], '_', ' ') end, value, n || ' of ' || repositories_count
    from infomarts.metric_period where scope_kind = 'organization' and period = '{0}' and start_on = (
      select max(start_on) from infomarts.metric_period where scope_kind = 'organization' and period = '{0}')"""
ROWS = {
    "period_week": (("Metric", "Value", "Repositories"), PERIOD.format("week")),
    "period_month": (("Metric", "Value", "Repositories"), PERIOD.format("month")),
    "repositories": (
        ("Repository", "Stars", "28 days", "Days counted", "Forks", "Watchers"),
        f"""select {NAME}, max(case when day = date '{LAST}' then stargazers_count end),
            sum(case when day > date '{LAST}' - 28 then stargazers_net end),
            count(case when day > date '{LAST}' - 28 then stargazers_net end) || ' of 28',
            max(case when day = date '{LAST}' then forks_count end),
            max(case when day = date '{LAST}' then subscribers_count end)
            from infomarts.repo_popularity_daily group by repo_id, full_name""",
    ),
    "stars_of_the_week": (
        ("Repository", "Week from", "Net", "Given", "Taken back", "Known from"),
        f"""select {NAME}, {DAY_OF.format("week_start")}, stargazers_net, stargazers_new, stargazers_lost,
            case is_approximate when true then 'GitHub''s history' when false then 'the list of stargazers' end
            from infomarts.repo_popularity_weekly
            where stargazers_net is not null and week_start = (
              select max(week_start) from infomarts.repo_popularity_weekly where stargazers_net is not null)""",
    ),
    "traffic_by_repository": (
        ("Repository", "Views", "Clones", "Days counted", "Visitors (GitHub's)"),
        f"""select {NAME}, sum(case when is_final then views_count end), sum(case when is_final then clones_count end),
            count(case when is_final then 1 end) || ' of 14', arg_max(views_uniques_14_days, traffic_date)
            from infomarts.repo_traffic_daily where traffic_date > date '{LAST}' - 14 group by repo_id, full_name""",
    ),
    "paths": (
        ("Repository", "Path", "Title", "Views in 14 days"),
        f"""select {NAME}, path, title, views_count_14_days from infomarts.repo_traffic_paths
            where rank is not null qualify day = max(day) over (partition by repo_id)
            order by views_count_14_days desc, 1, rank limit 15""",
    ),
    "overdue": (
        ("Repository", "Number", "Title", "Waits for", "Since", "Days"),
        f"""select {NAME}, '#' || number, title, waiting_for, {DAY_OF.format("waiting_since")}, waiting_days
            {COMMUNITY} and is_overdue""",
    ),
    "unanswered_issues": (
        ("Repository", "Number", "Title", "Days open"),
        f"""select {NAME}, '#' || number, title, open_days from infomarts.issue_current
            where state = 'open' and author_kind = 'community' and first_response_at is null
            order by created_at, issue_id limit 15""",
    ),
    "first_timers": (
        ("Person", "Known as", "First seen", "First pull request"),
        f"select login, kind, {DAY_OF.format('first_seen_at')}, {DAY_OF.format('first_pull_request_at')} {NEWCOMERS}",
    ),
    "single": (
        ("Repository", "Commits in 365 days", "People"),
        f"""select {NAME}, commits_count, authors_count from infomarts.contributor_absence_factor
            where absence_factor = 1 and not is_fork and not is_archived""",
    ),
    "new_access": (
        ("Person", "Role", "First seen"),
        f"select login, role, {DAY_OF.format('granted_on')} {FRESH}",
    ),
    "new_admins": (
        ("Person", "Role now", "Seen on"),
        f"""select login, role_after, {DAY_OF.format("changed_on")} from infomarts.user_access_changes
            where change in ('granted', 'changed') and changed_on > date '{LAST}' - 7
            and role_after in ('admin', 'owner')
            and user_id not in (select user_id from infomarts.user_access_current where is_owner)""",
    ),
    "leavers": (
        ("Person", "On", "Role"),
        "select login, full_name, role from infomarts.access_review where is_leaver and not is_closed",
    ),
    "owners": (
        ("Person", "Organisation", "Role", "List"),
        f"select login, org_login, role, data_state {PEOPLE} and (is_owner or is_outside)",
    ),
    "two_factor": (("Person", "Organisation"), f"select login, org_login {PEOPLE} and two_factor_enabled = false"),
    "access_changes": (
        ("Seen on", "Change", "As", "List"),
        f"""select {DAY_OF.format("changed_on")}, change, relation, data_state from infomarts.user_access_changes
            where change <> 'found' and changed_on > date '{LAST}' - 28""",
    ),
    "open_alerts": (
        ("Repository", "Severity", "Package", "Advisory", "Days open", "Past due"),
        f"""select {NAME}, severity, package_name, advisory_summary, exposure_days, if(is_overdue, 'yes', 'no')
            from infomarts.security_alerts_current where state = 'open'
            order by array_position(['critical', 'high', 'medium', 'low'], severity), due_at, 1, alert_number
            limit 25""",
    ),
    "open_scanning_alerts": (
        ("Repository", "Kind", "Severity", "Days open", "Past due"),
        f"""select {NAME}, replace(alert_kind, '_', ' '), severity, exposure_days, if(is_overdue, 'yes', 'no')
            from infomarts.security_sla where state = 'open' and alert_kind <> 'dependabot'
            order by coalesce(array_position(['critical', 'high', 'medium', 'low'], severity), 9), created_at, 1,
              alert_kind, alert_number limit 25""",
    ),
    "closed_alerts": (
        (
            "Month",
            "Kind",
            "Severity",
            "Fixed",
            "Dismissed",
            "False positives",
            "Past due",
            "Median days",
            "90 % within days",
        ),
        """select strftime(closed_month, '%Y-%m'), replace(alert_kind, '_', ' '), severity, fixed, dismissed,
            false_positives, closed_late, format('{:g}', round(exposure_days_median, 1)::double),
            exposure_days_p90 from infomarts.security_remediation
            where closed_month in (
              select distinct closed_month from infomarts.security_remediation order by 1 desc limit 3)""",
    ),
    "not_watched": (
        ("Repository", "Off"),
        f"""select {NAME}, string_agg(case when state = 'off' then replace(feature, '_', ' ') end, ', '
              order by feature)
            from infomarts.security_coverage_daily where day = date '{LAST}' and state <> 'on' group by 1""",
    ),
    "releases_list": (
        ("Repository", "Release", "Downloads in 28 days", "Days counted", "Downloads held"),
        f"""with newest as (
              select asset_id, arg_max(download_count, day) as held from infomarts.release_adoption_daily
              where download_count is not null group by asset_id),
            recent as (
              select full_name, tag_name, sum(downloads) as month, count(distinct day) as days,
                count(distinct case when downloads is not null then day end) as counted
              from infomarts.release_adoption_daily where day > date '{LAST}' - 28 group by 1, 2),
            held as (
              select a.full_name, a.tag_name, sum(n.held) as held
              from (select distinct full_name, tag_name, asset_id from infomarts.release_adoption_daily) a
              join newest n using (asset_id) group by 1, 2)
            select {NAME}, tag_name, month, counted || ' of ' || days, held from recent join held
            using (full_name, tag_name)""",
    ),
    "archive_candidates": (
        ("Repository", "Last push"),
        f"select {NAME}, {DAY_OF.format('pushed_at')} from infomarts.repo_health_current where is_archive_candidate",
    ),
    "health_list": (
        ("Repository", "Owner", "Tier", "Days since push", "Maintainers active in 90 days"),
        f"""select {NAME}, owner, tier, days_since_push, maintainers_active from infomarts.repo_health_current
            where not is_archived""",
    ),
    "losing": (
        ("Repository", "First day lacking", "Days"),
        f"""select {NAME}, {DAY_OF.format("min(traffic_date)")}, count(*) from infomarts.repo_traffic_daily
            where not is_final and traffic_date >= (select min(day) from infomarts.data_quality_daily)
            and recoverable_until > date '{LAST}' + 1 group by 1""",
    ),
}


@pytest.fixture(scope="module")
def security(page: Callable[[str], str]) -> Page:
    return Page(page("security"))


def test_each_list_and_each_number_of_the_first_screen_has_its_check(security: Page) -> None:
    lists = set(security.tables) - set(TABLES)
    assert lists - {"lacking"} == set(ROWS)
    assert set(security.numbers) <= set(NUMBERS)


@pytest.mark.parametrize("ident", ROWS)
def test_every_row_of_a_list_is_one_of_its_mart(security: Page, marts: Marts, ident: str) -> None:
    columns, sql = ROWS[ident]
    header, *rows = security.tables[ident]
    places = [header.index(name) for name in columns]
    shown = sorted(tuple(row[place] for place in places) for row in rows)
    held = sorted(
        tuple(f"{v:,}" if isinstance(v, int) else "–" if v is None else str(v) for v in row)
        for row in [tuple(int(v) if isinstance(v, Decimal) else v for v in row) for row in ask(marts, sql)]
    )
    assert shown == held


def test_days_that_are_not_whole_are_all_listed(security: Page, marts: Marts) -> None:
    lacking = ask(
        marts,
        f"""select distinct replace(dataset, '_', ' '), data_state from infomarts.data_quality_daily
        where not is_whole and day > date '{LAST}' - 60""",
    )
    assert {(row[0], row[2]) for row in security.tables["lacking"][1:]} == set(lacking)
