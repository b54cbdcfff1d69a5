with loaded as (
{{ loaded_days() }}
),
cohorts as (
  select c.org_id, c.org_login, c.cohort_month, c.kind, count(*) as contributors,
    sum(case when c.first_conversation_at is null then 0 else 1 end) as conversed,
    sum(case when c.first_pull_request_at is null then 0 else 1 end) as opened_pull_request,
    sum(case when c.first_merge_at is null then 0 else 1 end) as merged,
    sum(case when c.merged_again_in_90_days then 1 else 0 end) as merged_again,
    sum(case when c.first_review_at is null then 0 else 1 end) as reviewed,
    sum(case when c.is_inactive then 1 else 0 end) as inactive,
    max(c.first_merge_at) as last_first_merge_at, min(case when c.is_history_complete then 1 else 0 end) as is_history_complete
  from {{ ref('contributors') }} c
  group by c.org_id, c.org_login, c.cohort_month, c.kind
)
select c.org_id, c.org_login, c.cohort_month, c.kind, c.contributors, cast(c.conversed as bigint) as conversed,
  cast(c.opened_pull_request as bigint) as opened_pull_request, cast(c.merged as bigint) as merged,
  cast(c.merged_again as bigint) as merged_again_in_90_days, cast(c.reviewed as bigint) as reviewed, cast(c.inactive as bigint) as inactive,
  coalesce({{ add_seconds('c.last_first_merge_at', '90 * 86400') }} < b.closes_at, true) as is_final,
  c.is_history_complete = 1 as is_history_complete
from cohorts c
cross join loaded b
