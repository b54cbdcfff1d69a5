with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
states as (
{{ state_now(['repositories']) }}
),
spoken_states as (
{{ state_now(['issues', 'issue_comments', 'pull_requests']) }}
),
-- Which lists ever came whole: of what was never read there is no number.
read_lists as (
  select l.scope{% for dataset in ['releases', 'commits', 'branch_rules', 'rulesets', 'repository_collaborators'] %},
    max(case when l.dataset = '{{ dataset }}' then 1 else 0 end) as {{ dataset }}{% endfor %}
  from {{ vault_source('fetch_ledger') }} l
  where l.dataset in ('releases', 'commits', 'branch_rules', 'rulesets', 'repository_collaborators') and l.state = 'complete'
  group by l.scope
),
directory as (
{{ repository_directory() }}
),
accounts as (
{{ accounts() }}
),
write_access as (
{{ write_access() }}
),
admin_teams as (
  select k.repo_hk, {{ text_list('k.slug') }} as slugs
  from (
    select distinct l.repo_hk, coalesce(t.slug, 'unknown team') as slug
    from {{ ref('eff_sat_repo_team') }} e
    join {{ ref('link_repo_team') }} l on l.link_repo_team_hk = e.link_repo_team_hk
    join {{ ref('sat_repo_team') }} s on s.link_repo_team_hk = e.link_repo_team_hk and s.load_end_date = {{ vault_far() }}
    left join {{ ref('sat_team') }} t on t.team_hk = l.team_hk and t.load_end_date = {{ vault_far() }}
    where e.is_active and e.load_end_date = {{ vault_far() }} and s.role_name = 'admin'
  ) as k
  group by k.repo_hk
),
releases as (
  select l.repo_hk, max(s.published_at) as last_release_at, count(*) as releases_count,
    {%- for days in [90, 365] %}
    sum(case when s.published_at >= {{ add_seconds('b.closes_at', '-' ~ days ~ ' * 86400') }} then 1 else 0 end) as releases_in_{{ days }}_days
    {{- ',' if not loop.last }}
    {%- endfor %}
  from {{ ref('eff_sat_repo_release') }} e
  join {{ ref('link_repo_release') }} l on l.link_repo_release_hk = e.link_repo_release_hk
  join {{ ref('sat_release') }} s on s.release_hk = l.release_hk and s.load_end_date = {{ vault_far() }}
  cross join loaded b
  where e.is_active and e.load_end_date = {{ vault_far() }} and not s.is_draft and s.published_at < b.closes_at
  group by l.repo_hk
),
rules as (
  select k.repo_hk, count(*) as rules_count
  from (
    select l.repo_hk
    from {{ ref('eff_sat_repo_branch_rule') }} e
    join {{ ref('link_repo_branch_rule') }} l on l.link_repo_branch_rule_hk = e.link_repo_branch_rule_hk
    where e.is_active and e.load_end_date = {{ vault_far() }}
    union all
    select l.repo_hk
    from {{ ref('eff_sat_repo_ruleset') }} e
    join {{ ref('link_repo_ruleset') }} l on l.link_repo_ruleset_hk = e.link_repo_ruleset_hk
    join {{ ref('sat_repo_ruleset') }} s on s.link_repo_ruleset_hk = e.link_repo_ruleset_hk and s.load_end_date = {{ vault_far() }}
    where e.is_active and e.load_end_date = {{ vault_far() }} and s.enforcement = 'active' and s.target = 'branch'
  ) as k
  group by k.repo_hk
),
{{ deeds_of_people() }},
-- A merge long after somebody's word is not their word: who merged it is seen in its event.
moved as (
  select d.repo_hk, max(case when d.kind = 'commit' then d.done_at end) as last_commit_at,
    max(case when d.kind <> 'commit' then d.done_at end) as last_conversation_at
  from deeds d
  left join accounts a on a.user_hk = d.actor_hk
  cross join loaded b
  where coalesce(a.is_bot, 0) = 0 and d.kind <> 'merge' and d.done_at < b.closes_at
  group by d.repo_hk
),
maintainers as (
  select d.repo_hk, count(distinct d.actor_hk) as maintainers_active
  from deeds d
  join write_access g on g.repo_hk = d.repo_hk and g.user_hk = d.actor_hk and g.valid_to = {{ vault_far() }}
  join accounts a on a.user_hk = d.actor_hk and a.is_bot = 0 and a.is_gone = 0
  cross join loaded b
  where d.kind <> 'merge' and d.done_at < b.closes_at and d.done_at >= {{ add_seconds('b.closes_at', '-90 * 86400') }}
  group by d.repo_hk
),
dated as (
  select r.repo_hk, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, r.is_fork, r.is_archived, b.last_day, b.closes_at,
    coalesce(d.owner, t.slugs) as owner,
    case when d.owner is not null then 'repository_directory' when t.slugs is not null then 'admin_team' else 'none' end as owner_basis,
    d.tier, coalesce(d.exempt, false) as is_exempt, v.pushed_at, w.last_commit_at, w.last_conversation_at, l.last_release_at,
    case when k.releases = 1 then coalesce(l.releases_count, 0) end as releases_count,
    case when k.releases = 1 then coalesce(l.releases_in_90_days, 0) end as releases_in_90_days,
    case when k.releases = 1 then coalesce(l.releases_in_365_days, 0) end as releases_in_365_days,
    case when k.commits = 1 and k.repository_collaborators = 1 and y.observed_at is not null then coalesce(m.maintainers_active, 0) end
      as maintainers_active,
    s.license_spdx_id is not null and s.license_spdx_id <> 'NOASSERTION' as has_license,
    p.has_contributing_guidelines, s.is_security_policy_enabled as has_security_policy,
    s.code_of_conduct is not null as has_code_of_conduct,
    case when k.branch_rules = 1 and k.rulesets = 1 then coalesce(u.rules_count, 0) end as branch_rules_count,
    coalesce(z.data_state, 'missing') as data_state, z.observed_at, y.observed_at as conversation_observed_at
  from repositories r
  cross join loaded b
  left join {{ ref('sat_repo') }} s on s.repo_hk = r.repo_hk and s.load_end_date = {{ vault_far() }}
  left join {{ ref('sat_repo_policy') }} p on p.repo_hk = r.repo_hk and p.load_end_date = {{ vault_far() }}
  left join {{ ref('sat_repo_activity') }} v on v.repo_hk = r.repo_hk and v.load_end_date = {{ vault_far() }}
  left join directory d on d.repo_hk = r.repo_hk
  left join admin_teams t on t.repo_hk = r.repo_hk
  left join releases l on l.repo_hk = r.repo_hk
  left join rules u on u.repo_hk = r.repo_hk
  left join moved w on w.repo_hk = r.repo_hk
  left join maintainers m on m.repo_hk = r.repo_hk
  left join states z on z.scope = r.org_scope
  left join spoken_states y on y.scope = r.scope
  left join read_lists k on k.scope = r.scope
)
select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.is_fork, d.is_archived, d.owner, d.owner_basis, d.tier, d.is_exempt,
  d.pushed_at, {{ days_between('cast(d.pushed_at as date)', 'd.last_day') }} as days_since_push,
  d.last_commit_at, {{ days_between('cast(d.last_commit_at as date)', 'd.last_day') }} as days_since_commit, d.last_conversation_at,
  d.last_release_at, {{ days_between('cast(d.last_release_at as date)', 'd.last_day') }} as days_since_release,
  cast(d.releases_count as bigint) as releases_count, cast(d.releases_in_90_days as bigint) as releases_in_90_days,
  cast(d.releases_in_365_days as bigint) as releases_in_365_days,
  cast(d.maintainers_active as bigint) as maintainers_active, d.has_license, d.has_contributing_guidelines, d.has_security_policy,
  d.has_code_of_conduct, cast(d.branch_rules_count as bigint) as branch_rules_count,
  case when coalesce(d.is_archived, false) or d.is_exempt then false
    when d.pushed_at >= {{ add_seconds('d.closes_at', '-365 * 86400') }} then false
    when d.last_conversation_at >= {{ add_seconds('d.closes_at', '-180 * 86400') }} then false
    when d.pushed_at is null or d.conversation_observed_at is null then null
    else true end as is_archive_candidate,
  d.data_state, d.observed_at
from dated d
