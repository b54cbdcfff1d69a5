with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
observed as (
  select l.dataset, l.host, l.load_date, max(l.fetched_at) as observed_at
  from {{ vault_source('fetch_ledger') }} l
  group by l.dataset, l.host, l.load_date
),
datasets as (
  select a.dataset, a.host, min(a.load_date) as first_load_date
  from {{ ref('mv_api') }} a
  group by a.dataset, a.host
)
select d.dataset, d.host, c.day, a.scopes, a.requests, a.points,
  case when a.load_date is null then 'missing' else 'complete' end as data_state, a.load_date is not null as is_final,
  o.observed_at
from datasets d
join calendar c on c.load_date >= d.first_load_date
left join {{ ref('mv_api') }} a on a.dataset = d.dataset and a.host = d.host and a.load_date = c.load_date
left join observed o on o.dataset = d.dataset and o.host = d.host and o.load_date = c.load_date
