with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
repositories as (
{{ repository_days() }}
),
ledger as (
{{ ledger_rows(['repositories']) }}
),
-- A version that begins on a day was seen on it, even where the rest of the list was not.
counted as (
  select r.day, r.repo_hk, r.org_hk, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, r.is_fork, r.is_archived,
    coalesce(l.state, 'missing') as data_state, l.fetched_at,
    case when l.is_observed = 1 or (l.state = 'partial' and c.load_date = r.load_date) then 1 else 0 end as is_seen,
    c.stargazers_count, c.forks_count, c.subscribers_count
  from repositories r
  left join ledger l on l.scope = r.org_scope and l.load_date = r.load_date
  left join {{ ref('sat_repo_counter') }} c on c.repo_hk = r.repo_hk and c.load_date <= r.load_date and r.load_date < c.load_end_date
),
seen as (
  select day, repo_id, org_id, org_login, full_name, visibility, is_fork, is_archived, repo_hk,
    case when is_seen = 1 then stargazers_count end as stargazers_count,
    case when is_seen = 1 then forks_count end as forks_count,
    case when is_seen = 1 then subscribers_count end as subscribers_count,
    case when is_seen = 1 then 'complete' else data_state end as data_state,
    case when is_seen = 1 then fetched_at end as observed_at,
    is_seen
  from counted
)
select s.repo_id, s.org_id, s.org_login, s.full_name, s.visibility, s.is_fork, s.is_archived, s.day,
  s.stargazers_count, s.forks_count, s.subscribers_count,
  s.stargazers_count - p.stargazers_count as stargazers_net,
  s.forks_count - p.forks_count as forks_net,
  s.subscribers_count - p.subscribers_count as subscribers_net,
  s.data_state, s.is_seen = 1 as is_final, s.observed_at
from seen s
left join seen p on p.repo_hk = s.repo_hk and p.day = {{ add_days('s.day', -1) }}
