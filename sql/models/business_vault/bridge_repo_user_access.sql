{{ computed(grain=['repo_hk', 'user_hk', 'as_of'], day='as_of', retained=true) }}
with days as (
{{ point_in_time_days() }}
),
paths as (
  select d.as_of, l.repo_hk, l.user_hk, {{ role_rank('s.role_name') }} as rank_listed, 0 as rank_by_team, 0 as teams, 0 as rank_by_owner
  from days d
  join {{ ref('eff_sat_repo_user') }} e on e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
  join {{ ref('link_repo_user') }} l on l.link_repo_user_hk = e.link_repo_user_hk
  left join {{ ref('sat_repo_user') }} s on s.link_repo_user_hk = l.link_repo_user_hk
    and s.load_date <= d.as_of and d.as_of < s.load_end_date
  union all
  select b.as_of, b.repo_hk, b.user_hk, 0, {{ role_rank('b.role_name') }}, 1, 0
  from {{ ref('bridge_org_team_user_repo') }} b
  union all
  select d.as_of, r.repo_hk, l.user_hk, 0, 0, 0, 6
  from days d
  join {{ ref('eff_sat_org_user') }} e on e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
  join {{ ref('link_org_user') }} l on l.link_org_user_hk = e.link_org_user_hk
  join {{ ref('sat_org_user') }} s on s.link_org_user_hk = l.link_org_user_hk
    and s.load_date <= d.as_of and d.as_of < s.load_end_date and lower(s.role) = 'admin'
  join {{ ref('link_org_repo') }} r on r.org_hk = l.org_hk
  join {{ ref('eff_sat_org_repo') }} o on o.link_org_repo_hk = r.link_org_repo_hk
    and o.load_date <= d.as_of and d.as_of < o.load_end_date and o.is_active
),
highest as (
  select p.as_of, p.repo_hk, p.user_hk, max(p.rank_listed) as rank_listed, max(p.rank_by_team) as rank_by_team,
    sum(p.teams) as teams_count, max(p.rank_by_owner) as rank_by_owner
  from paths p
  group by p.as_of, p.repo_hk, p.user_hk
)
select h.repo_hk, h.user_hk, h.as_of,
  {{ role_of_rank('greatest(h.rank_listed, h.rank_by_team, h.rank_by_owner)') }} as role_name,
  {{ role_of_rank('h.rank_listed') }} as listed_role_name, {{ role_of_rank('h.rank_by_team') }} as team_role_name,
  cast(h.teams_count as bigint) as teams_count, h.rank_by_owner > 0 as is_organization_owner
from highest h
