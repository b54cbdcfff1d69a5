with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
accounts as (
{{ accounts() }}
),
member_states as (
{{ state_now(['members']) }}
),
outside_states as (
{{ state_now(['outside_collaborators']) }}
),
people_states as (
{{ state_now(['members', 'outside_collaborators', 'teams']) }}
),
team_states as (
{{ state_now(['team_members', 'team_repositories']) }}
),
repository_states as (
{{ state_now(['repository_collaborators']) }}
),
first_members as (
{{ first_lists('members') }}
),
first_outside as (
{{ first_lists('outside_collaborators') }}
),
first_collaborators as (
{{ first_lists('repository_collaborators') }}
),
organizations as (
  select h.org_hk, h.org_id, g.login as org_login, {{ scope_of('h.host', 'organization', 'h.org_id') }} as org_scope
  from {{ ref('hub_org') }} h
  left join {{ ref('sat_org') }} g on g.org_hk = h.org_hk and g.load_end_date = {{ vault_far() }}
),
members as (
  select l.org_hk, l.user_hk, s.role, s.two_factor_enabled, cast(e.load_date as date) as first_seen_on, e.load_date
  from {{ ref('eff_sat_org_user') }} e
  join {{ ref('link_org_user') }} l on l.link_org_user_hk = e.link_org_user_hk
  left join {{ ref('sat_org_user') }} s on s.link_org_user_hk = e.link_org_user_hk and s.load_end_date = {{ vault_far() }}
  where e.is_active and e.load_end_date = {{ vault_far() }}
),
outside as (
  select l.org_hk, l.user_hk, cast(e.load_date as date) as first_seen_on, e.load_date
  from {{ ref('eff_sat_org_user_outside') }} e
  join {{ ref('link_org_user_outside') }} l on l.link_org_user_outside_hk = e.link_org_user_outside_hk
  where e.is_active and e.load_end_date = {{ vault_far() }}
),
teams as (
  select l.org_hk, l.team_hk, coalesce(t.slug, 'unknown team') as slug,
    case when s.data_state = 'complete' then 0 else 1 end as is_unknown
  from {{ ref('eff_sat_org_team') }} e
  join {{ ref('link_org_team') }} l on l.link_org_team_hk = e.link_org_team_hk
  join {{ ref('hub_team') }} h on h.team_hk = l.team_hk
  left join {{ ref('sat_team') }} t on t.team_hk = l.team_hk and t.load_end_date = {{ vault_far() }}
  left join team_states s on s.scope = {{ scope_of('h.host', 'team', 'h.team_id') }}
  where e.is_active and e.load_end_date = {{ vault_far() }}
),
unknown_teams as (
  select t.org_hk, sum(t.is_unknown) as teams_unknown
  from teams t
  group by t.org_hk
),
listed as (
  select l.repo_hk, l.user_hk, e.link_repo_user_hk, s.role_name, cast(e.load_date as date) as first_seen_on, e.load_date
  from {{ ref('eff_sat_repo_user') }} e
  join {{ ref('link_repo_user') }} l on l.link_repo_user_hk = e.link_repo_user_hk
  left join {{ ref('sat_repo_user') }} s on s.link_repo_user_hk = e.link_repo_user_hk and s.load_end_date = {{ vault_far() }}
  where e.is_active and e.load_end_date = {{ vault_far() }}
),
team_roles as (
  select l.repo_hk, l.team_hk, s.role_name
  from {{ ref('eff_sat_repo_team') }} e
  join {{ ref('link_repo_team') }} l on l.link_repo_team_hk = e.link_repo_team_hk
  left join {{ ref('sat_repo_team') }} s on s.link_repo_team_hk = e.link_repo_team_hk and s.load_end_date = {{ vault_far() }}
  where e.is_active and e.load_end_date = {{ vault_far() }}
),
-- Three ways to a repository that we can see: what GitHub names as the source, our own lists of teams, and ownership.
-- A source knows only read, write and admin: the team's own list says triage and maintain.
paths as (
  select i.repo_hk, i.user_hk, m.source_kind as kind, coalesce(t.slug, 'unknown team') as team,
    coalesce(o.role_name, m.role_name) as role_name
  from listed i
  join {{ ref('ma_sat_repo_user_source') }} m on m.link_repo_user_hk = i.link_repo_user_hk and m.load_end_date = {{ vault_far() }}
  join repositories r on r.repo_hk = i.repo_hk
  left join {{ ref('hub_team') }} h on m.source_kind = 'team' and h.host = r.host and h.team_id = m.source_id
  left join {{ ref('sat_team') }} t on t.team_hk = h.team_hk and t.load_end_date = {{ vault_far() }}
  left join team_roles o on o.team_hk = h.team_hk and o.repo_hk = i.repo_hk
  union
  select o.repo_hk, lu.user_hk, cast('team' as varchar(40)) as kind, t.slug as team, o.role_name
  from teams t
  join team_roles o on o.team_hk = t.team_hk
  join {{ ref('link_team_user') }} lu on lu.team_hk = t.team_hk
  join {{ ref('eff_sat_team_user') }} eu on eu.link_team_user_hk = lu.link_team_user_hk and eu.is_active
    and eu.load_end_date = {{ vault_far() }}
  union
  select r.repo_hk, m.user_hk, cast('owner' as varchar(40)) as kind, cast(null as varchar(255)) as team, cast('admin' as varchar(40)) as role_name
  from members m
  join repositories r on r.org_hk = m.org_hk
  where m.role = 'admin'
),
-- GitHub may name a team that our own lists name with another role: the higher one holds.
team_paths as (
  select p.repo_hk, p.user_hk, p.team, {{ role_of_rank('max(' ~ role_rank('p.role_name') ~ ')') }} as role_name
  from paths p
  where p.kind = 'team'
  group by p.repo_hk, p.user_hk, p.team
),
team_texts as (
  select d.repo_hk, d.user_hk, {{ text_list('d.path') }} as team_paths, count(*) as teams_count
  from (
    select t.repo_hk, t.user_hk, t.team || coalesce(' (' || t.role_name || ')', '') as path
    from team_paths t
  ) as d
  group by d.repo_hk, d.user_hk
),
ranked as (
  select p.repo_hk, p.user_hk, max({{ role_rank('p.role_name') }}) as highest,
    max(case when p.kind = 'owner' then 1 else 0 end) as by_ownership,
    max(case when p.kind = 'organization' then {{ role_rank('p.role_name') }} end) as by_base_permission,
    max(case when p.kind = 'repository' then {{ role_rank('p.role_name') }} end) as by_grant,
    max(case when p.kind = 'repository' then 0 else {{ role_rank('p.role_name') }} end) as by_others
  from paths p
  group by p.repo_hk, p.user_hk
),
reach as (
  select repo_hk, user_hk from ranked
  union
  select repo_hk, user_hk from listed
),
on_repositories as (
  select r.org_hk, r.repo_hk, r.repo_id, r.full_name, r.visibility, k.user_hk,
    coalesce(i.role_name, {{ role_of_rank('p.highest') }}) as role,
    case when p.by_ownership = 1 then 'owner' else {{ role_of_rank('p.by_base_permission') }} end as organization_path,
    x.team_paths,
    -- Where the role is higher than every other path gives, the grant gave it, whatever coarse name its source has.
    case when p.by_grant is not null and {{ role_rank('i.role_name') }} > p.by_others then i.role_name
      when p.by_grant is not null then {{ role_of_rank('p.by_grant') }}
      when o.user_hk is not null and p.user_hk is null then i.role_name end as direct_path,
    coalesce(p.by_ownership, 0) + case when p.by_ownership = 0 and p.by_base_permission is not null then 1 else 0 end
      + coalesce(x.teams_count, 0)
      + case when p.by_grant is not null or (o.user_hk is not null and p.user_hk is null) then 1 else 0 end as paths_count,
    i.user_hk is not null as is_listed, i.first_seen_on,
    case when i.load_date > f.load_date then i.first_seen_on end as granted_on,
    case when z.data_state = 'complete' and y.data_state = 'complete' and coalesce(u.teams_unknown, 0) = 0 then 1 else 0 end as is_complete,
    coalesce(z.data_state, 'missing') as data_state, z.observed_at
  from reach k
  join repositories r on r.repo_hk = k.repo_hk
  left join listed i on i.repo_hk = k.repo_hk and i.user_hk = k.user_hk
  left join ranked p on p.repo_hk = k.repo_hk and p.user_hk = k.user_hk
  left join team_texts x on x.repo_hk = k.repo_hk and x.user_hk = k.user_hk
  left join outside o on o.org_hk = r.org_hk and o.user_hk = k.user_hk
  left join first_collaborators f on f.scope = r.scope
  left join repository_states z on z.scope = r.scope
  left join people_states y on y.scope = r.org_scope
  left join unknown_teams u on u.org_hk = r.org_hk
),
on_organizations as (
  select m.org_hk, m.user_hk, case m.role when 'admin' then 'owner' else m.role end as role,
    case m.role when 'admin' then 'owner' else 'member' end as organization_path, m.first_seen_on,
    case when m.load_date > f.load_date then m.first_seen_on end as granted_on,
    coalesce(s.data_state, 'missing') as data_state, s.observed_at
  from members m
  join organizations g on g.org_hk = m.org_hk
  left join first_members f on f.scope = g.org_scope
  left join member_states s on s.scope = g.org_scope
  union all
  select o.org_hk, o.user_hk, cast('outside collaborator' as varchar(40)) as role, cast(null as varchar(64)) as organization_path, o.first_seen_on,
    case when o.load_date > f.load_date then o.first_seen_on end as granted_on,
    coalesce(s.data_state, 'missing') as data_state, s.observed_at
  from outside o
  join organizations g on g.org_hk = o.org_hk
  left join members m on m.org_hk = o.org_hk and m.user_hk = o.user_hk
  left join first_outside f on f.scope = g.org_scope
  left join outside_states s on s.scope = g.org_scope
  where m.user_hk is null
),
rows_of_both as (
  select org_hk, repo_id, full_name, visibility, user_hk, role, organization_path, team_paths, direct_path, paths_count, is_listed,
    first_seen_on, granted_on, is_complete, data_state, observed_at
  from on_repositories
  union all
  select org_hk, cast(null as bigint) as repo_id, cast(null as varchar(255)) as full_name, cast(null as varchar(64)) as visibility,
    user_hk, role, organization_path, cast(null as varchar(255)) as team_paths, cast(null as varchar(64)) as direct_path,
    case when organization_path is null then 0 else 1 end as paths_count, true as is_listed, first_seen_on, granted_on,
    case when data_state = 'complete' then 1 else 0 end as is_complete, data_state, observed_at
  from on_organizations
)
select g.org_id, g.org_login, b.repo_id, b.full_name, b.visibility, a.user_id, a.login,
  b.role, b.organization_path, b.team_paths, b.direct_path, cast(b.paths_count as bigint) as paths_count, b.is_listed,
  m.user_hk is not null as is_member, coalesce(m.role = 'admin', false) as is_owner,
  o.user_hk is not null and m.user_hk is null as is_outside, a.is_bot = 1 as is_bot,
  m.two_factor_enabled, b.first_seen_on, b.granted_on,
  b.is_complete = 1 as is_complete, b.data_state, b.observed_at
from rows_of_both b
join organizations g on g.org_hk = b.org_hk
join accounts a on a.user_hk = b.user_hk
left join members m on m.org_hk = b.org_hk and m.user_hk = b.user_hk
left join outside o on o.org_hk = b.org_hk and o.user_hk = b.user_hk
