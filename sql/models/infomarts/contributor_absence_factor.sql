-- CHAOSS: the fewest people who made at least half of the commits. Squashed merges, shared addresses and co-authors blur it.
with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
states as (
{{ state_now(['commits']) }}
),
accounts as (
{{ accounts() }}
),
authored as (
  select l.repo_hk, l.commit_hk, min(case when coalesce(w.is_gone, 0) = 0 then {{ vault_hash_hex('a.author_hk') }} end) as author,
    min(s.author_email_md5) as author_email_md5,
    max(coalesce(w.is_bot, 0)) as is_bot
  from {{ ref('link_repo_commit') }} l
  join {{ ref('sat_commit') }} s on s.commit_hk = l.commit_hk and s.load_end_date = {{ vault_far() }}
  left join {{ ref('link_commit_author') }} a on a.commit_hk = l.commit_hk
  left join accounts w on w.user_hk = a.author_hk
  cross join loaded b
  where s.committed_at < b.closes_at and s.committed_at >= {{ add_seconds('b.closes_at', '-365 * 86400') }}
  group by l.repo_hk, l.commit_hk
),
-- A commit that GitHub ties to no account, or to a deleted one, belongs to the address it was made with; where there is
-- none nobody can tell whose it is, so each is somebody else's.
counted as (
  select c.repo_hk, c.author, count(*) as commits
  from (
    select a.repo_hk, coalesce(a.author, a.author_email_md5, {{ vault_hash_hex('a.commit_hk') }}) as author
    from authored a
    where a.is_bot = 0
  ) as c
  group by c.repo_hk, c.author
),
ranked as (
  select c.repo_hk, c.commits, sum(c.commits) over (partition by c.repo_hk) as all_commits,
    row_number() over (partition by c.repo_hk order by c.commits desc, c.author) as place,
    sum(c.commits) over (partition by c.repo_hk order by c.commits desc, c.author rows unbounded preceding) as commits_so_far
  from counted c
),
factors as (
  select r.repo_hk, max(r.all_commits) as commits_count, count(*) as authors_count,
    min(case when 2 * r.commits_so_far >= r.all_commits then r.place end) as absence_factor
  from ranked r
  group by r.repo_hk
)
select r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, r.is_fork, r.is_archived,
  case when s.observed_at is not null then cast(coalesce(f.commits_count, 0) as bigint) end as commits_count,
  case when s.observed_at is not null then cast(coalesce(f.authors_count, 0) as bigint) end as authors_count,
  case when s.observed_at is not null and f.commits_count >= 10 then cast(f.absence_factor as bigint) end as absence_factor,
  coalesce(s.data_state, 'missing') as data_state, s.observed_at
from repositories r
left join factors f on f.repo_hk = r.repo_hk
left join states s on s.scope = r.scope
