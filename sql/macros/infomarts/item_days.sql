{#-
  Issues or pull requests as numbers per repository and day. A mart gives `loaded`, `items` (repo_id, number, author_kind,
  opened_at, closed_at, is_merged, first_response_at, due_at, and for how long the first answer was waited for:
  response_seconds, response_business_seconds) and `touches` (repo_id, number, actor_hk, done_at: what was said and done
  on them), and ends with `item_days`. All comes from the items' own times, so a past day stays what it was, but for what
  is reopened.
-#}

{#- One move of each item: these counts on this day, and 0 of all others. -#}
{% macro item_move(day, counts, moved) %}
  select d.repo_id, {{ day }} as day{% for column in counts %}, {{ moved.get(column, '0') }} as {{ column }}{% endfor %}
  from dated d
{%- endmacro %}


{#- (repo_id, day) with what happened and what stood open; the 90 days before the first loaded one are there to look back. -#}
{% macro item_days(counted, spoken) %}
{%- set ages = [30, 90, 365] -%}
{%- set kinds = {'community': 'community', 'maintainers': 'maintainer', 'bots': 'bot', 'unknown': 'unknown'} -%}
{%- set opened = {'opened': '1'} -%}
{%- set counts = ['opened'] -%}
{%- for name, kind in kinds.items() -%}
  {%- do counts.append('opened_by_' ~ name) -%}
  {%- do opened.update({'opened_by_' ~ name: "case when d.author_kind = '" ~ kind ~ "' then 1 else 0 end"}) -%}
{%- endfor -%}
{%- set about_items = counts + ['closed', 'merged'] -%}
{%- set counts = about_items + ['first_responses', 'due', 'due_met'] -%}
{%- set moving = counts + ['over_30', 'over_90', 'over_365'] -%}
calendar as (
{{ calendar(add_days('b.first_day', -90)) }}
),
repositories as (
{{ repository_days() }}
),
dated as (
  select i.repo_id, i.author_kind, i.is_merged, i.first_response_at, i.due_at, cast(i.opened_at as date) as opened_on,
    cast(i.closed_at as date) as closed_on, cast(i.first_response_at as date) as responded_on, cast(i.due_at as date) as due_on,
    i.response_seconds, i.response_business_seconds
  from items i
  cross join loaded b
  where i.opened_at < b.closes_at
),
moves as (
{{- item_move('d.opened_on', moving, opened) }}
  union all
{{- item_move('d.closed_on', moving, {'closed': '1', 'merged': 'd.is_merged'}) }}
  where d.closed_on is not null
  union all
{{- item_move('d.responded_on', moving, {'first_responses': '1'}) }}
  where d.responded_on is not null
  union all
{{- item_move('d.due_on', moving, {'due': '1', 'due_met': 'case when d.first_response_at <= d.due_at then 1 else 0 end'}) }}
  where d.due_on is not null
  {%- for age in ages %}
  union all
{{- item_move(add_days('d.opened_on', age + 1), moving, {'over_' ~ age: '1'}) }}
  where d.closed_on is null or d.closed_on >= {{ add_days('d.opened_on', age + 1) }}
  union all
{{- item_move('d.closed_on', moving, {'over_' ~ age: '-1'}) }}
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
  select d.repo_id, d.responded_on as day, d.response_seconds, d.response_business_seconds,
    row_number() over (partition by d.repo_id, d.responded_on order by d.response_seconds) as place,
    row_number() over (partition by d.repo_id, d.responded_on order by d.response_business_seconds) as business_place,
    count(*) over (partition by d.repo_id, d.responded_on) as n
  from dated d
  where d.response_seconds is not null
),
answers as (
  select r.repo_id, r.day
    {%- for measure, place in [('response_seconds', 'place'), ('response_business_seconds', 'business_place')] %},
    cast(floor(avg(case when r.{{ place }} >= r.n / 2.0 and r.{{ place }} <= r.n / 2.0 + 1 then r.{{ measure }} end)) as bigint) as {{ measure }}_median,
    min(case when r.{{ place }} >= 0.9 * r.n then r.{{ measure }} end) as {{ measure }}_p90
    {%- endfor %}
  from ranked r
  group by r.repo_id, r.day
),
accounts as (
{{ accounts() }}
),
-- CHAOSS: active is what shows any activity; a bot's is none.
active as (
  select m.repo_id, m.day, count(*) as active
  from (
    select i.repo_id, i.number, cast(i.opened_at as date) as day
    from items i
    where i.author_kind <> 'bot'
    union
    select i.repo_id, i.number, cast(t.done_at as date) as day
    from touches t
    join items i on i.repo_id = t.repo_id and i.number = t.number
    left join accounts a on a.user_hk = t.actor_hk
    where coalesce(a.is_bot, 0) = 0
  ) as m
  group by m.repo_id, m.day
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
    {%- for column in about_items %},
    case when k.counted_until >= r.load_date then cast(s.{{ column }} as bigint) end as {{ column }}
    {%- endfor %},
    case when k.counted_until >= r.load_date then cast(s.ever_opened - s.ever_closed as bigint) end as open_at_close
    {%- for age in ages %},
    case when k.counted_until >= r.load_date then cast(s.open_over_{{ age }} as bigint) end as open_over_{{ age }}_days
    {%- endfor %},
    case when k.counted_until >= r.load_date then cast(s.ever_closed - s.closed_before as bigint) end as closed_in_90_days,
    case when k.counted_until >= r.load_date then cast(s.ever_opened - s.closed_before as bigint) end as to_close_in_90_days
    {%- set all_known = 'k.spoken_until >= r.load_date and k.datasets = ' ~ (1 + spoken | length) %},
    case when {{ all_known }} then coalesce(v.active, 0) end as active
    {%- for column in ['first_responses', 'due', 'due_met'] %},
    case when {{ all_known }} then cast(s.{{ column }} as bigint) end as {{ column }}
    {%- endfor %}
    {%- for measure in ['response_seconds', 'response_business_seconds'] %}
    {%- for figure in ['median', 'p90'] %},
    case when {{ all_known }} then a.{{ measure }}_{{ figure }} end as {{ measure }}_{{ figure }}
    {%- endfor %}
    {%- endfor %},
    case when {{ all_known }} then 'complete'
      when k.counted_until >= r.load_date then 'partial' else coalesce(l.state, 'missing') end as data_state,
    coalesce({{ all_known }}, false) as is_final,
    case when k.counted_until >= r.load_date then k.observed_at end as observed_at
  from repositories r
  join summed s on s.repo_id = r.repo_id and s.day = r.day
  left join known_until k on k.scope = r.scope
  left join answers a on a.repo_id = r.repo_id and a.day = r.day
  left join active v on v.repo_id = r.repo_id and v.day = r.day
  left join ledger l on l.scope = r.scope and l.load_date = r.load_date
)
{% endmacro %}
