{%- set read_from = ['issues', 'issue_comments', 'pull_requests', 'pull_request_reviews', 'commits'] -%}
-- What each person did first, over all repositories of an organisation but our own forks. Listed for action, never ranked.
with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
accounts as (
{{ accounts() }}
),
{{ deeds_of_people() }},
ours as (
  select r.org_hk, r.org_id, r.org_login, d.repo_hk, d.actor_hk, d.kind, d.done_at,
    row_number() over (partition by r.org_hk, d.actor_hk, d.kind order by d.done_at) as turn
  from deeds d
  join repositories r on r.repo_hk = d.repo_hk and not coalesce(r.is_fork, false)
  cross join loaded b
  where d.done_at < b.closes_at and d.actor_hk is not null
),
-- First seen is first done only where everything was read: a list that never came whole may hold an earlier deed.
histories as (
  select r.org_hk, min(case when w.datasets = {{ read_from | length }} then 1 else 0 end) as is_complete
  from repositories r
  left join (
    select l.scope, count(distinct l.dataset) as datasets
    from {{ vault_source('fetch_ledger') }} l
    where l.dataset in ('{{ read_from | join("', '") }}') and l.state in ('complete', 'disabled')
    group by l.scope
  ) as w on w.scope = r.scope
  where not coalesce(r.is_fork, false)
  group by r.org_hk
),
people as (
  select o.org_hk, o.org_id, o.org_login, o.actor_hk,
    min(case when o.kind <> 'triage' then o.done_at end) as first_seen_at,
    -- Somebody else merges, often long after the author's last word.
    max(case when o.kind <> 'merge' then o.done_at end) as last_seen_at,
    count(distinct case when o.kind <> 'triage' then o.repo_hk end) as repositories_count,
    min(case when o.kind = 'conversation' then o.done_at end) as first_conversation_at,
    min(case when o.kind = 'pull_request' then o.done_at end) as first_pull_request_at,
    min(case when o.kind = 'merge' then o.done_at end) as first_merge_at,
    min(case when o.kind = 'merge' and o.turn = 2 then o.done_at end) as second_merge_at,
    min(case when o.kind = 'review' then o.done_at end) as first_review_at,
    sum(case when o.kind = 'merge' then 1 else 0 end) as merges_count
  from ours o
  group by o.org_hk, o.org_id, o.org_login, o.actor_hk
  having min(case when o.kind <> 'triage' then o.done_at end) is not null
),
-- As of the day of the first deed; before our own history begins, as of its first day.
kinds as (
  select k.org_id, k.actor_hk, k.kind
  from (
    select p.org_id, p.actor_hk, b.kind,
      row_number() over (
        partition by p.org_id, p.actor_hk
        order by case when b.load_date <= p.first_seen_at then 0 else 1 end,
          case when b.load_date <= p.first_seen_at then b.load_date end desc, b.load_date
      ) as choice
    from people p
    join {{ ref('bsat_user_affiliation') }} b on b.user_hk = p.actor_hk
  ) as k
  where k.choice = 1
)
select p.org_id, p.org_login, a.user_id, a.login, coalesce(k.kind, 'unknown') as kind,
  cast(date_trunc('month', p.first_seen_at) as date) as cohort_month, p.first_seen_at, p.first_conversation_at, p.first_pull_request_at,
  p.first_merge_at, p.second_merge_at, p.first_review_at, p.last_seen_at,
  p.last_seen_at < {{ add_seconds('b.closes_at', '-180 * 86400') }} as is_inactive,
  p.repositories_count, cast(p.merges_count as bigint) as merges_count,
  coalesce(p.second_merge_at <= {{ add_seconds('p.first_merge_at', '90 * 86400') }}, false) as merged_again_in_90_days,
  y.is_complete = 1 as is_history_complete
from people p
join accounts a on a.user_hk = p.actor_hk
join histories y on y.org_hk = p.org_hk
cross join loaded b
left join kinds k on k.org_id = p.org_id and k.actor_hk = p.actor_hk
where a.is_bot = 0 and a.is_gone = 0 and coalesce(k.kind, 'unknown') <> 'bot'
