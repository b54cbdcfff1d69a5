with loaded as (
{{ loaded_days() }}
),
items as (
  select p.repo_id, p.author_kind, p.created_at as opened_at, p.ready_at as began_at, p.closed_at,
    case when p.merged_at is null then 0 else 1 end as is_merged, p.first_response_at, p.due_at
  from {{ ref('pull_request_attention') }} p
),
{{ item_days('pull_requests', ['pull_request_reviews', 'issue_comments', 'issue_events']) }}
select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.is_fork, d.day, d.opened, d.opened_by_community, d.merged,
  d.closed - d.merged as closed_unmerged, d.open_at_close, d.open_over_30_days, d.open_over_90_days, d.open_over_365_days,
  d.closed_in_90_days, d.to_close_in_90_days,
  case when d.to_close_in_90_days > 0 then {{ ratio('d.closed_in_90_days', 'd.to_close_in_90_days') }} end
    as change_request_closure_ratio,
  d.first_responses, d.response_seconds_median, d.response_seconds_p90, d.due, d.due_met, d.data_state, d.is_final, d.observed_at
from item_days d
