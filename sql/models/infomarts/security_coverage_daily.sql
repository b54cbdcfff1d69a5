-- Whether anybody looks: a repository whose alerts are off has none, which is not the same as being safe.
with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
repositories as (
{{ repository_days() }}
),
ledger as (
{{ ledger_rows(['repositories', 'code_scanning_alerts', 'secret_scanning_alerts']) }}
),
settings as (
  select r.*, s.is_visible, s.secret_scanning, s.secret_scanning_push_protection, s.dependabot_security_updates,
    coalesce(l.state, 'missing') as list_state, l.fetched_at as listed_at,
    c.state as code_state, c.fetched_at as code_fetched_at, x.state as secret_state, x.fetched_at as secret_fetched_at
  from repositories r
  left join {{ ref('sat_repo_security_settings') }} s on s.repo_hk = r.repo_hk and s.load_date <= r.load_date and r.load_date < s.load_end_date
  left join ledger l on l.dataset = 'repositories' and l.scope = r.org_scope and l.load_date = r.load_date
  left join ledger c on c.dataset = 'code_scanning_alerts' and c.scope = r.scope and c.load_date = r.load_date
  left join ledger x on x.dataset = 'secret_scanning_alerts' and x.scope = r.scope and x.load_date = r.load_date
),
features as (
  select s.repo_id, s.org_id, s.org_login, s.full_name, s.visibility, s.is_archived, s.day, cast('dependabot_alerts' as varchar(40)) as feature,
    case when s.list_state <> 'complete' or s.has_vulnerability_alerts_enabled is null then 'unknown'
      when s.has_vulnerability_alerts_enabled then 'on' else 'off' end as state,
    s.list_state as data_state, s.listed_at as observed_at
  from settings s
  union all
  select s.repo_id, s.org_id, s.org_login, s.full_name, s.visibility, s.is_archived, s.day, cast('code_scanning' as varchar(40)) as feature,
    case s.code_state when 'complete' then 'on' when 'disabled' then 'off' else 'unknown' end as state,
    coalesce(s.code_state, 'missing') as data_state, s.code_fetched_at as observed_at
  from settings s
  {%- set listed = "s.list_state = 'complete' and coalesce(s.is_visible, false) and s.secret_scanning in ('enabled', 'disabled')" %}
  {%- for feature in ['secret_scanning', 'secret_scanning_push_protection', 'dependabot_security_updates'] %}
  union all
  select s.repo_id, s.org_id, s.org_login, s.full_name, s.visibility, s.is_archived, s.day, cast('{{ feature }}' as varchar(40)) as feature,
    case when s.list_state = 'complete' and coalesce(s.is_visible, false) and s.{{ feature }} = 'enabled' then 'on'
      when s.list_state = 'complete' and coalesce(s.is_visible, false) and s.{{ feature }} = 'disabled' then 'off'
      {%- if feature == 'secret_scanning' %}
      when s.secret_state = 'complete' then 'on'
      when s.secret_state = 'disabled' then 'off'
      {%- endif %}
      else 'unknown' end as state,
    {%- if feature == 'secret_scanning' %}
    case when {{ listed }} or s.secret_state is null then s.list_state else s.secret_state end as data_state,
    case when {{ listed }} or s.secret_state is null then s.listed_at else s.secret_fetched_at end as observed_at
    {%- else %}
    s.list_state as data_state, s.listed_at as observed_at
    {%- endif %}
  from settings s
  {%- endfor %}
)
select f.repo_id, f.org_id, f.org_login, f.full_name, f.visibility, f.is_archived, f.day, f.feature, f.state,
  f.data_state, f.state <> 'unknown' as is_final, case when f.state <> 'unknown' then f.observed_at end as observed_at
from features f
