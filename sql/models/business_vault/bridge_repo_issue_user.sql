{{ computed(grain=['repo_hk', 'issue_hk', 'user_hk', 'role', 'as_of'], day='as_of', retained=true) }}
with days as (
{{ point_in_time_days() }}
),
open_issues as (
  select d.as_of, l.repo_hk, l.issue_hk
  from days d
  join {{ ref('sat_issue') }} s on s.load_date <= d.as_of and d.as_of < s.load_end_date and lower(s.state) = 'open'
  join {{ ref('link_repo_issue') }} l on l.issue_hk = s.issue_hk
  join {{ ref('eff_sat_repo_issue') }} e on e.link_repo_issue_hk = l.link_repo_issue_hk
    and e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
),
roles as (
  select o.as_of, o.repo_hk, o.issue_hk, a.author_hk as user_hk, cast('author' as varchar(40)) as role
  from open_issues o
  join {{ ref('link_issue_author') }} a on a.issue_hk = o.issue_hk and a.load_date <= o.as_of
  union
  select o.as_of, o.repo_hk, o.issue_hk, a.assignee_hk, cast('assignee' as varchar(40))
  from open_issues o
  join {{ ref('link_issue_assignee') }} a on a.issue_hk = o.issue_hk
  join {{ ref('eff_sat_issue_assignee') }} e on e.link_issue_assignee_hk = a.link_issue_assignee_hk
    and e.load_date <= o.as_of and o.as_of < e.load_end_date and e.is_active
)
select r.repo_hk, r.issue_hk, r.user_hk, cast(r.role as varchar(20)) as role, r.as_of
from roles r
