{#- What the fetch ledger says of a dataset, a scope and a day, in the words the marts use. -#}

{#- The ledger's name of a scope: host/kind/numeric id. -#}
{% macro scope_of(host, kind, id) %}{{ return(host ~ " || '/" ~ kind ~ "/' || cast(" ~ id ~ ' as varchar(20))') }}{% endmacro %}


{#-
  (dataset, scope, load_date, state, coverage, is_observed, fetched_at) of these datasets. is_observed is 1 where the whole
  list was seen, so that what it lacks was not there; the ledger has one row per dataset, scope and day.
-#}
{% macro ledger_rows(datasets) %}
select l.dataset, l.scope, l.load_date, l.state, l.coverage, l.fetched_at,
  case when l.state = 'complete' and l.coverage in ('full', 'empty') then 1 else 0 end as is_observed
from {{ vault_source('fetch_ledger') }} l
where l.dataset in ('{{ datasets | join("', '") }}')
{% endmacro %}


{#-
  One row per scope: what the last loaded day says of all these datasets together (complete where each is, the one state
  where they agree, else partial; missing where nothing was planned) and until when all of them were last whole.
-#}
{% macro state_now(datasets) %}
select s.scope,
  case when s.complete_now = {{ datasets | length }} then 'complete'
    when s.planned_now = {{ datasets | length }} and s.first_state = s.last_state then s.last_state
    when s.planned_now = 0 then 'missing'
    else 'partial' end as data_state,
  case when s.ever_complete = {{ datasets | length }} then s.observed_at end as observed_at
from (
  select d.scope, sum(d.complete_now) as complete_now, sum(d.planned_now) as planned_now, min(d.state_now) as first_state,
    max(d.state_now) as last_state, sum(case when d.observed_at is null then 0 else 1 end) as ever_complete,
    min(d.observed_at) as observed_at
  from (
    select l.dataset, l.scope,
      max(case when l.state = 'complete' then l.fetched_at end) as observed_at,
      max(case when l.load_date = b.last_load_date and l.state = 'complete' then 1 else 0 end) as complete_now,
      max(case when l.load_date = b.last_load_date then 1 else 0 end) as planned_now,
      max(case when l.load_date = b.last_load_date then l.state end) as state_now
    from {{ vault_source('fetch_ledger') }} l
    cross join loaded b
    where l.dataset in ('{{ datasets | join("', '") }}')
    group by l.dataset, l.scope
  ) as d
  group by d.scope
) as s
{% endmacro %}


{#- Which datasets GitHub can still answer for an older day, and how (design: datasets and days); all others are snapshots. -#}
{% macro addressable_datasets() %}
{{ return({
  'window': ['traffic_views', 'traffic_clones'],
  'since': [
    'dependabot_alerts', 'code_scanning_alerts', 'secret_scanning_alerts', 'repository_advisories', 'issues',
    'issue_comments', 'issue_events', 'pull_requests', 'pull_request_reviews', 'pull_request_commits', 'commits',
  ],
  'history': [
    'releases', 'star_history', 'statistics_contributors', 'statistics_commit_activity', 'statistics_code_frequency',
  ],
  'feed': ['events'],
}) }}
{% endmacro %}


{#- The first moment at which a day of a dataset can no longer be fetched; NULL where it always can. -#}
{% macro recoverable_until(dataset, day) %}
{%- set known = addressable_datasets() -%}
{%- set open = known['since'] + known['history'] -%}
case
  when {{ dataset }} in ('{{ known['window'] | join("', '") }}') then cast({{ add_days(day, 13) }} as timestamp)
  when {{ dataset }} in ('{{ open | join("', '") }}') then cast(null as timestamp)
  {%- if known['feed'] %}
  when {{ dataset }} in ('{{ known['feed'] | join("', '") }}') then cast({{ add_days(day, 30) }} as timestamp)
  {%- endif %}
  else cast({{ add_days(day, 2) }} as timestamp)
end
{% endmacro %}
