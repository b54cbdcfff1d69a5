{#-
  What was seen to be done: `deeds` (repo_hk, actor_hk, kind, done_at) as a common table expression, with `merges` before it.
  kind: conversation, pull_request, merge (by its author), review, commit, or triage (closed, merged or reopened something).
  Who did it is NULL where GitHub names nobody. Neither clones nor logins are seen.
-#}
{% macro deeds_of_people() %}
merges as (
  select l.repo_hk, a.author_hk as actor_hk, s.created_at, s.merged_at
  from {{ ref('link_repo_pull_request') }} l
  join {{ ref('sat_pull_request') }} s on s.pull_request_hk = l.pull_request_hk and s.load_end_date = {{ vault_far() }}
  left join (
{{ first_author('link_pull_request_author', 'pull_request_hk') }}
  ) as a on a.pull_request_hk = l.pull_request_hk
),
deeds as (
  select l.repo_hk, a.author_hk as actor_hk, cast('conversation' as varchar(40)) as kind, s.created_at as done_at
  from {{ ref('link_repo_issue') }} l
  join {{ ref('sat_issue') }} s on s.issue_hk = l.issue_hk and s.load_end_date = {{ vault_far() }} and not s.is_pull_request
  left join (
{{ first_author('link_issue_author', 'issue_hk') }}
  ) as a on a.issue_hk = l.issue_hk
  union all
  select c.repo_hk, c.author_hk, cast('conversation' as varchar(40)) as kind, c.created_at
  from {{ ref('nh_link_issue_comment') }} c
  union all
  select m.repo_hk, m.actor_hk, cast('pull_request' as varchar(40)) as kind, m.created_at
  from merges m
  union all
  select m.repo_hk, m.actor_hk, cast('merge' as varchar(40)) as kind, m.merged_at
  from merges m
  where m.merged_at is not null
  union all
  select p.repo_hk, l.reviewer_hk, cast('review' as varchar(40)) as kind, s.submitted_at
  from {{ ref('link_pull_request_review') }} l
  join {{ ref('sat_pull_request_review') }} s on s.link_pull_request_review_hk = l.link_pull_request_review_hk
    and s.load_end_date = {{ vault_far() }}
  join {{ ref('link_repo_pull_request') }} p on p.pull_request_hk = l.pull_request_hk
  where s.submitted_at is not null
  union all
  select l.repo_hk, a.author_hk, cast('commit' as varchar(40)) as kind, s.committed_at
  from {{ ref('link_repo_commit') }} l
  left join {{ ref('link_commit_author') }} a on a.commit_hk = l.commit_hk
  join {{ ref('sat_commit') }} s on s.commit_hk = l.commit_hk and s.load_end_date = {{ vault_far() }}
  union all
  select e.repo_hk, e.actor_hk, cast('triage' as varchar(40)) as kind, e.created_at
  from {{ ref('nh_link_issue_event') }} e
  where e.event in ('closed', 'merged', 'reopened')
)
{% endmacro %}
