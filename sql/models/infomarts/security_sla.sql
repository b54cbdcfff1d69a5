-- GitHub gives secrets no severity; whoever has one gets in, so each counts as critical. Findings about quality have no due date.
with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
{%- for dataset in ['code_scanning_alerts', 'secret_scanning_alerts'] %}
{{ dataset }}_states as (
{{ state_now([dataset]) }}
),
{%- endfor %}
{%- for one in ['code_scanning_alert', 'secret_scanning_alert'] %}
{{ one }}_openings as (
  select s.link_repo_{{ one }}_hk, sum(case when s.state = 'open' and s.state_before <> 'open' then 1 else 0 end) as reopenings
  from (
    select a.link_repo_{{ one }}_hk, a.state,
      lag(a.state) over (partition by a.link_repo_{{ one }}_hk order by a.load_date) as state_before
    from {{ ref('sat_repo_' ~ one) }} a
  ) as s
  group by s.link_repo_{{ one }}_hk
),
{%- endfor %}
alerts as (
  select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, cast('dependabot' as varchar(40)) as alert_kind, d.alert_number, d.package_name as subject,
    d.severity, d.state, d.resolution, d.dismissed_reason as reason, d.created_at, d.due_at, d.closed_at, d.is_reopened, d.data_state,
    d.observed_at
  from {{ ref('security_alerts_current') }} d
  union all
  select r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, cast('code_scanning' as varchar(40)) as alert_kind, l.alert_number,
    coalesce(a.rule_name, a.rule_id) as subject, a.security_severity as severity, a.state,
    case when a.state in ('fixed', 'dismissed') then a.state end as resolution, a.dismissed_reason as reason, a.created_at,
    {{ add_seconds('a.created_at', '(' ~ sla_days('a.security_severity') ~ ') * 86400') }} as due_at,
    case a.state when 'fixed' then a.fixed_at when 'dismissed' then a.dismissed_at end as closed_at,
    coalesce(o.reopenings, 0) > 0 as is_reopened, coalesce(t.data_state, 'missing') as data_state, t.observed_at
  from {{ ref('sat_repo_code_scanning_alert') }} a
  join {{ ref('link_repo_code_scanning_alert') }} l on l.link_repo_code_scanning_alert_hk = a.link_repo_code_scanning_alert_hk
  join repositories r on r.repo_hk = l.repo_hk
  left join code_scanning_alerts_states t on t.scope = r.scope
  left join code_scanning_alert_openings o on o.link_repo_code_scanning_alert_hk = a.link_repo_code_scanning_alert_hk
  where a.load_end_date = {{ vault_far() }}
  union all
  select r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, cast('secret_scanning' as varchar(40)) as alert_kind, l.alert_number,
    coalesce(a.secret_type_display_name, a.secret_type) as subject, cast('critical' as varchar(40)) as severity, a.state,
    case when a.state <> 'resolved' then null when a.resolution = 'revoked' then 'fixed' else 'dismissed' end as resolution,
    a.resolution as reason, a.created_at,
    {{ add_seconds('a.created_at', '(' ~ sla_days("'critical'") ~ ') * 86400') }} as due_at, a.resolved_at as closed_at,
    coalesce(o.reopenings, 0) > 0 as is_reopened, coalesce(t.data_state, 'missing') as data_state, t.observed_at
  from {{ ref('sat_repo_secret_scanning_alert') }} a
  join {{ ref('link_repo_secret_scanning_alert') }} l on l.link_repo_secret_scanning_alert_hk = a.link_repo_secret_scanning_alert_hk
  join repositories r on r.repo_hk = l.repo_hk
  left join secret_scanning_alerts_states t on t.scope = r.scope
  left join secret_scanning_alert_openings o on o.link_repo_secret_scanning_alert_hk = a.link_repo_secret_scanning_alert_hk
  where a.load_end_date = {{ vault_far() }}
)
select a.repo_id, a.org_id, a.org_login, a.full_name, a.visibility, a.alert_kind, a.alert_number, a.subject, a.severity, a.state,
  a.resolution, a.reason,
  coalesce(a.reason = 'false_positive' or a.reason = 'false positive' or a.reason = 'inaccurate', false) as is_false_positive,
  a.created_at, a.due_at, a.closed_at,
  a.state = 'open' and coalesce(a.due_at < b.closes_at, false) as is_overdue,
  coalesce(coalesce(a.closed_at, b.closes_at) > a.due_at, false) as is_breached,
  a.is_reopened,
  {{ days_between('cast(a.created_at as date)', 'cast(coalesce(a.closed_at, cast(b.last_day as timestamp)) as date)') }} as exposure_days,
  case when a.state = 'open' and a.due_at < b.closes_at
    then {{ days_between('cast(a.due_at as date)', 'b.last_day') }} end as overdue_days,
  a.data_state, a.observed_at
from alerts a
cross join loaded b
