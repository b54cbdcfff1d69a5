{#- Who somebody is: a bot, an account that is gone, a maintainer as of a day. -#}

{#-
  One row per account. A deleted account shows as `ghost`, which is nobody in particular and no bot; a mannequin stands
  for somebody who never came over in an import. A bot is what GitHub calls one, and whatever account people_directory.csv
  lists as one now: machines that use a person's kind of account are machines on all days.
-#}
{% macro accounts() %}
select h.user_hk, h.user_id, p.login,
  case when s.type = 'Bot' or p.login like '%[bot]' or m.login_key is not null then 1 else 0 end as is_bot,
  case when lower(p.login) = 'ghost' or s.type = 'Mannequin' then 1 else 0 end as is_gone
from {{ ref('hub_user') }} h
left join {{ ref('sat_user') }} s on s.user_hk = h.user_hk and s.load_end_date = {{ vault_far() }}
left join {{ ref('sat_user_pii') }} p on p.user_hk = h.user_hk and p.load_end_date = {{ vault_far() }}
left join (
  select distinct d.login_key
  from {{ ref('ref_people_directory') }} d
  where d.load_end_date = {{ vault_far() }} and d.affiliation = 'bot'
) as m on m.login_key = lower(p.login)
{% endmacro %}


{#- (scope, load_date): the first day on which a list of this dataset came at all. What was in it may be older. -#}
{% macro first_lists(dataset) %}
select l.scope, min(l.load_date) as load_date
from {{ vault_source('fetch_ledger') }} l
where l.dataset = '{{ dataset }}' and l.state in ('complete', 'partial')
group by l.scope
{% endmacro %}


{#-
  (org_hk, user_hk, valid_from, valid_to): membership from our own vault, since author_association misses private members.
  Who was in the first list we ever saw counts as a member before it, too: nothing earlier is known.
-#}
{% macro membership() %}
select l.org_hk, l.user_hk,
  case when e.load_date <= f.load_date then timestamp '0001-01-01 00:00:00' else e.load_date end as valid_from,
  e.load_end_date as valid_to
from {{ ref('eff_sat_org_user') }} e
join {{ ref('link_org_user') }} l on l.link_org_user_hk = e.link_org_user_hk
join {{ ref('hub_org') }} h on h.org_hk = l.org_hk
left join (
{{ first_lists('members') }}
) as f on f.scope = {{ scope_of('h.host', 'organization', 'h.org_id') }}
where e.is_active
{% endmacro %}


{#- (repo_hk, user_hk, valid_from, valid_to): write, maintain or admin on a repository, from our own vault. -#}
{% macro write_access() %}
select l.repo_hk, l.user_hk,
  case when v.valid_from <= f.load_date then timestamp '0001-01-01 00:00:00' else v.valid_from end as valid_from, v.valid_to
from (
  select e.link_repo_user_hk,
    case when e.load_date > s.load_date then e.load_date else s.load_date end as valid_from,
    case when e.load_end_date < s.load_end_date then e.load_end_date else s.load_end_date end as valid_to
  from {{ ref('eff_sat_repo_user') }} e
  join {{ ref('sat_repo_user') }} s on s.link_repo_user_hk = e.link_repo_user_hk
    and s.load_date < e.load_end_date and e.load_date < s.load_end_date
  where e.is_active and s.role_name in ('write', 'maintain', 'admin')
) as v
join {{ ref('link_repo_user') }} l on l.link_repo_user_hk = v.link_repo_user_hk
join {{ ref('hub_repo') }} h on h.repo_hk = l.repo_hk
left join (
{{ first_lists('repository_collaborators') }}
) as f on f.scope = {{ scope_of('h.host', 'repository', 'h.repo_id') }}
{% endmacro %}


{#- Rank of a role, so that the highest of several paths can be taken; a custom role is at least a read. -#}
{% macro role_rank(role) %}
case {{ role }} when 'admin' then 6 when 'maintain' then 5 when 'write' then 4 when 'triage' then 3 when 'read' then 2
  when 'none' then 0 else case when {{ role }} is null then 0 else 1 end end
{% endmacro %}


{#- The role of a rank; a custom role keeps no name here. -#}
{% macro role_of_rank(rank) %}
case {{ rank }} when 6 then 'admin' when 5 then 'maintain' when 4 then 'write' when 3 then 'triage' when 2 then 'read'
  when 1 then 'custom' end
{% endmacro %}
