-- The alert's own times say when it was raised and closed, so a past day is the same whenever it is asked for.
with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
repositories as (
{{ repository_days() }}
),
kinds as (
  select cast('dependabot' as varchar(40)) as alert_kind, cast('dependabot_alerts' as varchar(40)) as dataset
  union all select cast('code_scanning' as varchar(40)), cast('code_scanning_alerts' as varchar(40))
  union all select cast('secret_scanning' as varchar(40)), cast('secret_scanning_alerts' as varchar(40))
),
-- Alerts can be asked for later, too: a day is known once a later fetch was complete.
known_until as (
  select l.dataset, l.scope, max(l.load_date) as known_to, max(l.fetched_at) as observed_at
  from {{ vault_source('fetch_ledger') }} l
  where l.dataset in ('dependabot_alerts', 'code_scanning_alerts', 'secret_scanning_alerts') and l.state = 'complete'
  group by l.dataset, l.scope
),
ledger as (
{{ ledger_rows(['dependabot_alerts', 'code_scanning_alerts', 'secret_scanning_alerts']) }}
),
moves as (
  select s.repo_id, s.alert_kind, r.day,
    sum(case when cast(s.created_at as date) = r.day then 1 else 0 end) as opened,
    sum(case when cast(s.closed_at as date) = r.day and s.resolution = 'fixed' then 1 else 0 end) as fixed,
    sum(case when cast(s.closed_at as date) = r.day and s.resolution <> 'fixed' then 1 else 0 end) as dismissed,
    sum(case when s.closed_at is null or cast(s.closed_at as date) > r.day then 1 else 0 end) as open_at_close,
    {%- for severity in ['critical', 'high', 'medium', 'low'] %}
    sum(case when s.severity = '{{ severity }}' and (s.closed_at is null or cast(s.closed_at as date) > r.day) then 1 else 0 end)
      as open_{{ severity }},
    {%- endfor %}
    sum(case when (s.closed_at is null or cast(s.closed_at as date) > r.day) and cast(s.due_at as date) <= r.day then 1 else 0 end) as overdue
  from {{ ref('security_sla') }} s
  join repositories r on r.repo_id = s.repo_id and cast(s.created_at as date) <= r.day
  where s.state = 'open' or s.closed_at is not null
  group by s.repo_id, s.alert_kind, r.day
),
days as (
  select r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, k.alert_kind, r.day, r.load_date,
    -- What was switched off was watched by nobody: alerts that begin when it is switched on say nothing of before.
    case when u.known_to >= r.load_date and coalesce(l.state, 'missing') <> 'disabled' then 1 else 0 end as is_known, l.state, u.observed_at
  from repositories r
  cross join kinds k
  left join known_until u on u.dataset = k.dataset and u.scope = r.scope
  left join ledger l on l.dataset = k.dataset and l.scope = r.scope and l.load_date = r.load_date
)
select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.alert_kind, d.day,
  {%- for column in ['opened', 'fixed', 'dismissed', 'open_at_close', 'open_critical', 'open_high', 'open_medium', 'open_low', 'overdue'] %}
  case when d.is_known = 1 then cast(coalesce(m.{{ column }}, 0) as bigint) end as {{ column }},
  {%- endfor %}
  case when d.is_known = 1 then 'complete' else coalesce(d.state, 'missing') end as data_state,
  d.is_known = 1 as is_final, case when d.is_known = 1 then d.observed_at end as observed_at
from days d
left join moves m on m.repo_id = d.repo_id and m.alert_kind = d.alert_kind and m.day = d.day
