{{ computed(grain=['org_hk', 'team_hk', 'user_hk', 'repo_hk', 'as_of'], day='as_of', retained=true) }}
with days as (
{{ point_in_time_days() }}
),
teams as (
  select d.as_of, l.org_hk, l.team_hk
  from days d
  join {{ ref('eff_sat_org_team') }} e on e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
  join {{ ref('link_org_team') }} l on l.link_org_team_hk = e.link_org_team_hk
),
people as (
  select d.as_of, l.team_hk, l.user_hk, l.link_team_user_hk
  from days d
  join {{ ref('eff_sat_team_user') }} e on e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
  join {{ ref('link_team_user') }} l on l.link_team_user_hk = e.link_team_user_hk
),
repositories as (
  select d.as_of, l.team_hk, l.repo_hk, l.link_repo_team_hk, s.role_name
  from days d
  join {{ ref('eff_sat_repo_team') }} e on e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
  join {{ ref('link_repo_team') }} l on l.link_repo_team_hk = e.link_repo_team_hk
  left join {{ ref('sat_repo_team') }} s on s.link_repo_team_hk = l.link_repo_team_hk
    and s.load_date <= d.as_of and d.as_of < s.load_end_date
)
select t.org_hk, t.team_hk, p.user_hk, r.repo_hk, t.as_of, p.link_team_user_hk, r.link_repo_team_hk, r.role_name
from teams t
join people p on p.team_hk = t.team_hk and p.as_of = t.as_of
join repositories r on r.team_hk = t.team_hk and r.as_of = t.as_of
