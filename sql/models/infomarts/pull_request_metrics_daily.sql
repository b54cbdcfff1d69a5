with loaded as (
{{ loaded_days() }}
),
items as (
  select p.repo_id, p.number, p.author_kind, p.created_at as opened_at, p.closed_at, case when p.merged_at is null then 0 else 1 end as is_merged,
    p.first_response_at, p.due_at, p.response_seconds, p.response_business_seconds
  from {{ ref('pull_request_attention') }} p
),
spoken as (
{{ spoken() }}
),
touches as (
  select h.repo_id, s.issue_number as number, s.actor_hk, s.done_at
  from spoken s
  join {{ ref('hub_repo') }} h on h.repo_hk = s.repo_hk
  union all
  select p.repo_id, p.number, l.reviewer_hk as actor_hk, s.submitted_at as done_at
  from {{ ref('link_pull_request_review') }} l
  join {{ ref('sat_pull_request_review') }} s on s.link_pull_request_review_hk = l.link_pull_request_review_hk
    and s.load_end_date = {{ vault_far() }}
  join {{ ref('hub_pull_request') }} h on h.pull_request_hk = l.pull_request_hk
  join {{ ref('pull_request_attention') }} p on p.pull_request_id = h.pull_request_id
  where s.submitted_at is not null
),
{{ item_days('pull_requests', ['pull_request_reviews', 'issue_comments', 'issue_events']) }}
select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.is_fork, d.day, d.opened, d.opened_by_community,
  d.opened_by_maintainers, d.opened_by_bots, d.opened_by_unknown, d.active, d.merged,
  d.closed - d.merged as closed_unmerged, d.open_at_close, d.open_over_30_days, d.open_over_90_days, d.open_over_365_days,
  d.closed_in_90_days, d.to_close_in_90_days,
  case when d.to_close_in_90_days > 0 then {{ ratio('d.closed_in_90_days', 'd.to_close_in_90_days') }} end
    as change_request_closure_ratio,
  d.first_responses, d.response_seconds_median, d.response_seconds_p90, d.response_business_seconds_median, d.response_business_seconds_p90,
  d.due, d.due_met, d.data_state, d.is_final, d.observed_at
from item_days d
