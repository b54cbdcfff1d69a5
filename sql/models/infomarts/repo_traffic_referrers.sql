-- A list stands for the day it was seen whole on, and for no other: a day without one has a single row without a rank.
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
{{ ledger_rows(['traffic_referrers']) }}
),
lists as (
  select r.day, r.load_date, r.repo_hk, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, r.is_fork,
    coalesce(l.state, 'missing') as data_state, coalesce(l.is_observed, 0) as is_observed, l.fetched_at
  from repositories r
  left join ledger l on l.scope = r.scope and l.load_date = r.load_date
)
select s.repo_id, s.org_id, s.org_login, s.full_name, s.visibility, s.is_fork, s.day, t.rank, t.referrer,
  t."count" as views_count_14_days, t.uniques as views_uniques_14_days,
  s.data_state, s.is_observed = 1 as is_final, case when s.is_observed = 1 then s.fetched_at end as observed_at
from lists s
left join {{ ref('ma_sat_repo_traffic_referrers') }} t on s.is_observed = 1 and t.repo_hk = s.repo_hk
  and t.load_date <= s.load_date and s.load_date < t.load_end_date
