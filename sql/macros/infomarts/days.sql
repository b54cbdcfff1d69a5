{#-
  The days a mart speaks of. They come from the fetch ledger and never from a clock: "now" is the close of the last
  loaded day. A mart begins with `loaded`; `calendar` and what follows build on it.
-#}

{#- One row: first and last loaded day, and the close of the last. -#}
{% macro loaded_days() %}
select cast(min(l.load_date) as date) as first_day, cast(max(l.load_date) as date) as last_day, max(l.load_date) as last_load_date,
  cast({{ add_days('cast(max(l.load_date) as date)', 1) }} as timestamp) as closes_at
from {{ vault_source('fetch_ledger') }} l
{% endmacro %}


{#- Every day from `first` (an expression over loaded, b) to the last loaded one, loaded or not. -#}
{% macro calendar(first='b.first_day') %}
{%- set digits -%}
(select 0 as n{% for n in range(1, 10) %} union all select {{ n }}{% endfor %})
{%- endset -%}
select s.day, cast(s.day as timestamp) as load_date
from (
  select {{ add_days(first, 'ones.n + 10 * tens.n + 100 * hundreds.n + 1000 * thousands.n') }} as day, b.last_day
  from loaded b
  cross join {{ digits }} as ones
  cross join {{ digits }} as tens
  cross join {{ digits }} as hundreds
  cross join {{ digits }} as thousands
) as s
where s.day <= s.last_day
{% endmacro %}


{#-
  One row per day of calendar and repository that stood in an organisation's list as of that day, with the names it and
  the organisation had then.
-#}
{% macro repository_days() %}
select k.day, k.load_date, k.repo_hk, k.org_hk, h.repo_id, o.org_id, h.host,
  {{ scope_of('h.host', 'repository', 'h.repo_id') }} as scope, {{ scope_of('o.host', 'organization', 'o.org_id') }} as org_scope,
  r.full_name, r.visibility, r.is_fork, r.is_archived, r.has_vulnerability_alerts_enabled, g.login as org_login
from (
  select c.day, c.load_date, l.repo_hk, l.org_hk,
    row_number() over (partition by c.day, l.repo_hk order by e.load_date desc, l.org_hk) as choice
  from calendar c
  join {{ ref('eff_sat_org_repo') }} e on e.load_date <= c.load_date and c.load_date < e.load_end_date and e.is_active
  join {{ ref('link_org_repo') }} l on l.link_org_repo_hk = e.link_org_repo_hk
) as k
join {{ ref('hub_repo') }} h on h.repo_hk = k.repo_hk
join {{ ref('hub_org') }} o on o.org_hk = k.org_hk
left join {{ ref('sat_repo') }} r on r.repo_hk = k.repo_hk and r.load_date <= k.load_date and k.load_date < r.load_end_date
left join {{ ref('sat_org') }} g on g.org_hk = k.org_hk and g.load_date <= k.load_date and k.load_date < g.load_end_date
where k.choice = 1
{% endmacro %}


{#- One row per repository that stands in an organisation's list at the last loaded day, with its names then. -#}
{% macro repositories_now() %}
select k.repo_hk, k.org_hk, h.repo_id, o.org_id, h.host,
  {{ scope_of('h.host', 'repository', 'h.repo_id') }} as scope, {{ scope_of('o.host', 'organization', 'o.org_id') }} as org_scope,
  r.full_name, r.visibility, r.is_fork, r.is_archived, g.login as org_login
from (
  select l.repo_hk, l.org_hk, row_number() over (partition by l.repo_hk order by e.load_date desc, l.org_hk) as choice
  from {{ ref('eff_sat_org_repo') }} e
  join {{ ref('link_org_repo') }} l on l.link_org_repo_hk = e.link_org_repo_hk
  where e.load_end_date = {{ vault_far() }} and e.is_active
) as k
join {{ ref('hub_repo') }} h on h.repo_hk = k.repo_hk
join {{ ref('hub_org') }} o on o.org_hk = k.org_hk
left join {{ ref('sat_repo') }} r on r.repo_hk = k.repo_hk and r.load_end_date = {{ vault_far() }}
left join {{ ref('sat_org') }} g on g.org_hk = k.org_hk and g.load_end_date = {{ vault_far() }}
where k.choice = 1
{% endmacro %}
