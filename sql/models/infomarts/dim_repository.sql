-- A version holds from valid_from until the day before valid_to; what changed together is one version.
with loaded as (
{{ loaded_days() }}
),
directory as (
{{ repository_directory() }}
),
homes as (
  select l.repo_hk, l.org_hk, e.load_date, e.load_end_date
  from {{ ref('eff_sat_org_repo') }} e
  join {{ ref('link_org_repo') }} l on l.link_org_repo_hk = e.link_org_repo_hk
  where e.is_active
),
points as (
  select s.repo_hk, s.load_date from {{ ref('sat_repo') }} s
  union
  select h.repo_hk, h.load_date from homes h
  union
  select l.repo_hk, e.load_date
  from {{ ref('eff_sat_org_repo') }} e
  join {{ ref('link_org_repo') }} l on l.link_org_repo_hk = e.link_org_repo_hk
),
states as (
  select p.repo_hk, p.load_date, s.full_name, s.name, s.visibility, s.is_fork, s.is_archived, s.is_template, s.primary_language,
    s.license_spdx_id, s.topics, s.default_branch, s.created_at, max(o.org_id) as org_id, max(g.login) as org_login
  from points p
  left join {{ ref('sat_repo') }} s on s.repo_hk = p.repo_hk and s.load_date <= p.load_date and p.load_date < s.load_end_date
  left join homes h on h.repo_hk = p.repo_hk and h.load_date <= p.load_date and p.load_date < h.load_end_date
  left join {{ ref('hub_org') }} o on o.org_hk = h.org_hk
  left join {{ ref('sat_org') }} g on g.org_hk = h.org_hk and g.load_date <= p.load_date and p.load_date < g.load_end_date
  group by p.repo_hk, p.load_date, s.full_name, s.name, s.visibility, s.is_fork, s.is_archived, s.is_template, s.primary_language,
    s.license_spdx_id, s.topics, s.default_branch, s.created_at
),
versions as (
  select s.*, lead(s.load_date) over (partition by s.repo_hk order by s.load_date) as next_load_date
  from states s
)
select h.repo_id, cast(v.load_date as date) as valid_from, cast(v.next_load_date as date) as valid_to, v.next_load_date is null as is_current,
  v.org_id, v.org_login, v.full_name, n.full_name as full_name_now, v.name, v.visibility, v.is_fork, v.is_archived, v.is_template,
  v.primary_language, v.license_spdx_id, v.topics, v.default_branch, v.created_at, v.org_id is not null as is_listed,
  d.owner, d.tier, coalesce(d.exempt, false) as is_exempt
from versions v
join {{ ref('hub_repo') }} h on h.repo_hk = v.repo_hk
left join {{ ref('sat_repo') }} n on n.repo_hk = v.repo_hk and n.load_end_date = {{ vault_far() }}
left join directory d on d.repo_hk = v.repo_hk
