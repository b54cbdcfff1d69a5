with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
states as (
{{ state_now(['dependabot_alerts']) }}
),
openings as (
  select s.link_repo_advisory_alert_hk, sum(case when s.state = 'open' and s.state_before <> 'open' then 1 else 0 end) as reopenings
  from (
    select a.link_repo_advisory_alert_hk, a.state,
      lag(a.state) over (partition by a.link_repo_advisory_alert_hk order by a.load_date) as state_before
    from {{ ref('sat_repo_advisory_alert') }} a
  ) as s
  group by s.link_repo_advisory_alert_hk
),
-- GitHub may put another advisory behind an alert's number: the newest stands.
alerts as (
  select k.*
  from (
    select l.repo_hk, l.advisory_hk, l.alert_number, a.*,
      row_number() over (partition by l.repo_hk, l.alert_number order by a.load_date desc, l.load_date desc, l.advisory_hk) as choice
    from {{ ref('sat_repo_advisory_alert') }} a
    join {{ ref('link_repo_advisory_alert') }} l on l.link_repo_advisory_alert_hk = a.link_repo_advisory_alert_hk
    where a.load_end_date = {{ vault_far() }}
  ) as k
  where k.choice = 1
),
dated as (
  select a.*, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, b.last_day, b.closes_at,
    case a.state when 'fixed' then coalesce(a.fixed_at, a.updated_at) when 'dismissed' then coalesce(a.dismissed_at, a.updated_at)
      when 'auto_dismissed' then coalesce(a.auto_dismissed_at, a.updated_at) end as closed_at,
    {{ add_seconds('a.created_at', '(' ~ sla_days('a.severity') ~ ') * 86400') }} as due_at,
    coalesce(t.data_state, 'missing') as data_state, t.observed_at, coalesce(o.reopenings, 0) as reopenings
  from alerts a
  join repositories r on r.repo_hk = a.repo_hk
  cross join loaded b
  left join states t on t.scope = r.scope
  left join openings o on o.link_repo_advisory_alert_hk = a.link_repo_advisory_alert_hk
)
select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.alert_number, h.ghsa_id, v.cve_id, v.advisory_summary,
  d.package_ecosystem, d.package_name, d.manifest_path, d.dependency_scope, d.first_patched_version, d.html_url,
  d.severity, v.cvss_v3_score, v.epss_percentage, d.state,
  case d.state when 'fixed' then 'fixed' when 'dismissed' then 'dismissed' when 'auto_dismissed' then 'dismissed by rule' end
    as resolution,
  d.dismissed_reason, d.created_at, d.due_at, d.closed_at,
  d.state = 'open' and d.due_at < d.closes_at as is_overdue,
  coalesce(d.closed_at, d.closes_at) > d.due_at as is_breached,
  d.reopenings > 0 as is_reopened,
  {{ days_between('cast(d.created_at as date)', 'cast(coalesce(d.closed_at, cast(d.last_day as timestamp)) as date)') }} as exposure_days,
  case when d.state = 'open' and d.due_at < d.closes_at
    then {{ days_between('cast(d.due_at as date)', 'd.last_day') }} end as overdue_days,
  d.data_state, d.observed_at
from dated d
join {{ ref('hub_advisory') }} h on h.advisory_hk = d.advisory_hk
left join {{ ref('sat_advisory') }} v on v.advisory_hk = d.advisory_hk and v.load_end_date = {{ vault_far() }}
