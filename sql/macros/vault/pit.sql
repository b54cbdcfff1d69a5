{#-
  Point-in-time table: one row per loaded day and key known on that day. For each satellite <name>_load_date says which
  version held; NULL where the satellite knew nothing, so that a reader joins with a left join on key and load_date and
  no satellite needs a ghost row. Days are those that point_in_time_days keeps.
-#}

{% macro pit(key, hub, satellites) %}
  {%- set meta = {'kind': 'pit', 'key': key, 'hub': hub, 'satellites': satellites} -%}
  {{- config(meta={'vault': meta}) -}}
{{ pit_rows(meta, 'true') }}
{% endmacro %}


{% macro pit_rows(meta, condition) %}
{%- set key = meta['key'] -%}
select h.{{ key }}, d.as_of
  {%- for name in meta['satellites'] %}, s{{ loop.index }}.load_date as {{ name }}_load_date{% endfor %}
from {{ ref(meta['hub']) }} h
join (
{{ point_in_time_days() }}
) as d on h.load_date <= d.as_of
{%- for name in meta['satellites'] %}
left join (
  select distinct t.{{ key }}, t.load_date, t.load_end_date from {{ ref(name) }} t
) as s{{ loop.index }}
  on s{{ loop.index }}.{{ key }} = h.{{ key }} and s{{ loop.index }}.load_date <= d.as_of and d.as_of < s{{ loop.index }}.load_end_date
{%- endfor %}
where {{ condition }}
{% endmacro %}


{#- Everything from the window's start on may have changed: a version lasts until the next one. -#}
{% macro pit_steps(meta, relation, window) %}
  {%- set key = meta['key'] -%}
  {%- set wanted = vault_temporary(relation, 'wanted') -%}
  {%- set columns = [key, 'as_of'] -%}
  {%- set same = ['w.' ~ key ~ ' = t.' ~ key, 'w.as_of = t.as_of'] -%}
  {%- for name in meta['satellites'] -%}
    {%- do columns.append(name ~ '_load_date') -%}
    {%- do same.append("coalesce(w." ~ name ~ "_load_date, timestamp '0001-01-01 00:00:00') = coalesce(t." ~ name
      ~ "_load_date, timestamp '0001-01-01 00:00:00')") -%}
  {%- endfor -%}
  {%- set surplus = vault_temporary(relation, 'surplus') -%}
  {%- set surplus_sql -%}
select t.{{ key }}, t.as_of
from {{ relation }} t
left join {{ wanted }} w on {{ same | join(' and ') }}
where t.as_of >= {{ window['start'] }} and w.{{ key }} is null
union all
select t.{{ key }}, t.as_of
from {{ relation }} t
left join ({{ point_in_time_days() }}) as k on k.as_of = t.as_of
where t.as_of < {{ window['start'] }} and k.as_of is null
  {%- endset -%}
  {%- set insert -%}
insert into {{ relation }} ({{ columns | join(', ') }})
select w.{{ columns | join(', w.') }}
from {{ wanted }} w
left join {{ relation }} t on t.{{ key }} = w.{{ key }} and t.as_of = w.as_of
where t.{{ key }} is null
  {%- endset -%}
  {{ return(
    vault_temporary_table(wanted, pit_rows(meta, 'd.as_of >= ' ~ window['start']))
    + vault_temporary_table(surplus, surplus_sql)
    + [
      ['delete', 'delete from ' ~ relation ~ ' using ' ~ surplus ~ ' x where ' ~ relation ~ '.' ~ key ~ ' = x.' ~ key
        ~ ' and ' ~ relation ~ '.as_of = x.as_of'],
      ['insert', insert],
      ['prepare', 'drop table ' ~ wanted], ['prepare', 'drop table ' ~ surplus]
    ]
  ) }}
{% endmacro %}
