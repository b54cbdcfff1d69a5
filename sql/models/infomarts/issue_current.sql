with loaded as (
{{ loaded_days() }}
),
repositories as (
{{ repositories_now() }}
),
states as (
{{ state_now(['issues', 'issue_comments', 'issue_events']) }}
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
  select l.issue_hk as item_hk, l.repo_hk, h.issue_id, w.author_hk, s.number, t.title, s.state, s.state_reason, s.issue_type,
    s.comments_count, s.reactions_count, s.created_at, s.updated_at, s.closed_at
  from (
    select k.issue_hk, k.repo_hk, row_number() over (partition by k.issue_hk order by k.load_date desc, k.repo_hk) as choice
    from {{ ref('link_repo_issue') }} k
  ) as l
  join repositories r on r.repo_hk = l.repo_hk
  join {{ ref('hub_issue') }} h on h.issue_hk = l.issue_hk
  join {{ ref('sat_issue') }} s on s.issue_hk = l.issue_hk and s.load_end_date = {{ vault_far() }}
  left join {{ ref('sat_issue_text') }} t on t.issue_hk = l.issue_hk and t.load_end_date = {{ vault_far() }}
  left join (
{{ first_author('link_issue_author', 'issue_hk') }}
  ) as w on w.issue_hk = l.issue_hk
  where l.choice = 1 and not s.is_pull_request
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
),
judged as (
{{ judged_deeds() }}
),
transferred as (
  select e.repo_hk, e.issue_number
  from {{ ref('nh_link_issue_event') }} e
  where e.event = 'transferred'
  group by e.repo_hk, e.issue_number
),
answered as (
  select d.item_hk, min(d.done_at) as first_response_at,
    min(case when d.is_maintainer = 1 then d.done_at end) as first_maintainer_response_at
  from judged d
  where d.is_author = 0 and d.is_human = 1 and d.kind in ('comment', 'closed')
  group by d.item_hk
),
ours as (
  select d.item_hk, d.done_at
  from judged d
  where d.is_maintainer = 1 and d.is_author = 0 and d.kind = 'comment'
),
theirs as (
  select i.item_hk, i.created_at as done_at
  from items i
  union all
  select d.item_hk, d.done_at
  from judged d
  where (d.is_author = 1 and d.kind in ('comment', 'reopened'))
    or (d.is_author = 0 and d.is_maintainer = 0 and d.is_human = 1 and d.kind = 'comment')
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
  join their_last t on t.item_hk = o.item_hk
  where o.done_at > t.done_at
  group by o.item_hk
),
assigned as (
  select d.item_hk, {{ text_list('d.assignee') }} as assignees
  from (
    select l.issue_hk as item_hk, coalesce(p.login, 'unknown') as assignee
    from {{ ref('eff_sat_issue_assignee') }} e
    join {{ ref('link_issue_assignee') }} l on l.link_issue_assignee_hk = e.link_issue_assignee_hk
    left join {{ ref('sat_user_pii') }} p on p.user_hk = l.assignee_hk and p.load_end_date = {{ vault_far() }}
    where e.is_active and e.load_end_date = {{ vault_far() }}
  ) as d
  group by d.item_hk
),
promised as (
  select i.item_hk, n.first_response_at, n.first_maintainer_response_at,
    case when t.issue_number is not null then null
      when n.first_response_at is null and i.closed_at is not null and i.closed_at <= {{ business_due('i.created_at', response_days()) }}
        then null
      else {{ business_due('i.created_at', response_days()) }} end as due_at,
    case when t.issue_number is not null then 1 else 0 end as is_transferred
  from items i
  left join answered n on n.item_hk = i.item_hk
  left join transferred t on t.repo_hk = i.repo_hk and t.issue_number = i.number
)
select i.issue_id, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, i.number, i.title, i.state, i.state_reason, i.issue_type,
  a.author_id, a.author_login, a.author_kind, g.assignees, i.comments_count, i.reactions_count, i.created_at, i.updated_at, i.closed_at,
  p.is_transferred = 1 as is_transferred, p.first_response_at, p.first_maintainer_response_at,
  case when p.is_transferred = 0 then {{ seconds_between('i.created_at', 'p.first_response_at') }} end as response_seconds,
  case when p.is_transferred = 0 then {{ business_seconds('p.first_response_at') }} - {{ business_seconds('i.created_at') }} end
    as response_business_seconds,
  p.due_at,
  case when p.due_at is not null then coalesce(p.first_response_at, i.closed_at, b.closes_at) > p.due_at end as breached,
  case when i.state = 'open' then case when u.since is not null then 'maintainer' else 'author' end end as waiting_for,
  case when i.state = 'open' then coalesce(u.since, k.since) end as waiting_since,
  case when i.state = 'open' then {{ days_between('cast(i.created_at as date)', 'b.last_day') }} end as open_days,
  coalesce(s.data_state, 'missing') as data_state, s.observed_at
from items i
join repositories r on r.repo_hk = i.repo_hk
join authors a on a.item_hk = i.item_hk
join promised p on p.item_hk = i.item_hk
cross join loaded b
left join unanswered u on u.item_hk = i.item_hk
left join handed_back k on k.item_hk = i.item_hk
left join assigned g on g.item_hk = i.item_hk
left join states s on s.scope = r.scope
