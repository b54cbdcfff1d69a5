{#-
  A computed table of the business vault: the model's own query says what it holds, as a function of the raw vault.
  `grain` names the columns that tell one row from another, none of them ever NULL; the first is the key. `day` is the
  column by which a load is cut: a row whose `day` lies before the window's start cannot be touched by what was loaded
  in it. For versions that is load_end_date, for rows per day as_of; without one, the whole table is compared.
  `retained` says that days that are no longer kept (see point_in_time_days) leave the table.
-#}

{% macro computed(grain, day=none, retained=false) %}
  {%- set meta = {'kind': 'computed', 'key': grain[0], 'grain': grain, 'day': day, 'retained': retained} -%}
  {{- config(meta={'vault': meta}) -}}
{% endmacro %}


{#- What differs from the query is replaced: EXCEPT takes NULL for equal to NULL on every engine. -#}
{% macro computed_steps(meta, relation, window, definition) %}
  {%- set wanted = vault_temporary(relation, 'wanted') -%}
  {%- set missing = vault_temporary(relation, 'missing') -%}
  {%- set surplus = vault_temporary(relation, 'surplus') -%}
  {%- set grain = meta['grain'] -%}
  {%- set from_start = (' >= ' ~ window['start']) if meta['day'] else none -%}
  {%- set stored_cut = (' where t.' ~ meta['day'] ~ from_start) if meta['day'] else '' -%}
  {%- set wanted_cut = (' where q.' ~ meta['day'] ~ from_start) if meta['day'] else '' -%}
  {%- set same = [] -%}
  {%- for column in grain -%}{%- do same.append(relation ~ '.' ~ column ~ ' = x.' ~ column) -%}{%- endfor -%}
  {%- set surplus_sql -%}
select {{ vault_columns(grain, 'd') }}1 as is_surplus
from (
  select t.* from {{ relation }} t{{ stored_cut }}
  except
  select w.* from {{ wanted }} w
) as d
    {%- if meta['retained'] %}
union all
select {{ vault_columns(grain, 't') }}1
from {{ relation }} t
left join ({{ point_in_time_days() }}) as k on k.as_of = t.{{ meta['day'] }}
where t.{{ meta['day'] }} < {{ window['start'] }} and k.as_of is null
    {%- endif %}
  {%- endset -%}
  {%- set missing_sql -%}
select w.* from {{ wanted }} w
except
select t.* from {{ relation }} t{{ stored_cut }}
  {%- endset -%}
  {{ return(
    vault_temporary_table(wanted, 'select q.* from (\n' ~ definition ~ '\n) as q' ~ wanted_cut)
    + vault_temporary_table(missing, missing_sql)
    + vault_temporary_table(surplus, surplus_sql)
    + [
      ['delete', 'delete from ' ~ relation ~ ' using ' ~ surplus ~ ' x where ' ~ same | join(' and ')],
      ['insert', 'insert into ' ~ relation ~ ' select * from ' ~ missing],
      ['prepare', 'drop table ' ~ wanted], ['prepare', 'drop table ' ~ missing], ['prepare', 'drop table ' ~ surplus]
    ]
  ) }}
{% endmacro %}


{#-
  (as_of): the loaded days for which point-in-time tables and bridges keep rows. Each of the last 90 days, the last
  loaded day of each week for a year, the last loaded day of each month for ever; counted back from the last loaded
  day, never from a clock. A day that leaves never comes back, however days arrive.
-#}
{% macro point_in_time_days() %}
select k.as_of
from (
  select l.load_date as as_of, max(l.load_date) over () as last_day,
    max(l.load_date) over (partition by date_trunc('week', l.load_date)) as last_of_week,
    max(l.load_date) over (partition by date_trunc('month', l.load_date)) as last_of_month
  from (select distinct f.load_date from {{ vault_source('fetch_ledger') }} f) as l
) as k
where k.as_of > {{ add_seconds('k.last_day', -90 * 86400) }}
  or (k.as_of = k.last_of_week and k.as_of > {{ add_seconds('k.last_day', -365 * 86400) }})
  or k.as_of = k.last_of_month
{% endmacro %}


{#- Hash of values as one text, injective: each with its length, NULL apart from ''. Values are expressions of text. -#}
{% macro vault_encoded(values) %}
  {%- set parts = [] -%}
  {%- for value in values -%}
    {%- do parts.append("coalesce(cast(length(" ~ value ~ ") as varchar(20)) || ':' || " ~ value ~ ", '~')") -%}
  {%- endfor -%}
  {{ return(parts | join(' || ')) }}
{% endmacro %}


{#-
  Versions from states: `states` names a query with one row per key and load_date at which something may have changed.
  A state equal to the one before makes no version. `hashed` are the columns compared, numbers and short texts; those
  left out follow from them.
-#}
{% macro computed_versions(key, columns, states, hashed=none) %}
  {%- set texts = [] -%}
  {%- for column in hashed or columns -%}{%- do texts.append('cast(s.' ~ column ~ ' as varchar(40))') -%}{%- endfor -%}
select v.{{ key }}, v.load_date, coalesce(lead(v.load_date) over (partition by v.{{ key }} order by v.load_date), {{ vault_far() }}) as load_end_date,
  v.hash_diff, cast('business_vault' as varchar(40)) as rec_src{% for column in columns %}, v.{{ column }}{% endfor %}
from (
  select w.*, lag(w.hash_diff) over (partition by w.{{ key }} order by w.load_date) as hash_before
  from (
    select s.*, {{ vault_hash(vault_encoded(texts)) }} as hash_diff
    from {{ states }} s
  ) as w
) as v
where v.hash_before is null or v.hash_before <> v.hash_diff
{% endmacro %}
