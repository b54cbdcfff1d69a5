-- Totals add what is whole and say beside it how many repositories they leave out. Our own forks stay out of all totals but
-- those of alerts: whoever runs a fork runs its faults.
with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
organizations as (
  select h.org_hk, h.org_id, h.load_date, {{ scope_of('h.host', 'organization', 'h.org_id') }} as org_scope
  from {{ ref('hub_org') }} h
),
repositories as (
{{ repository_days() }}
),
ledger as (
{{ ledger_rows(['repositories', 'members', 'outside_collaborators', 'dependabot_alerts']) }}
),
counted as (
  select r.org_hk, r.day, count(*) as repositories_count,
    sum(case when r.is_archived then 1 else 0 end) as archived_repositories_count,
    sum(case when r.is_fork then 1 else 0 end) as fork_repositories_count
  from repositories r
  group by r.org_hk, r.day
),
popularity as (
  select r.org_hk, r.day,
    sum(p.stargazers_count) as stargazers_count, sum(p.forks_count) as forks_count, sum(p.subscribers_count) as subscribers_count,
    sum(p.stargazers_net) as stargazers_net, sum(case when p.stargazers_net is null then 0 else 1 end) as repositories_compared,
    sum(case when p.data_state = 'complete' then 1 else 0 end) as repositories_counted,
    sum(case when p.data_state = 'complete' then 0 else 1 end) as repositories_not_counted,
    sum(case when p.data_state = 'complete' then c.open_issues_count end) as issues_open,
    sum(case when p.data_state = 'complete' then c.open_pull_requests_count end) as pull_requests_open
  from repositories r
  join {{ ref('repo_popularity_daily') }} p on p.repo_id = r.repo_id and p.org_id = r.org_id and p.day = r.day
  left join {{ ref('sat_repo_counter') }} c on c.repo_hk = r.repo_hk and c.load_date <= r.load_date and r.load_date < c.load_end_date
  where not coalesce(r.is_fork, false)
  group by r.org_hk, r.day
),
traffic as (
  select r.org_hk, r.day,
    sum(case when t.views_data_state = 'complete' then t.views_count end) as views_count,
    sum(case when t.clones_data_state = 'complete' then t.clones_count end) as clones_count,
    sum(case when t.data_state = 'complete' then 1 else 0 end) as repositories_with_traffic,
    sum(case when t.data_state = 'complete' then 0 else 1 end) as repositories_without_traffic
  from repositories r
  left join {{ ref('repo_traffic_daily') }} t on t.repo_id = r.repo_id and t.traffic_date = r.day
  where not coalesce(r.is_fork, false)
  group by r.org_hk, r.day
),
-- Issues and pull requests can be asked for later, too: a day is known once a later fetch was complete.
known_until as (
  select h.repo_hk,
    max(case when l.dataset = 'issues' then l.load_date end) as issues_until,
    max(case when l.dataset = 'pull_requests' then l.load_date end) as pull_requests_until
  from {{ vault_source('fetch_ledger') }} l
  join {{ ref('hub_repo') }} h on l.scope = {{ scope_of('h.host', 'repository', 'h.repo_id') }}
  where l.dataset in ('issues', 'pull_requests') and l.state = 'complete'
  group by h.repo_hk
),
issue_moves as (
  select m.repo_id, m.day, sum(m.opened) as opened, sum(m.closed) as closed
  from (
    select i.repo_id, cast(i.created_at as date) as day, 1 as opened, 0 as closed from {{ ref('issue_current') }} i
    union all
    select i.repo_id, cast(i.closed_at as date) as day, 0 as opened, 1 as closed from {{ ref('issue_current') }} i
    where i.closed_at is not null
  ) as m
  group by m.repo_id, m.day
),
pull_request_moves as (
  select m.repo_id, m.day, sum(m.opened) as opened, sum(m.merged) as merged, sum(m.closed) as closed
  from (
    select i.repo_id, cast(i.created_at as date) as day, 1 as opened, 0 as merged, 0 as closed
    from {{ ref('pull_request_attention') }} i
    union all
    select i.repo_id, cast(i.closed_at as date) as day, 0 as opened, case when i.merged_at is null then 0 else 1 end as merged,
      case when i.merged_at is null then 1 else 0 end as closed
    from {{ ref('pull_request_attention') }} i
    where i.closed_at is not null
  ) as m
  group by m.repo_id, m.day
),
moves as (
  select r.org_hk, r.day,
    sum(case when k.issues_until >= r.load_date then coalesce(i.opened, 0) end) as issues_opened,
    sum(case when k.issues_until >= r.load_date then coalesce(i.closed, 0) end) as issues_closed,
    sum(case when k.issues_until >= r.load_date then 0 else 1 end) as repositories_without_issues,
    sum(case when k.pull_requests_until >= r.load_date then coalesce(p.opened, 0) end) as pull_requests_opened,
    sum(case when k.pull_requests_until >= r.load_date then coalesce(p.merged, 0) end) as pull_requests_merged,
    sum(case when k.pull_requests_until >= r.load_date then coalesce(p.closed, 0) end) as pull_requests_closed,
    sum(case when k.pull_requests_until >= r.load_date then 0 else 1 end) as repositories_without_pull_requests
  from repositories r
  left join known_until k on k.repo_hk = r.repo_hk
  left join issue_moves i on i.repo_id = r.repo_id and i.day = r.day
  left join pull_request_moves p on p.repo_id = r.repo_id and p.day = r.day
  where not coalesce(r.is_fork, false)
  group by r.org_hk, r.day
),
open_alerts as (
  select r.repo_hk, r.day,
    sum(case when a.severity = 'critical' then 1 else 0 end) as critical, sum(case when a.severity = 'high' then 1 else 0 end) as high,
    sum(case when a.severity = 'medium' then 1 else 0 end) as medium, sum(case when a.severity = 'low' then 1 else 0 end) as low
  from repositories r
  join {{ ref('link_repo_advisory_alert') }} l on l.repo_hk = r.repo_hk
  join {{ ref('sat_repo_advisory_alert') }} a on a.link_repo_advisory_alert_hk = l.link_repo_advisory_alert_hk
    and a.load_date <= r.load_date and r.load_date < a.load_end_date
  where a.state = 'open'
  group by r.repo_hk, r.day
),
alerts as (
  select r.org_hk, r.day,
    sum(case when l.state = 'complete' then coalesce(o.critical, 0) end) as alerts_open_critical,
    sum(case when l.state = 'complete' then coalesce(o.high, 0) end) as alerts_open_high,
    sum(case when l.state = 'complete' then coalesce(o.medium, 0) end) as alerts_open_medium,
    sum(case when l.state = 'complete' then coalesce(o.low, 0) end) as alerts_open_low,
    sum(case when l.state = 'complete' then 1 else 0 end) as repositories_watched,
    sum(case when l.state = 'disabled' then 1 else 0 end) as repositories_not_watched,
    sum(case when l.state in ('complete', 'disabled') then 0 else 1 end) as repositories_watch_unknown
  from repositories r
  left join ledger l on l.dataset = 'dependabot_alerts' and l.scope = r.scope and l.load_date = r.load_date
  left join open_alerts o on o.repo_hk = r.repo_hk and o.day = r.day
  group by r.org_hk, r.day
),
members as (
  select l.org_hk, c.day, count(*) as members_count, sum(case when s.role = 'admin' then 1 else 0 end) as owners_count
  from calendar c
  join {{ ref('eff_sat_org_user') }} e on e.load_date <= c.load_date and c.load_date < e.load_end_date and e.is_active
  join {{ ref('link_org_user') }} l on l.link_org_user_hk = e.link_org_user_hk
  left join {{ ref('sat_org_user') }} s on s.link_org_user_hk = e.link_org_user_hk
    and s.load_date <= c.load_date and c.load_date < s.load_end_date
  group by l.org_hk, c.day
),
outside as (
  select l.org_hk, c.day, count(*) as outside_count
  from calendar c
  join {{ ref('eff_sat_org_user_outside') }} e on e.load_date <= c.load_date and c.load_date < e.load_end_date and e.is_active
  join {{ ref('link_org_user_outside') }} l on l.link_org_user_outside_hk = e.link_org_user_outside_hk
  group by l.org_hk, c.day
)
select o.org_id, g.login as org_login, c.day,
  n.repositories_count, cast(n.archived_repositories_count as bigint) as archived_repositories_count,
  cast(n.fork_repositories_count as bigint) as fork_repositories_count,
  cast(p.stargazers_count as bigint) as stargazers_count, cast(p.stargazers_net as bigint) as stargazers_net,
  cast(p.repositories_compared as bigint) as repositories_compared,
  cast(p.forks_count as bigint) as forks_count, cast(p.subscribers_count as bigint) as subscribers_count,
  cast(p.issues_open as bigint) as issues_open, cast(p.pull_requests_open as bigint) as pull_requests_open,
  cast(p.repositories_counted as bigint) as repositories_counted, cast(p.repositories_not_counted as bigint) as repositories_not_counted,
  cast(t.views_count as bigint) as views_count, cast(t.clones_count as bigint) as clones_count,
  cast(t.repositories_with_traffic as bigint) as repositories_with_traffic,
  cast(t.repositories_without_traffic as bigint) as repositories_without_traffic,
  cast(m.issues_opened as bigint) as issues_opened, cast(m.issues_closed as bigint) as issues_closed,
  cast(m.repositories_without_issues as bigint) as repositories_without_issues,
  cast(m.pull_requests_opened as bigint) as pull_requests_opened, cast(m.pull_requests_merged as bigint) as pull_requests_merged,
  cast(m.pull_requests_closed as bigint) as pull_requests_closed,
  cast(m.repositories_without_pull_requests as bigint) as repositories_without_pull_requests,
  cast(a.alerts_open_critical as bigint) as alerts_open_critical, cast(a.alerts_open_high as bigint) as alerts_open_high,
  cast(a.alerts_open_medium as bigint) as alerts_open_medium, cast(a.alerts_open_low as bigint) as alerts_open_low,
  cast(a.repositories_watched as bigint) as repositories_watched, cast(a.repositories_not_watched as bigint) as repositories_not_watched,
  cast(a.repositories_watch_unknown as bigint) as repositories_watch_unknown,
  case when lm.is_observed = 1 then coalesce(e.members_count, 0) end as members_count,
  case when lm.is_observed = 1 then cast(coalesce(e.owners_count, 0) as bigint) end as owners_count,
  case when lo.is_observed = 1 then coalesce(u.outside_count, 0) end as outside_collaborators_count,
  coalesce(lm.state, 'missing') as members_data_state, coalesce(lo.state, 'missing') as outside_collaborators_data_state,
  coalesce(lr.state, 'missing') as data_state,
  coalesce(lr.is_observed, 0) = 1 and coalesce(p.repositories_not_counted, 0) = 0 and coalesce(t.repositories_without_traffic, 0) = 0
    as is_final,
  case when lr.is_observed = 1 then lr.fetched_at end as observed_at
from organizations o
join calendar c on c.load_date >= o.load_date
left join {{ ref('sat_org') }} g on g.org_hk = o.org_hk and g.load_date <= c.load_date and c.load_date < g.load_end_date
left join counted n on n.org_hk = o.org_hk and n.day = c.day
left join popularity p on p.org_hk = o.org_hk and p.day = c.day
left join traffic t on t.org_hk = o.org_hk and t.day = c.day
left join moves m on m.org_hk = o.org_hk and m.day = c.day
left join alerts a on a.org_hk = o.org_hk and a.day = c.day
left join members e on e.org_hk = o.org_hk and e.day = c.day
left join outside u on u.org_hk = o.org_hk and u.day = c.day
left join ledger lr on lr.dataset = 'repositories' and lr.scope = o.org_scope and lr.load_date = c.load_date
left join ledger lm on lm.dataset = 'members' and lm.scope = o.org_scope and lm.load_date = c.load_date
left join ledger lo on lo.dataset = 'outside_collaborators' and lo.scope = o.org_scope and lo.load_date = c.load_date
