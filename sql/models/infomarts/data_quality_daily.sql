with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
datasets as (
  select l.dataset, min(l.load_date) as first_load_date
  from {{ vault_source('fetch_ledger') }} l
  group by l.dataset
),
counted as (
  select l.dataset, l.load_date, count(*) as scopes_planned,
    {%- for state in ['complete', 'partial', 'failed', 'pending', 'forbidden', 'disabled', 'gone', 'unavailable'] %}
    cast(sum(case when l.state = '{{ state }}' then 1 else 0 end) as bigint) as scopes_{{ state }},
    {%- endfor %}
    cast(sum(
      case when l.state in ('partial', 'failed', 'pending', 'unavailable') and l.covered_by is not null then 1 else 0 end
    ) as bigint) as scopes_covered_later,
    cast(sum(l.rows) as bigint) as rows_received, cast(sum(l.requests) as bigint) as requests, cast(sum(l.points) as bigint) as points,
    max(l.fetched_at) as last_fetched_at
  from {{ vault_source('fetch_ledger') }} l
  group by l.dataset, l.load_date
),
days as (
  select d.dataset, c.day, c.load_date, b.closes_at, coalesce(n.scopes_planned, 0) as scopes_planned,
    {%- for state in ['complete', 'partial', 'failed', 'pending', 'forbidden', 'disabled', 'gone', 'unavailable', 'covered_later'] %}
    coalesce(n.scopes_{{ state }}, 0) as scopes_{{ state }},
    {%- endfor %}
    n.rows_received, n.requests, n.points, n.last_fetched_at,
    {{ recoverable_until('d.dataset', 'c.day') }} as recoverable_until
  from datasets d
  join calendar c on c.load_date >= d.first_load_date
  cross join loaded b
  left join counted n on n.dataset = d.dataset and n.load_date = c.load_date
),
judged as (
  select d.*,
    d.scopes_partial + d.scopes_failed + d.scopes_pending + d.scopes_forbidden + d.scopes_unavailable - d.scopes_covered_later
      as scopes_missing
  from days d
)
select j.dataset, j.day, j.scopes_planned, j.scopes_complete, j.scopes_partial, j.scopes_failed, j.scopes_pending, j.scopes_forbidden,
  j.scopes_disabled, j.scopes_gone, j.scopes_unavailable, j.scopes_covered_later, j.scopes_missing,
  j.scopes_planned > 0 and j.scopes_missing = 0 as is_whole,
  case when j.scopes_planned = 0 then 'missing' when j.scopes_missing = 0 then 'complete'
    when j.scopes_forbidden = j.scopes_missing and j.scopes_complete = 0 then 'forbidden'
    when j.scopes_unavailable = j.scopes_missing and j.scopes_complete = 0 then 'unavailable'
    when j.scopes_complete > 0 or j.scopes_partial > 0 then 'partial'
    when j.scopes_failed > 0 then 'failed' else 'pending' end as data_state,
  case when j.scopes_planned = 0 or j.scopes_missing > 0 then j.recoverable_until end as recoverable_until,
  case when j.scopes_planned > 0 and j.scopes_missing = 0 then false
    when j.recoverable_until is null then j.scopes_planned = 0 or j.scopes_missing > j.scopes_unavailable
    else j.recoverable_until > j.closes_at end as is_recoverable,
  j.scopes_planned > 0 and j.scopes_missing = 0 as is_final,
  j.last_fetched_at as observed_at, j.rows_received, j.requests, j.points
from judged j
