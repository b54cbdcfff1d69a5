{%- set relations = [
  {'name': 'organization member', 'dataset': 'members', 'link': 'link_org_user', 'scope': 'organization', 'subject': 'user_hk', 'role': ['sat_org_user', 'role']},
  {'name': 'outside collaborator', 'dataset': 'outside_collaborators', 'link': 'link_org_user_outside', 'scope': 'organization', 'subject': 'user_hk'},
  {'name': 'team member', 'dataset': 'team_members', 'link': 'link_team_user', 'scope': 'team', 'subject': 'user_hk', 'role': ['sat_team_user', 'role']},
  {'name': 'repository team', 'dataset': 'team_repositories', 'link': 'link_repo_team', 'scope': 'team', 'subject': 'repo_hk', 'role': ['sat_repo_team', 'role_name']},
  {'name': 'repository collaborator', 'dataset': 'repository_collaborators', 'link': 'link_repo_user', 'scope': 'repository', 'subject': 'user_hk', 'role': ['sat_repo_user', 'role_name']},
] -%}
{%- set columns = {'organization': 'org_hk', 'team': 'team_hk', 'repository': 'repo_hk'} %}
with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
accounts as (
{{ accounts() }}
),
-- Where a repository and a team belong: to the organisation whose list held it last.
{%- for one in ['repo', 'team'] %}
{{ one }}_homes as (
  select k.{{ one }}_hk, k.org_hk
  from (
    select l.{{ one }}_hk, l.org_hk, row_number() over (partition by l.{{ one }}_hk order by e.load_date desc, l.org_hk) as choice
    from {{ ref('eff_sat_org_' ~ one) }} e
    join {{ ref('link_org_' ~ one) }} l on l.link_org_{{ one }}_hk = e.link_org_{{ one }}_hk
    where e.is_active
  ) as k
  where k.choice = 1
),
{%- endfor %}
scopes as (
  select cast('organization' as varchar(40)) as kind, h.org_hk as scope_hk, {{ scope_of('h.host', 'organization', 'h.org_id') }} as scope, h.org_hk
  from {{ ref('hub_org') }} h
  union all
  select cast('team' as varchar(40)), h.team_hk, {{ scope_of('h.host', 'team', 'h.team_id') }}, o.org_hk
  from {{ ref('hub_team') }} h
  join team_homes o on o.team_hk = h.team_hk
  union all
  select cast('repository' as varchar(40)), h.repo_hk, {{ scope_of('h.host', 'repository', 'h.repo_id') }}, o.org_hk
  from {{ ref('hub_repo') }} h
  join repo_homes o on o.repo_hk = h.repo_hk
),
spells as (
  {%- for relation in relations %}
  select cast('{{ relation['name'] }}' as varchar(40)) as relation, cast('{{ relation['dataset'] }}' as varchar(40)) as dataset, e.{{ relation['link'] }}_hk as link_hk, cast('{{ relation['scope'] }}' as varchar(40)) as kind,
    l.{{ columns[relation['scope']] }} as scope_hk
    {%- for column, there in [('user_hk', relation['subject'] == 'user_hk'), ('team_hk', relation['scope'] == 'team'), ('repo_hk', 'repo' in relation['link'])] %},
    {{ 'l.' ~ column if there else 'case when 1 = 0 then l.' ~ columns[relation['scope']] ~ ' end' }} as {{ column }}
    {%- endfor %},
    e.load_date, e.load_end_date, e.is_active
  from {{ ref(relation['link'].replace('link_', 'eff_sat_')) }} e
  join {{ ref(relation['link']) }} l on l.{{ relation['link'] }}_hk = e.{{ relation['link'] }}_hk
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),
roles as (
  {%- for relation in relations if relation.get('role') %}
  select cast('{{ relation['name'] }}' as varchar(40)) as relation, s.{{ relation['link'] }}_hk as link_hk, s.load_date, s.load_end_date,
    {{ "case s.role when 'admin' then 'owner' else s.role end" if relation['name'] == 'organization member' else 's.' ~ relation['role'][1] }} as role
  from {{ ref(relation['role'][0]) }} s
  {%- if not loop.last %}
  union all
  {%- endif %}
  {%- endfor %}
),
firsts as (
  select l.dataset, l.scope, min(l.load_date) as load_date
  from {{ vault_source('fetch_ledger') }} l
  where l.dataset in ('{{ relations | map(attribute='dataset') | join("', '") }}') and l.state in ('complete', 'partial')
  group by l.dataset, l.scope
),
-- What held before a moment is what held a second earlier: days are the only moments at which anything changes here.
events as (
  select p.relation, p.dataset, p.link_hk, p.user_hk, p.team_hk, p.repo_hk, c.scope, c.org_hk, p.load_date,
    case when not p.is_active then 'revoked' when f.load_date < p.load_date then 'granted' else 'found' end as change
  from spells p
  join scopes c on c.kind = p.kind and c.scope_hk = p.scope_hk
  left join firsts f on f.dataset = p.dataset and f.scope = c.scope
  union all
  select p.relation, p.dataset, p.link_hk, p.user_hk, p.team_hk, p.repo_hk, c.scope, c.org_hk, r.load_date, cast('changed' as varchar(40)) as change
  from spells p
  join scopes c on c.kind = p.kind and c.scope_hk = p.scope_hk
  join roles r on r.relation = p.relation and r.link_hk = p.link_hk and p.load_date < r.load_date and r.load_date < p.load_end_date
  join roles b on b.relation = r.relation and b.link_hk = r.link_hk and b.load_end_date = r.load_date
  where p.is_active and coalesce(b.role, '') <> coalesce(r.role, '')
),
looked as (
  select e.relation, e.link_hk, e.load_date, max(l.load_date) as looked_before
  from events e
  join {{ vault_source('fetch_ledger') }} l on l.dataset = e.dataset and l.scope = e.scope and l.load_date < e.load_date and l.state = 'complete'
  group by e.relation, e.link_hk, e.load_date
),
sources as (
  select d.link_hk, d.load_date, {{ text_list('d.path') }} as paths
  from (
    select distinct e.link_hk, e.load_date,
      case m.source_kind when 'team' then 'team ' || coalesce(t.slug, 'unknown') when 'repository' then 'direct' else m.source_kind end
        || coalesce(' (' || m.role_name || ')', '') as path
    from events e
    join {{ ref('ma_sat_repo_user_source') }} m on m.link_repo_user_hk = e.link_hk
      and m.load_date <= case when e.change = 'revoked' then {{ add_seconds('e.load_date', '-1') }} else e.load_date end
      and case when e.change = 'revoked' then {{ add_seconds('e.load_date', '-1') }} else e.load_date end < m.load_end_date
    join {{ ref('hub_repo') }} r on r.repo_hk = e.repo_hk
    left join {{ ref('hub_team') }} h on m.source_kind = 'team' and h.host = r.host and h.team_id = m.source_id
    left join {{ ref('sat_team') }} t on t.team_hk = h.team_hk and t.load_end_date = {{ vault_far() }}
    where e.relation = 'repository collaborator'
  ) as d
  group by d.link_hk, d.load_date
),
changes as (
  select e.relation, e.change, e.org_hk, e.repo_hk, e.team_hk, e.user_hk, b.role as role_before, a.role as role_after, s.paths,
    cast(e.load_date as date) as changed_on, cast(null as date) as unknown_until, cast(k.looked_before as date) as not_before,
    coalesce(l.state, 'missing') as data_state, l.fetched_at as observed_at
  from events e
  left join roles b on b.relation = e.relation and b.link_hk = e.link_hk and e.change in ('revoked', 'changed')
    and b.load_date < e.load_date and e.load_date <= b.load_end_date
  left join roles a on a.relation = e.relation and a.link_hk = e.link_hk and e.change <> 'revoked'
    and a.load_date <= e.load_date and e.load_date < a.load_end_date
  left join looked k on k.relation = e.relation and k.link_hk = e.link_hk and k.load_date = e.load_date
  left join sources s on s.link_hk = e.link_hk and s.load_date = e.load_date
  left join {{ vault_source('fetch_ledger') }} l on l.dataset = e.dataset and l.scope = e.scope and l.load_date = e.load_date
),
-- Days on which a list did not come whole: what happened to it meanwhile is seen later, or never.
gaps as (
  select i.relation, i.kind, i.scope_hk, i.org_hk, i.data_state, min(i.day) as first_day, max(i.day) as last_day
  from (
    select g.*, {{ days_between("date '2001-01-01'", 'g.day') }}
      - row_number() over (partition by g.relation, g.scope_hk, g.data_state order by g.day) as island
    from (
      select d.relation, c.kind, c.scope_hk, c.org_hk, k.day, coalesce(l.state, 'missing') as data_state
      from (
        {%- for relation in relations %}
        select cast('{{ relation['name'] }}' as varchar(40)) as relation, cast('{{ relation['dataset'] }}' as varchar(40)) as dataset
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
      ) as d
      join firsts f on f.dataset = d.dataset
      join scopes c on c.scope = f.scope
      join calendar k on k.load_date > f.load_date
      left join {{ vault_source('fetch_ledger') }} l on l.dataset = d.dataset and l.scope = f.scope and l.load_date = k.load_date
      where coalesce(l.state, 'missing') not in ('complete', 'gone')
    ) as g
  ) as i
  group by i.relation, i.kind, i.scope_hk, i.org_hk, i.data_state, i.island
),
all_rows as (
  select relation, change, org_hk, repo_hk, team_hk, user_hk, role_before, role_after, paths, changed_on, unknown_until, not_before, data_state, observed_at
  from changes
  union all
  select g.relation, cast('unknown' as varchar(40)) as change, g.org_hk, h.repo_hk, t.team_hk, u.user_hk, cast(null as varchar(255)) as role_before,
    cast(null as varchar(255)) as role_after, cast(null as varchar(255)) as paths, g.first_day as changed_on, g.last_day as unknown_until,
    cast(null as date) as not_before, g.data_state, cast(null as timestamp) as observed_at
  from gaps g
  left join {{ ref('hub_repo') }} h on g.kind = 'repository' and h.repo_hk = g.scope_hk
  left join {{ ref('hub_team') }} t on g.kind = 'team' and t.team_hk = g.scope_hk
  left join {{ ref('hub_user') }} u on 1 = 0
)
select o.org_id, g.login as org_login, r.repo_id, n.full_name, t.team_id, s.slug as team, a.user_id, a.login,
  x.relation, x.change, x.role_before, x.role_after, x.paths, x.changed_on, x.not_before,
  x.change = 'granted' and x.not_before is not null and x.not_before < {{ add_days('x.changed_on', -1) }}
    or x.change in ('revoked', 'changed') and (x.not_before is null or x.not_before < {{ add_days('x.changed_on', -1) }}) as is_earlier_possible,
  x.unknown_until, x.data_state, x.observed_at
from all_rows x
join {{ ref('hub_org') }} o on o.org_hk = x.org_hk
left join {{ ref('sat_org') }} g on g.org_hk = x.org_hk and g.load_end_date = {{ vault_far() }}
left join {{ ref('hub_repo') }} r on r.repo_hk = x.repo_hk
left join {{ ref('sat_repo') }} n on n.repo_hk = x.repo_hk and n.load_end_date = {{ vault_far() }}
left join {{ ref('hub_team') }} t on t.team_hk = x.team_hk
left join {{ ref('sat_team') }} s on s.team_hk = x.team_hk and s.load_end_date = {{ vault_far() }}
left join accounts a on a.user_hk = x.user_hk
