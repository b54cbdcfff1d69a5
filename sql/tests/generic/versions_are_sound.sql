{#-
  Satellites, in one query: key and day are unique (with the child keys, where given), the parent, if named, is there, a version ends
  when the next begins and differs from it, the last one is open. may_end: a block may also end without another.
  Rows are the versions at fault, with the fault's name.
-#}
{% test versions_are_sound(model, column_name, parent=none, parent_key=none, child_keys=[], may_end=false) %}
{%- set parent_key = parent_key or column_name %}
{%- set child_keys = vault_quoted(child_keys) %}
with rows_of_version as (
  select {{ column_name }}, load_date, load_end_date, hash_diff, count(*) as times
  from {{ model }}
  group by {{ column_name }}, load_date, load_end_date, hash_diff
),
chain as (
  select v.*,
    lead(v.load_date) over (partition by v.{{ column_name }} order by v.load_date) as next_load_date,
    lead(v.hash_diff) over (partition by v.{{ column_name }} order by v.load_date) as next_hash_diff
  from rows_of_version v
),
faults as (
  select c.{{ column_name }}, c.load_date, case
    when c.{{ column_name }} is null or c.hash_diff is null then 'no key or no hash'
    {%- if not child_keys %}
    when c.times > 1 then 'more than one row'
    {%- endif %}
    when c.next_load_date = c.load_date then 'two versions on one day'
    when c.load_end_date <= c.load_date then 'ends before it begins'
    when c.load_end_date > coalesce(c.next_load_date, {{ vault_far() }}) then 'overlaps the next'
    {%- if not may_end %}
    when c.load_end_date < coalesce(c.next_load_date, {{ vault_far() }}) then 'ends before the next'
    {%- endif %}
    when c.load_end_date = c.next_load_date and c.hash_diff = c.next_hash_diff then 'the next is equal'
    {%- if parent %}
    when p.{{ parent_key }} is null then 'no parent'
    {%- endif %}
  end as fault
  from chain c
  {%- if parent %}
  left join {{ parent }} p on p.{{ parent_key }} = c.{{ column_name }}
  {%- endif %}
)
select {{ column_name }}, load_date, fault from faults where fault is not null
{%- if child_keys %}
union all
select {{ column_name }}, load_date, cast('child key is there twice or missing' as varchar(63)) as fault
from {{ model }}
group by {{ column_name }}, load_date, {{ child_keys | join(', ') }}
having count(*) > 1{% for column in child_keys %} or {{ column }} is null{% endfor %}
{%- endif %}
{% endtest %}
