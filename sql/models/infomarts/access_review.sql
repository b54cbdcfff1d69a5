{%- set listed_datasets = ['repository_collaborators', 'members', 'outside_collaborators'] -%}
-- Who could do what at the end of each quarter, with what a reviewer has to know; of the running quarter, at the last loaded day.
with loaded as (
{{ loaded_days() }}
),
accounts as (
{{ accounts() }}
),
{{ deeds_of_people() }},
reviewed as (
  select q.quarter_start, q.as_of, {{ day_of('q.as_of') }} as load_date,
    q.quarter_start < cast(date_trunc('quarter', {{ add_days('b.last_day', 1) }}) as date) as is_closed
  from (
    select cast(date_trunc('quarter', a.as_of) as date) as quarter_start, max(a.as_of) as as_of
    from {{ ref('bridge_repo_user_access') }} a
    group by cast(date_trunc('quarter', a.as_of) as date)
  ) as q
  cross join loaded b
),
homes as (
  select q.as_of, l.repo_hk, min({{ vault_hash_hex('l.org_hk') }}) as org_hex
  from reviewed q
  join {{ ref('eff_sat_org_repo') }} e on e.load_date <= q.as_of and q.as_of < e.load_end_date and e.is_active
  join {{ ref('link_org_repo') }} l on l.link_org_repo_hk = e.link_org_repo_hk
  group by q.as_of, l.repo_hk
),
members as (
  select q.as_of, l.org_hk, l.user_hk, max(s.role) as role,
    max(case when s.two_factor_enabled then 1 when not s.two_factor_enabled then 0 end) as two_factor
  from reviewed q
  join {{ ref('eff_sat_org_user') }} e on e.load_date <= q.as_of and q.as_of < e.load_end_date and e.is_active
  join {{ ref('link_org_user') }} l on l.link_org_user_hk = e.link_org_user_hk
  left join {{ ref('sat_org_user') }} s on s.link_org_user_hk = l.link_org_user_hk and s.load_date <= q.as_of and q.as_of < s.load_end_date
  group by q.as_of, l.org_hk, l.user_hk
),
former_members as (
  select q.as_of, l.org_hk, l.user_hk
  from reviewed q
  join {{ ref('eff_sat_org_user') }} e on e.load_date <= q.as_of and q.as_of < e.load_end_date and not e.is_active
  join {{ ref('link_org_user') }} l on l.link_org_user_hk = e.link_org_user_hk
  group by q.as_of, l.org_hk, l.user_hk
),
outside as (
  select q.as_of, l.org_hk, l.user_hk
  from reviewed q
  join {{ ref('eff_sat_org_user_outside') }} e on e.load_date <= q.as_of and q.as_of < e.load_end_date and e.is_active
  join {{ ref('link_org_user_outside') }} l on l.link_org_user_outside_hk = e.link_org_user_outside_hk
  group by q.as_of, l.org_hk, l.user_hk
),
listed as (
  select q.as_of, l.repo_hk, l.user_hk, min(e.load_date) as load_date
  from reviewed q
  join {{ ref('eff_sat_repo_user') }} e on e.load_date <= q.as_of and q.as_of < e.load_end_date and e.is_active
  join {{ ref('link_repo_user') }} l on l.link_repo_user_hk = e.link_repo_user_hk
  group by q.as_of, l.repo_hk, l.user_hk
),
-- The directory's last word on somebody: gone where it says so, or where no line holds on the day any more.
directory as (
  select q.as_of, r.login_key,
    max(case when cast(r.valid_from as timestamp) <= q.as_of and q.as_of < cast(r.valid_to as timestamp) and coalesce(r.status, '') <> 'left' then 1 else 0 end)
      as is_there
  from reviewed q
  join {{ ref('ref_people_directory') }} r on r.load_date <= q.as_of and q.as_of < r.load_end_date
  where r.affiliation = 'internal'
  group by q.as_of, r.login_key
),
seen as (
  select q.as_of, h.org_hex, d.actor_hk, max(d.done_at) as last_seen_at
  from reviewed q
  join deeds d on d.done_at < {{ add_seconds('q.as_of', '86400') }}
  join homes h on h.as_of = q.as_of and h.repo_hk = d.repo_hk
  -- A merge is somebody else's deed, maybe long after the author left.
  where d.actor_hk is not null and d.kind <> 'merge'
  group by q.as_of, h.org_hex, d.actor_hk
),
-- Every path: what GitHub names as the source, our own lists of teams, ownership, and the lone grant of an outsider.
sources as (
  select q.as_of, l.repo_hk, l.user_hk, m.source_kind as kind, coalesce(t.slug, 'unknown team') as team, m.role_name
  from reviewed q
  join {{ ref('ma_sat_repo_user_source') }} m on m.load_date <= q.as_of and q.as_of < m.load_end_date
  join {{ ref('eff_sat_repo_user') }} e on e.link_repo_user_hk = m.link_repo_user_hk and e.load_date <= q.as_of and q.as_of < e.load_end_date
    and e.is_active
  join {{ ref('link_repo_user') }} l on l.link_repo_user_hk = m.link_repo_user_hk
  join {{ ref('hub_repo') }} r on r.repo_hk = l.repo_hk
  left join {{ ref('hub_team') }} h on m.source_kind = 'team' and h.host = r.host and h.team_id = m.source_id
  left join {{ ref('sat_team') }} t on t.team_hk = h.team_hk and t.load_date <= q.as_of and q.as_of < t.load_end_date
  union
  select b.as_of, b.repo_hk, b.user_hk, cast('team' as varchar(40)) as kind, coalesce(t.slug, 'unknown team') as team, b.role_name
  from reviewed q
  join {{ ref('bridge_org_team_user_repo') }} b on b.as_of = q.as_of
  left join {{ ref('sat_team') }} t on t.team_hk = b.team_hk and t.load_date <= b.as_of and b.as_of < t.load_end_date
),
path_texts as (
  select p.as_of, p.repo_hk, p.user_hk, {{ text_list('p.path') }} as paths
  from (
    select s.as_of, s.repo_hk, s.user_hk,
      case s.kind when 'team' then 'team ' || s.team when 'repository' then 'direct' else s.kind end
        || case when max({{ role_rank('s.role_name') }}) > 0 then ' (' || {{ role_of_rank('max(' ~ role_rank('s.role_name') ~ ')') }} || ')' else '' end
        as path
    from sources s
    group by s.as_of, s.repo_hk, s.user_hk, s.kind, s.team
    union all
    select a.as_of, a.repo_hk, a.user_hk, cast('owner (admin)' as varchar(40)) as path
    from reviewed q
    join {{ ref('bridge_repo_user_access') }} a on a.as_of = q.as_of
    where a.is_organization_owner
  ) as p
  group by p.as_of, p.repo_hk, p.user_hk
),
lists as (
  select l.dataset, l.scope, l.load_date, l.state, l.fetched_at
  from {{ vault_source('fetch_ledger') }} l
  join reviewed q on q.load_date = l.load_date
  where l.dataset in ('{{ listed_datasets | join("', '") }}')
),
rows_of_review as (
  select q.quarter_start, q.as_of, q.is_closed, o.org_hk, o.org_id, r.repo_id, a.repo_hk, a.user_hk, h.org_hex,
    a.role_name, a.listed_role_name, a.team_role_name, a.teams_count, a.is_organization_owner,
    {{ scope_of('r.host', 'repository', 'r.repo_id') }} as repo_scope, {{ scope_of('o.host', 'organization', 'o.org_id') }} as org_scope
  from reviewed q
  join {{ ref('bridge_repo_user_access') }} a on a.as_of = q.as_of
  join {{ ref('hub_repo') }} r on r.repo_hk = a.repo_hk
  join homes h on h.as_of = q.as_of and h.repo_hk = a.repo_hk
  join {{ ref('hub_org') }} o on {{ vault_hash_hex('o.org_hk') }} = h.org_hex
),
decided as (
  select k.as_of, k.repo_hk, k.user_hk, k.decision, k.decided_on, k.reviewer, k.ticket
  from (
    select x.as_of, x.repo_hk, x.user_hk, d.decision, d.decided_on, d.reviewer, d.ticket,
      row_number() over (partition by x.as_of, x.repo_hk, x.user_hk order by d.decided_on desc, {{ vault_byte_order('d.repository_key') }}) as choice
    from rows_of_review x
    join accounts a on a.user_hk = x.user_hk
    join {{ ref('sat_repo') }} n on n.repo_hk = x.repo_hk and n.load_date <= x.as_of and x.as_of < n.load_end_date
    join {{ ref('ref_access_decision') }} d on d.load_end_date = {{ vault_far() }} and d.login_key = lower(a.login)
      and d.decided_on >= x.quarter_start and d.decided_on < {{ add_days('x.quarter_start', 184) }}
      and lower(n.full_name) like case when d.repository_key like '%/%' then '' else '%/' end || {{ like_of_glob('d.repository_key') }} escape '!'
  ) as k
  where k.choice = 1
)
select x.quarter_start, cast(x.as_of as date) as reviewed_on, x.is_closed, x.org_id, g.login as org_login, x.repo_id, n.full_name, n.visibility,
  a.user_id, a.login, x.role_name as role, x.listed_role_name as listed_role, x.team_role_name as team_role, x.teams_count,
  x.is_organization_owner,
  coalesce(z.paths, case when u.user_hk is not null and x.listed_role_name is not null then 'direct (' || x.listed_role_name || ')' end) as paths,
  m.user_hk is not null as is_member, u.user_hk is not null and m.user_hk is null as is_outside, a.is_bot = 1 as is_bot,
  m.two_factor = 1 as two_factor_enabled, cast(i.load_date as date) as first_seen_on, s.last_seen_at,
  (f.user_hk is not null and m.user_hk is null and u.user_hk is null) or coalesce(p.is_there = 0, false) as is_leaver,
  d.decision, d.decided_on, d.reviewer, d.ticket,
  coalesce(lr.state = 'complete' and lm.state = 'complete' and lo.state = 'complete', false) as is_complete,
  coalesce(lr.state, 'missing') as data_state, coalesce(lm.state, 'missing') as members_data_state,
  coalesce(lo.state, 'missing') as outside_collaborators_data_state, lr.fetched_at as observed_at
from rows_of_review x
join accounts a on a.user_hk = x.user_hk
left join {{ ref('sat_org') }} g on g.org_hk = x.org_hk and g.load_date <= x.as_of and x.as_of < g.load_end_date
left join {{ ref('sat_repo') }} n on n.repo_hk = x.repo_hk and n.load_date <= x.as_of and x.as_of < n.load_end_date
left join {{ ref('sat_user_pii') }} w on w.user_hk = x.user_hk and w.load_date <= x.as_of and x.as_of < w.load_end_date
left join members m on m.as_of = x.as_of and m.org_hk = x.org_hk and m.user_hk = x.user_hk
left join former_members f on f.as_of = x.as_of and f.org_hk = x.org_hk and f.user_hk = x.user_hk
left join outside u on u.as_of = x.as_of and u.org_hk = x.org_hk and u.user_hk = x.user_hk
left join listed i on i.as_of = x.as_of and i.repo_hk = x.repo_hk and i.user_hk = x.user_hk
left join seen s on s.as_of = x.as_of and s.org_hex = x.org_hex and s.actor_hk = x.user_hk
left join path_texts z on z.as_of = x.as_of and z.repo_hk = x.repo_hk and z.user_hk = x.user_hk
left join directory p on p.as_of = x.as_of and p.login_key = lower(w.login)
left join decided d on d.as_of = x.as_of and d.repo_hk = x.repo_hk and d.user_hk = x.user_hk
left join lists lr on lr.dataset = 'repository_collaborators' and lr.scope = x.repo_scope and lr.load_date = x.as_of
left join lists lm on lm.dataset = 'members' and lm.scope = x.org_scope and lm.load_date = x.as_of
left join lists lo on lo.dataset = 'outside_collaborators' and lo.scope = x.org_scope and lo.load_date = x.as_of
