with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
states as (
{{ state_now(['pull_requests', 'pull_request_reviews', 'issue_comments', 'issue_events']) }}
),
accounts as (
{{ accounts() }}
),
membership as (
{{ membership() }}
),
write_access as (
{{ write_access() }}
),
items as (
  select l.pull_request_hk as item_hk, l.repo_hk, h.pull_request_id, w.author_hk, p.number, t.title, p.state, p.is_draft,
    p.review_decision, p.additions, p.deletions, p.last_commit_at, p.created_at, p.updated_at, p.closed_at, p.merged_at,
    case when p.state = 'open' and not coalesce(p.is_draft, false) then 1 else 0 end as is_waiting
  from {{ ref('link_repo_pull_request') }} l
  join repositories r on r.repo_hk = l.repo_hk
  join {{ ref('hub_pull_request') }} h on h.pull_request_hk = l.pull_request_hk
  join {{ ref('sat_pull_request') }} p on p.pull_request_hk = l.pull_request_hk and p.load_end_date = {{ vault_far() }}
  left join {{ ref('sat_pull_request_text') }} t on t.pull_request_hk = l.pull_request_hk and t.load_end_date = {{ vault_far() }}
  left join (
{{ first_author('link_pull_request_author', 'pull_request_hk') }}
  ) as w on w.pull_request_hk = l.pull_request_hk
),
authors as (
{{ author_kinds() }}
),
spoken as (
{{ spoken() }}
),
deeds as (
  select i.item_hk, i.repo_hk, i.author_hk, s.actor_hk, s.done_at, s.kind, s.detail
  from items i
  join spoken s on s.repo_hk = i.repo_hk and s.issue_number = i.number
  union all
  select i.item_hk, i.repo_hk, i.author_hk, l.reviewer_hk as actor_hk, s.submitted_at as done_at, cast('review' as varchar(40)) as kind, s.state as detail
  from items i
  join {{ ref('link_pull_request_review') }} l on l.pull_request_hk = i.item_hk
  join {{ ref('sat_pull_request_review') }} s on s.link_pull_request_review_hk = l.link_pull_request_review_hk
    and s.load_end_date = {{ vault_far() }}
  where s.submitted_at is not null
  union all
  select i.item_hk, i.repo_hk, i.author_hk, m.merged_by_hk as actor_hk, i.merged_at as done_at, cast('merged' as varchar(40)) as kind, cast(null as varchar(64)) as detail
  from items i
  join {{ ref('link_pull_request_merged_by') }} m on m.pull_request_hk = i.item_hk
  where i.merged_at is not null
),
judged as (
{{ judged_deeds() }}
),
-- Whoever opened it as a draft has a first event that makes it ready; without any event today's flag tells.
switches as (
  select d.item_hk, d.done_at, d.kind, row_number() over (partition by d.item_hk order by d.done_at, d.kind) as position
  from judged d
  where d.kind in ('ready', 'draft')
),
points as (
  select i.item_hk, i.created_at as done_at,
    case when s.kind = 'ready' or (s.kind is null and i.is_draft) then 'draft' else 'ready' end as kind
  from items i
  left join switches s on s.item_hk = i.item_hk and s.position = 1
  union all
  select s.item_hk, s.done_at, s.kind
  from switches s
),
stretches as (
  select p.item_hk, p.done_at, p.kind, lead(p.done_at) over (partition by p.item_hk order by p.done_at, p.kind) as ends_at
  from points p
),
ready as (
  select s.item_hk, min(s.done_at) as ready_at, max(s.done_at) as last_ready_at
  from stretches s
  where s.kind = 'ready'
  group by s.item_hk
),
-- The promise runs on the business clock, and only while the pull request is ready.
running as (
  select s.item_hk, s.done_at, {{ business_seconds('s.done_at') }} as starts,
    case when s.ends_at is not null then {{ business_seconds('s.ends_at') }} - {{ business_seconds('s.done_at') }} end as lasts
  from stretches s
  where s.kind = 'ready'
),
elapsed as (
  select r.item_hk, r.done_at, r.starts, r.lasts,
    coalesce(sum(r.lasts) over (partition by r.item_hk order by r.done_at rows between unbounded preceding and 1 preceding), 0) as before
  from running r
),
promised as (
  select e.item_hk, min({{ business_moment('e.starts + ' ~ (response_days() * 86400) ~ ' - cast(e.before as bigint)') }}) as due_at
  from elapsed e
  where e.before < {{ response_days() * 86400 }} and (e.lasts is null or e.before + e.lasts >= {{ response_days() * 86400 }})
  group by e.item_hk
),
answered as (
  select d.item_hk, min(d.done_at) as first_response_at,
    min(case when d.is_maintainer = 1 then d.done_at end) as first_maintainer_response_at
  from judged d
  join ready r on r.item_hk = d.item_hk
  where d.is_author = 0 and d.is_human = 1 and d.kind in ('comment', 'review', 'closed', 'merged') and d.done_at >= r.ready_at
  group by d.item_hk
),
-- How long it was ready before somebody answered.
took as (
  select k.item_hk, cast(sum({{ seconds_between('k.done_at', 'k.ends_at') }}) as bigint) as response_seconds,
    cast(sum({{ business_seconds('k.ends_at') }} - {{ business_seconds('k.done_at') }}) as bigint) as response_business_seconds
  from (
    select s.item_hk, s.done_at, case when s.ends_at < n.first_response_at then s.ends_at else n.first_response_at end as ends_at
    from stretches s
    join answered n on n.item_hk = s.item_hk
    where s.kind = 'ready' and s.done_at <= n.first_response_at
  ) as k
  group by k.item_hk
),
-- A reviewer's newest verdict counts; a comment takes none back.
verdicts as (
  select v.item_hk, max(case when v.detail = 'APPROVED' then v.done_at end) as approved_by_anyone_at,
    max(case when v.detail = 'APPROVED' and v.is_maintainer = 1 then v.done_at end) as approved_at,
    max(case when v.detail = 'CHANGES_REQUESTED' and v.is_maintainer = 1 then v.done_at end) as changes_requested_at
  from (
    select d.item_hk, d.actor_hk, d.done_at, d.detail, d.is_maintainer,
      row_number() over (partition by d.item_hk, d.actor_hk order by d.done_at desc, d.detail) as choice
    from judged d
    where d.kind = 'review' and d.is_author = 0
      and d.detail in ('APPROVED', 'CHANGES_REQUESTED', 'DISMISSED')
  ) as v
  where v.choice = 1
  group by v.item_hk
),
asked as (
  select d.item_hk, {{ text_list('d.reviewer') }} as awaited_reviewers
  from (
    select l.pull_request_hk as item_hk, coalesce(p.login, 'unknown') as reviewer
    from {{ ref('eff_sat_pull_request_reviewer') }} e
    join {{ ref('link_pull_request_reviewer') }} l on l.link_pull_request_reviewer_hk = e.link_pull_request_reviewer_hk
    left join {{ ref('sat_user_pii') }} p on p.user_hk = l.reviewer_hk and p.load_end_date = {{ vault_far() }}
    where e.is_active and e.load_end_date = {{ vault_far() }}
    union
    select l.pull_request_hk as item_hk, coalesce(t.slug, 'unknown team') as reviewer
    from {{ ref('eff_sat_pull_request_team') }} e
    join {{ ref('link_pull_request_team') }} l on l.link_pull_request_team_hk = e.link_pull_request_team_hk
    left join {{ ref('sat_team') }} t on t.team_hk = l.team_hk and t.load_end_date = {{ vault_far() }}
    where e.is_active and e.load_end_date = {{ vault_far() }}
  ) as d
  group by d.item_hk
),
-- Every deed by which the ball changes sides; a push is the author's answer in code.
ours as (
  select d.item_hk, d.done_at
  from judged d
  where d.is_maintainer = 1 and d.is_author = 0 and d.kind in ('comment', 'review')
),
theirs as (
  select d.item_hk, d.done_at
  from judged d
  where d.is_author = 1 and d.kind in ('comment', 'review', 'review_requested', 'reopened', 'ready')
  union all
  select r.item_hk, r.ready_at as done_at
  from ready r
  union all
  select i.item_hk, i.last_commit_at as done_at
  from items i
  where i.last_commit_at > i.created_at
),
our_last as (
  select o.item_hk, max(o.done_at) as done_at from ours o group by o.item_hk
),
their_last as (
  select t.item_hk, max(t.done_at) as done_at from theirs t group by t.item_hk
),
unanswered as (
  select t.item_hk, min(t.done_at) as since
  from theirs t
  left join our_last o on o.item_hk = t.item_hk
  where o.done_at is null or t.done_at > o.done_at
  group by t.item_hk
),
handed_back as (
  select o.item_hk, min(o.done_at) as since
  from ours o
  left join their_last t on t.item_hk = o.item_hk
  where t.done_at is null or o.done_at > t.done_at
  group by o.item_hk
),
turns as (
  select i.item_hk, r.last_ready_at,
    case when i.is_waiting = 0 then null
      when i.review_decision = 'APPROVED' or (i.review_decision is null and v.approved_at is not null and v.changes_requested_at is null)
        then 'merge'
      when u.since is null then 'author'
      when a.item_hk is not null then 'reviewer'
      else 'maintainer' end as waiting_for,
    -- GitHub counted an approval of somebody whom our lists never held: older than they are.
    coalesce(v.approved_at, v.approved_by_anyone_at) as approved_at, u.since as unanswered_since, b.since as handed_back_since
  from items i
  left join ready r on r.item_hk = i.item_hk
  left join verdicts v on v.item_hk = i.item_hk
  left join unanswered u on u.item_hk = i.item_hk
  left join handed_back b on b.item_hk = i.item_hk
  left join asked a on a.item_hk = i.item_hk
),
waits as (
  select s.item_hk, s.waiting_for, case when s.since < s.last_ready_at then s.last_ready_at else s.since end as waiting_since
  from (
    select t.item_hk, t.waiting_for, t.last_ready_at,
      case t.waiting_for when 'merge' then t.approved_at when 'author' then t.handed_back_since
        when 'reviewer' then t.unanswered_since when 'maintainer' then t.unanswered_since end as since
    from turns t
  ) as s
),
-- A promise lapses when the pull request ends unanswered before it is due.
decided as (
  select i.item_hk, n.first_response_at, n.first_maintainer_response_at,
    case when n.first_response_at is null and i.closed_at is not null and i.closed_at <= p.due_at then null else p.due_at end as due_at
  from items i
  left join promised p on p.item_hk = i.item_hk
  left join answered n on n.item_hk = i.item_hk
)
select i.pull_request_id, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, i.number, i.title, i.state, i.is_draft,
  a.author_id, a.author_login, a.author_kind, i.additions, i.deletions, i.created_at, y.ready_at, i.updated_at, i.closed_at, i.merged_at,
  d.first_response_at, d.first_maintainer_response_at, q.response_seconds, q.response_business_seconds, d.due_at,
  case when d.due_at is not null then coalesce(d.first_response_at, i.closed_at, b.closes_at) > d.due_at end as breached,
  w.waiting_for, w.waiting_since,
  case when w.waiting_for = 'reviewer' then k.awaited_reviewers end as awaited_reviewers,
  case when w.waiting_for in ('maintainer', 'reviewer') then {{ business_due('w.waiting_since', response_days()) }} end as waiting_due_at,
  case when w.waiting_for in ('maintainer', 'reviewer')
    then b.closes_at > {{ business_due('w.waiting_since', response_days()) }} end as is_overdue,
  {{ days_between('cast(w.waiting_since as date)', 'b.last_day') }} as waiting_days,
  case when i.state = 'open' then {{ days_between('cast(i.created_at as date)', 'b.last_day') }} end as open_days,
  coalesce(s.data_state, 'missing') as data_state, s.observed_at
from items i
join repositories r on r.repo_hk = i.repo_hk
join authors a on a.item_hk = i.item_hk
join decided d on d.item_hk = i.item_hk
join waits w on w.item_hk = i.item_hk
cross join loaded b
left join ready y on y.item_hk = i.item_hk
left join took q on q.item_hk = i.item_hk
left join asked k on k.item_hk = i.item_hk
left join states s on s.scope = r.scope
