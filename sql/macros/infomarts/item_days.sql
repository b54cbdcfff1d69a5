{#-
  Issues or pull requests as numbers per repository and day. A mart gives `loaded` and `items` (repo_id, author_kind,
  opened_at, began_at, closed_at, is_merged, first_response_at, due_at: began_at is when the wait for an answer began) and
  ends with `item_days`. All comes from the items' own times, so a past day stays what it was, but for what is reopened.
-#}

{#- (repo_id, day) with what happened and what stood open; the 90 days before the first loaded one are there to look back. -#}
{% macro item_days(counted, spoken) %}
{%- set ages = [30, 90, 365] -%}
{%- set counts = ['opened', 'opened_by_community', 'closed', 'merged', 'first_responses', 'due', 'due_met'] -%}
calendar as (
{{ calendar(add_days('b.first_day', -90)) }}
),
repositories as (
{{ repository_days() }}
),
dated as (
  select i.repo_id, i.author_kind, i.is_merged, i.first_response_at, i.due_at, cast(i.opened_at as date) as opened_on,
    cast(i.closed_at as date) as closed_on, cast(i.first_response_at as date) as responded_on, cast(i.due_at as date) as due_on,
    {{ seconds_between('i.began_at', 'i.first_response_at') }} as response_seconds
  from items i
  cross join loaded b
  where i.opened_at < b.closes_at
),
moves as (
  select d.repo_id, d.opened_on as day, 1 as opened, case when d.author_kind = 'community' then 1 else 0 end as opened_by_community,
    0 as closed, 0 as merged, 0 as first_responses, 0 as due, 0 as due_met{% for age in ages %}, 0 as over_{{ age }}{% endfor %}
  from dated d
  union all
  select d.repo_id, d.closed_on, 0, 0, 1, d.is_merged, 0, 0, 0{% for age in ages %}, 0{% endfor %}
  from dated d
  where d.closed_on is not null
  union all
  select d.repo_id, d.responded_on, 0, 0, 0, 0, 1, 0, 0{% for age in ages %}, 0{% endfor %}
  from dated d
  where d.responded_on is not null
  union all
  select d.repo_id, d.due_on, 0, 0, 0, 0, 0, 1, case when d.first_response_at <= d.due_at then 1 else 0 end{% for age in ages %}, 0{% endfor %}
  from dated d
  where d.due_on is not null
  {%- for age in ages %}
  union all
  select d.repo_id, {{ add_days('d.opened_on', age + 1) }}, 0, 0, 0, 0, 0, 0, 0{% for other in ages %}, {{ 1 if other == age else 0 }}{% endfor %}
  from dated d
  where d.closed_on is null or d.closed_on >= {{ add_days('d.opened_on', age + 1) }}
  union all
  select d.repo_id, d.closed_on, 0, 0, 0, 0, 0, 0, 0{% for other in ages %}, {{ -1 if other == age else 0 }}{% endfor %}
  from dated d
  where d.closed_on >= {{ add_days('d.opened_on', age + 1) }}
  {%- endfor %}
),
-- What happened before the first day of the grid counts on it: only sums reach so far back.
moved as (
  select m.repo_id, case when m.day < g.first_day then g.first_day else m.day end as day
    {%- for column in counts %}, sum(m.{{ column }}) as {{ column }}{% endfor %}
    {%- for age in ages %}, sum(m.over_{{ age }}) as over_{{ age }}{% endfor %}
  from moves m
  cross join (select min(c.day) as first_day from calendar c) as g
  group by m.repo_id, case when m.day < g.first_day then g.first_day else m.day end
),
grid as (
  select r.repo_id, c.day
    {%- for column in counts %}, coalesce(m.{{ column }}, 0) as {{ column }}{% endfor %},
    sum(coalesce(m.opened, 0)) over (partition by r.repo_id order by c.day rows unbounded preceding) as ever_opened,
    sum(coalesce(m.closed, 0)) over (partition by r.repo_id order by c.day rows unbounded preceding) as ever_closed
    {%- for age in ages %},
    sum(coalesce(m.over_{{ age }}, 0)) over (partition by r.repo_id order by c.day rows unbounded preceding) as open_over_{{ age }}
    {%- endfor %}
  from (select distinct d.repo_id from repositories d) as r
  cross join calendar c
  left join moved m on m.repo_id = r.repo_id and m.day = c.day
),
summed as (
  select g.*, lag(g.ever_closed, 90) over (partition by g.repo_id order by g.day) as closed_before,
    lag(g.ever_opened, 90) over (partition by g.repo_id order by g.day) as opened_before
  from grid g
),
ranked as (
  select d.repo_id, d.responded_on as day, d.response_seconds,
    row_number() over (partition by d.repo_id, d.responded_on order by d.response_seconds) as place,
    count(*) over (partition by d.repo_id, d.responded_on) as n
  from dated d
  where d.response_seconds is not null
),
answers as (
  select r.repo_id, r.day,
    cast(floor(avg(case when r.place >= r.n / 2.0 and r.place <= r.n / 2.0 + 1 then r.response_seconds end)) as bigint) as response_seconds_median,
    min(case when r.place >= 0.9 * r.n then r.response_seconds end) as response_seconds_p90
  from ranked r
  group by r.repo_id, r.day
),
-- All this can be asked for later, too: a day is known once a later fetch was complete.
known_until as (
  select k.scope, min(case when k.dataset = '{{ counted }}' then k.load_date end) as counted_until, min(k.load_date) as spoken_until,
    count(*) as datasets, min(k.observed_at) as observed_at
  from (
    select l.dataset, l.scope, max(l.load_date) as load_date, max(l.fetched_at) as observed_at
    from {{ vault_source('fetch_ledger') }} l
    where l.dataset in ('{{ ([counted] + spoken) | join("', '") }}') and l.state = 'complete'
    group by l.dataset, l.scope
  ) as k
  group by k.scope
),
ledger as (
{{ ledger_rows([counted]) }}
),
item_days as (
  select r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, r.is_fork, r.day
    {%- for column in ['opened', 'opened_by_community', 'closed', 'merged'] %},
    case when k.counted_until >= r.load_date then cast(s.{{ column }} as bigint) end as {{ column }}
    {%- endfor %},
    case when k.counted_until >= r.load_date then cast(s.ever_opened - s.ever_closed as bigint) end as open_at_close
    {%- for age in ages %},
    case when k.counted_until >= r.load_date then cast(s.open_over_{{ age }} as bigint) end as open_over_{{ age }}_days
    {%- endfor %},
    case when k.counted_until >= r.load_date then cast(s.ever_closed - s.closed_before as bigint) end as closed_in_90_days,
    case when k.counted_until >= r.load_date then cast(s.ever_opened - s.closed_before as bigint) end as to_close_in_90_days
    {%- for column in ['first_responses', 'due', 'due_met'] %},
    case when k.spoken_until >= r.load_date and k.datasets = {{ 1 + spoken | length }} then cast(s.{{ column }} as bigint) end as {{ column }}
    {%- endfor %},
    case when k.spoken_until >= r.load_date and k.datasets = {{ 1 + spoken | length }} then a.response_seconds_median end as response_seconds_median,
    case when k.spoken_until >= r.load_date and k.datasets = {{ 1 + spoken | length }} then a.response_seconds_p90 end as response_seconds_p90,
    case when k.spoken_until >= r.load_date and k.datasets = {{ 1 + spoken | length }} then 'complete'
      when k.counted_until >= r.load_date then 'partial' else coalesce(l.state, 'missing') end as data_state,
    coalesce(k.spoken_until >= r.load_date and k.datasets = {{ 1 + spoken | length }}, false) as is_final,
    case when k.counted_until >= r.load_date then k.observed_at end as observed_at
  from repositories r
  join summed s on s.repo_id = r.repo_id and s.day = r.day
  left join known_until k on k.scope = r.scope
  left join answers a on a.repo_id = r.repo_id and a.day = r.day
  left join ledger l on l.scope = r.scope and l.load_date = r.load_date
)
{% endmacro %}
