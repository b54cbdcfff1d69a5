with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar(add_days('b.first_day', -13)) }}
),
repositories as (
{{ repositories_now() }}
),
known as (
{{ repository_days() }}
),
-- GitHub serves the day of the fetch and the thirteen before it, and cuts the first: whole are the twelve days before
-- the fetch, as far as the partition keeps them.
windows as (
  select h.repo_hk, w.dataset, w.fetched_at, cast(w.load_date as date) as last_day,
    {{ add_days('cast(w.fetched_at as date)', -12) }} as first_day
  from (
{{ ledger_rows(['traffic_views', 'traffic_clones']) }}
  ) as w
  join {{ ref('hub_repo') }} h on w.scope = {{ scope_of('h.host', 'repository', 'h.repo_id') }}
  where w.is_observed = 1
),
covered as (
  select w.repo_hk, w.dataset, c.day, max(w.fetched_at) as observed_at
  from calendar c
  join windows w on c.day >= w.first_day and c.day <= w.last_day
  group by w.repo_hk, w.dataset, c.day
),
highest as (
  select repo_hk, cast('traffic_views' as varchar(40)) as dataset, traffic_date as day, max("count") as total, max(uniques) as uniques
  from {{ ref('ma_sat_repo_traffic_views') }}
  group by repo_hk, traffic_date
  union all
  select repo_hk, cast('traffic_clones' as varchar(40)) as dataset, traffic_date as day, max("count") as total, max(uniques) as uniques
  from {{ ref('ma_sat_repo_traffic_clones') }}
  group by repo_hk, traffic_date
),
days as (
  select repo_hk, day from known
  union
  select repo_hk, day from covered
  union
  select repo_hk, day from highest
),
asked as (
  select h.repo_hk, l.dataset, cast(l.load_date as date) as day, l.state
  from {{ vault_source('fetch_ledger') }} l
  join {{ ref('hub_repo') }} h on l.scope = {{ scope_of('h.host', 'repository', 'h.repo_id') }}
  where l.dataset in ('traffic_views', 'traffic_clones')
),
kinds as (
  select cast('traffic_views' as varchar(40)) as dataset union all select cast('traffic_clones' as varchar(40)) as dataset
),
measured as (
  select d.repo_hk, d.day, k.dataset,
    case when c.day is not null then coalesce(m.total, 0) else m.total end as total,
    case when c.day is not null then coalesce(m.uniques, 0) else m.uniques end as uniques,
    case when c.day is not null then 'complete' when m.day is not null then 'partial'
      when a.state in ('complete', 'partial') then 'missing' else coalesce(a.state, 'missing') end as data_state,
    c.observed_at
  from days d
  cross join kinds k
  left join covered c on c.repo_hk = d.repo_hk and c.day = d.day and c.dataset = k.dataset
  left join highest m on m.repo_hk = d.repo_hk and m.day = d.day and m.dataset = k.dataset
  left join asked a on a.repo_hk = d.repo_hk and a.day = d.day and a.dataset = k.dataset
),
both_kinds as (
  select repo_hk, day,
    max(case when dataset = 'traffic_views' then total end) as views_count,
    max(case when dataset = 'traffic_views' then uniques end) as views_uniques,
    max(case when dataset = 'traffic_clones' then total end) as clones_count,
    max(case when dataset = 'traffic_clones' then uniques end) as clones_uniques,
    max(case when dataset = 'traffic_views' then data_state end) as views_data_state,
    max(case when dataset = 'traffic_clones' then data_state end) as clones_data_state,
    min(observed_at) as observed_at,
    sum(case when data_state = 'complete' then 1 else 0 end) as complete_kinds
  from measured
  group by repo_hk, day
),
-- GitHub's own uniques of fourteen days were true when they were fetched: only of the days on which that happened.
windows_of_github as (
  select h.repo_hk, cast(l.load_date as date) as day, l.dataset, v.uniques as views_uniques, c.uniques as clones_uniques
  from (
{{ ledger_rows(['traffic_views', 'traffic_clones']) }}
  ) as l
  join {{ ref('hub_repo') }} h on l.scope = {{ scope_of('h.host', 'repository', 'h.repo_id') }}
  left join {{ ref('sat_repo_traffic_views_window') }} v on l.dataset = 'traffic_views' and v.repo_hk = h.repo_hk
    and v.load_date <= l.load_date and l.load_date < v.load_end_date
  left join {{ ref('sat_repo_traffic_clones_window') }} c on l.dataset = 'traffic_clones' and c.repo_hk = h.repo_hk
    and c.load_date <= l.load_date and l.load_date < c.load_end_date
  where l.is_observed = 1 and cast(l.fetched_at as date) = {{ add_days('cast(l.load_date as date)', 1) }}
),
fourteen_days as (
  select repo_hk, day, max(views_uniques) as views_uniques_14_days, max(clones_uniques) as clones_uniques_14_days
  from windows_of_github
  group by repo_hk, day
)
select h.repo_id, coalesce(k.org_id, n.org_id) as org_id, coalesce(k.org_login, n.org_login) as org_login,
  coalesce(k.full_name, n.full_name) as full_name, coalesce(k.visibility, n.visibility) as visibility,
  coalesce(k.is_fork, n.is_fork) as is_fork, m.day as traffic_date,
  m.views_count, m.views_uniques, m.clones_count, m.clones_uniques, g.views_uniques_14_days, g.clones_uniques_14_days,
  m.views_data_state, m.clones_data_state,
  case when m.views_data_state = m.clones_data_state then m.views_data_state else 'partial' end as data_state,
  m.complete_kinds = 2 as is_final,
  case when m.complete_kinds = 2 then m.observed_at end as observed_at,
  case when m.complete_kinds < 2 then cast({{ add_days('m.day', 13) }} as timestamp) end as recoverable_until
from both_kinds m
join {{ ref('hub_repo') }} h on h.repo_hk = m.repo_hk
left join known k on k.repo_hk = m.repo_hk and k.day = m.day
left join repositories n on n.repo_hk = m.repo_hk
left join fourteen_days g on g.repo_hk = m.repo_hk and g.day = m.day
