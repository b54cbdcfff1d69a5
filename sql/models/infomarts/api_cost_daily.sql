with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
datasets as (
  select a.dataset, a.host, min(a.load_date) as first_load_date
  from {{ ref('mv_api') }} a
  group by a.dataset, a.host
)
select d.dataset, d.host, c.day, a.scopes, a.requests, a.points,
  case when a.load_date is null then 'missing' else 'complete' end as data_state, a.load_date is not null as is_final,
  cast(null as timestamp) as observed_at
from datasets d
join calendar c on c.load_date >= d.first_load_date
left join {{ ref('mv_api') }} a on a.dataset = d.dataset and a.host = d.host and a.load_date = c.load_date
