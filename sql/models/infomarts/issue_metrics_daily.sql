with loaded as (
{{ loaded_days() }}
),
items as (
  select i.repo_id, i.number, i.author_kind, i.created_at as opened_at, i.closed_at, 0 as is_merged,
    case when not i.is_transferred then i.first_response_at end as first_response_at, i.due_at, i.response_seconds,
    i.response_business_seconds
  from {{ ref('issue_current') }} i
),
spoken as (
{{ spoken() }}
),
touches as (
  select h.repo_id, s.issue_number as number, s.actor_hk, s.done_at
  from spoken s
  join {{ ref('hub_repo') }} h on h.repo_hk = s.repo_hk
),
{{ item_days('issues', ['issue_comments', 'issue_events']) }}
select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.is_fork, d.day, d.opened, d.opened_by_community,
  d.opened_by_maintainers, d.opened_by_bots, d.opened_by_unknown, d.active, d.closed, d.open_at_close, d.open_over_30_days, d.open_over_90_days, d.open_over_365_days, d.closed_in_90_days, d.to_close_in_90_days,
  d.first_responses, d.response_seconds_median, d.response_seconds_p90, d.response_business_seconds_median, d.response_business_seconds_p90,
  d.due, d.due_met, d.data_state, d.is_final, d.observed_at
from item_days d
