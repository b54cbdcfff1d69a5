-- Whole weeks (Monday to Sunday UTC), months and quarters. What is not complete in both periods is compared with nothing.
with days as (
  select d.day, d.week_start, d.month_start, d.quarter_start from {{ ref('dim_date') }} d
),
periods as (
  {%- for period in ['week', 'month', 'quarter'] %}
  select p.period, p.start_on, p.end_on, p.days_count
  from (
    select cast('{{ period }}' as varchar(40)) as period, d.{{ period }}_start as start_on, min(d.day) as first_on, max(d.day) as end_on, count(*) as days_count
    from days d
    group by d.{{ period }}_start
  ) as p
  where p.first_on = p.start_on and cast(date_trunc('{{ period }}', {{ add_days('p.end_on', 1) }}) as date) = {{ add_days('p.end_on', 1) }}
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),
days_of_periods as (
  {%- for period in ['week', 'month', 'quarter'] %}
  select p.period, p.start_on, p.end_on, p.days_count, d.day
  from periods p
  join days d on p.period = '{{ period }}' and d.{{ period }}_start = p.start_on
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),
observed as (
  {%- for metric in metric_list() %}
  select cast('{{ metric['name'] }}' as varchar(40)) as metric, cast('{{ metric['over_time'] }}' as varchar(40)) as over_time, m.repo_id, m.org_id, m.org_login, m.full_name,
    m.{{ metric['day'] }} as day, {{ 'case when m.' ~ metric['known'] ~ ' then m.' ~ metric['value'] ~ ' end' if metric.get('known') else 'm.' ~ metric['value'] }} as amount
  from {{ ref(metric['mart']) }} m
  {%- if metric.get('only') %}
  where m.{{ metric['only'] }}
  {%- endif %}
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),
added as (
  select p.period, p.start_on, p.end_on, p.days_count, o.metric, o.repo_id, max(o.org_id) as org_id, max(o.org_login) as org_login,
    max(case when o.day = p.end_on then o.full_name end) as full_name, count(o.amount) as complete_days,
    case when o.over_time = 'sum' and count(o.amount) = p.days_count then sum(o.amount)
      when o.over_time = 'last' then max(case when o.day = p.end_on then o.amount end) end as amount
  from days_of_periods p
  join observed o on o.day = p.day
  group by p.period, p.start_on, p.end_on, p.days_count, o.metric, o.over_time, o.repo_id
),
-- Our own forks stay out of totals: what was one at the end of the period, or is one where it ended before we looked.
paired as (
  select a.*, b.amount as amount_before, coalesce(r.is_fork, n.is_fork, false) as is_fork
  from added a
  left join added b on b.period = a.period and b.metric = a.metric and b.repo_id = a.repo_id and b.end_on = {{ add_days('a.start_on', -1) }}
  left join {{ ref('dim_repository') }} r on r.repo_id = a.repo_id and r.valid_from <= a.end_on and (r.valid_to is null or a.end_on < r.valid_to)
  left join {{ ref('dim_repository') }} n on n.repo_id = a.repo_id and n.is_current
),
compared as (
  select cast('repository' as varchar(40)) as scope_kind, p.org_id, p.org_login, p.repo_id, p.full_name, p.period, p.start_on, p.end_on, p.metric,
    p.amount as amount, p.amount_before as previous,
    case when p.amount_before is not null then p.amount end as compared, case when p.amount is null then 0 else 1 end as n,
    case when p.amount is null or p.amount_before is null then 0 else 1 end as n_compared, 1 as repositories_count,
    p.complete_days, p.days_count as expected_days
  from paired p
  union all
  select cast('organization' as varchar(40)) as scope_kind, p.org_id, max(p.org_login), cast(null as bigint) as repo_id, cast(null as varchar(255)) as full_name,
    p.period, p.start_on, p.end_on, p.metric, sum(p.amount),
    sum(case when p.amount is not null then p.amount_before end), sum(case when p.amount_before is not null then p.amount end),
    count(p.amount), sum(case when p.amount is null or p.amount_before is null then 0 else 1 end), count(*),
    min(p.complete_days), min(p.days_count)
  from paired p
  where not p.is_fork
  group by p.org_id, p.period, p.start_on, p.end_on, p.metric
)
select c.scope_kind, c.org_id, c.org_login, c.repo_id, c.full_name, c.period, c.start_on, c.end_on, c.metric,
  cast(c.amount as bigint) as value, cast(c.n as bigint) as n,
  case when c.n_compared > 0 then cast(c.compared as bigint) end as value_compared,
  case when c.n_compared > 0 then cast(c.previous as bigint) end as previous,
  case when c.n_compared > 0 then cast(c.compared - c.previous as bigint) end as "delta",
  case when c.n_compared > 0 and c.previous >= 20
    then {{ ratio('c.compared - c.previous', 'c.previous') }} end as change_ratio,
  cast(c.n_compared as bigint) as n_compared, cast(c.repositories_count as bigint) as repositories_count,
  cast(c.complete_days as bigint) as complete_days, cast(c.expected_days as bigint) as expected_days,
  c.n_compared = c.repositories_count as is_comparable
from compared c
