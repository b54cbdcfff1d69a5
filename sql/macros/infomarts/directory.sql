{#- What the programme office says of its people and repositories in people_directory.csv and repository_directory.csv. -#}

{#- (user_hk, affiliation, company, seen_from, seen_to, valid_from, valid_to): lines, while they were in the file and the login was theirs. -#}
{% macro people_directory() %}
select p.user_hk, r.affiliation, r.company,
  case when p.load_date > r.load_date then p.load_date else r.load_date end as seen_from,
  case when p.load_end_date < r.load_end_date then p.load_end_date else r.load_end_date end as seen_to,
  cast(r.valid_from as timestamp) as valid_from, cast(r.valid_to as timestamp) as valid_to
from {{ ref('ref_people_directory') }} r
join {{ ref('sat_user_pii') }} p on lower(p.login) = r.login_key
  and p.load_date < r.load_end_date and r.load_date < p.load_end_date
{% endmacro %}


{#-
  (repo_hk, owner, tier, exempt) at the last loaded day, of repositories that a line names. A name counts before a glob,
  a longer glob before a shorter one; a name without an owner holds under any.
-#}
{% macro repository_directory() %}
select k.repo_hk, k.owner, k.tier, k.exempt
from (
  select s.repo_hk, d.owner, d.tier, d.exempt,
    row_number() over (
      partition by s.repo_hk
      order by case when d.repository_key like '%*%' or d.repository_key like '%?%' then 1 else 0 end, length(d.repository_key) desc,
        {{ vault_byte_order('d.repository_key') }}
    ) as choice
  from {{ ref('sat_repo') }} s
  join {{ ref('ref_repository_directory') }} d on d.load_end_date = {{ vault_far() }}
    and lower(s.full_name) like case when d.repository_key like '%/%' then '' else '%/' end || {{ like_of_glob('d.repository_key') }} escape '!'
  where s.load_end_date = {{ vault_far() }}
) as k
where k.choice = 1
{% endmacro %}


{#- A glob (* and ?) as a pattern of LIKE, whose escape is !. -#}
{% macro like_of_glob(glob) %}
{{ return("replace(replace(replace(replace(replace(" ~ glob ~ ", '!', '!!'), '%', '!%'), '_', '!_'), '*', '%'), '?', '_')") }}
{% endmacro %}
