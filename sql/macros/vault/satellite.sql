{#-
  Satellite: one row per key and day on which its attributes changed. Two texts of one key on one day: the one with
  the smallest hash counts, whatever order they came in. key and hash_diff are columns of the source; the attributes are those
  that the hash covers, unless columns names others.
-#}

{% macro satellite(key, source, hash_diff, columns=none, source_key=none) %}
  {%- set meta = {'kind': 'satellite', 'key': key, 'source_key': source_key or key, 'source': source, 'hash_diff': hash_diff,
                  'columns': columns} -%}
  {%- set columns = vault_kept_columns(columns, source, hash_diff) -%}
  {{- config(meta={'vault': meta}) -}}
select v.{{ key }}, v.load_date,
  coalesce(lead(v.load_date) over (partition by v.{{ key }} order by v.load_date), {{ vault_far() }}) as load_end_date,
  v.hash_diff, v.rec_src{% for column in columns %}, v.{{ column }}{% endfor %}
from (
  select o.*, lag(o.hash_diff) over (partition by o.{{ key }} order by o.load_date) as hash_diff_before
  from (
    select s.{{ meta['source_key'] }} as {{ key }}, s.load_date, s.{{ hash_diff }} as hash_diff, s.rec_src
      {%- for column in columns %}, s.{{ column }}{% endfor %}
    {%- if not vault_is_unique(source, meta['source_key']) %},
      row_number() over (
        partition by s.{{ meta['source_key'] }}, s.load_date order by s.{{ hash_diff }}, {{ vault_byte_order('s.rec_src') }}
      ) as choice
    {%- endif %}
    from {{ vault_source(source) }} s
    where s.{{ meta['source_key'] }} is not null
  ) as o
  {%- if not vault_is_unique(source, meta['source_key']) %}
  where o.choice = 1
  {%- endif %}
) as v
where v.hash_diff_before is null or v.hash_diff_before <> v.hash_diff
{% endmacro %}


{% macro satellite_steps(meta, relation, window, late) %}
  {%- if late -%}{{ return(satellite_late_steps(meta, relation, window)) }}{%- endif -%}
  {%- if window.get('is_day') and vault_place() is not none and vault_is_unique(meta['source'], meta['source_key']) -%}
    {{ return(satellite_day_steps(meta, relation, window)) }}
  {%- endif -%}
  {{ return(satellite_in_order_steps(meta, relation, window)) }}
{% endmacro %}


{#- One day in order, each key staged once: a key has one new observation and one open version or none, so nothing is sorted. -#}
{% macro satellite_day_steps(meta, relation, window) %}
  {%- set key = meta['key'] -%}
  {%- set source = vault_source(meta['source']) -%}
  {%- set changed = vault_temporary(relation, 'changed') -%}
  {%- set in_window = 's.load_date >= ' ~ window['start'] ~ ' and s.load_date < ' ~ window['end'] -%}
  {%- set changed_sql -%}
select s.load_date, s.{{ vault_place() }} as place, t.{{ vault_place() }} as ended
from {{ source }} s
left join {{ relation }} t on t.{{ key }} = s.{{ meta['source_key'] }} and t.load_end_date = {{ vault_far() }}
where {{ in_window }} and s.{{ meta['source_key'] }} is not null
  and (t.{{ key }} is null or t.hash_diff <> s.{{ meta['hash_diff'] }})
  {%- endset -%}
  {%- set insert -%}
insert into {{ relation }} ({{ satellite_columns(meta) | join(', ') }})
select s.{{ meta['source_key'] }}, s.load_date, {{ vault_far() }}, s.{{ meta['hash_diff'] }}
  {%- for column in satellite_columns(meta)[4:] %}, s.{{ column }}{% endfor %}
from {{ changed }} c
join {{ source }} s on s.{{ vault_place() }} = c.place
where {{ in_window }}
  {%- endset -%}
  {{ return(
    vault_temporary_table(changed, changed_sql)
    + [
      ['update', 'update ' ~ relation ~ ' set load_end_date = x.load_date from ' ~ changed ~ ' x where ' ~ relation ~ '.'
        ~ vault_place() ~ ' = x.ended'],
      ['insert', insert],
      ['prepare', 'drop table ' ~ changed]
    ]
  ) }}
{% endmacro %}


{#- Columns of the table, and the query of its new rows: `missing` gives key, days and hash; more than one text of them may be staged. -#}
{% macro satellite_columns(meta) %}
  {{ return([meta['key'], 'load_date', 'load_end_date', 'hash_diff', 'rec_src']
    + vault_kept_columns(meta['columns'], meta['source'], meta['hash_diff'])) }}
{% endmacro %}
{% macro satellite_payload(meta, missing, window) %}
  {%- set key = meta['key'] -%}
select r.{{ satellite_columns(meta) | join(', r.') }}
from (
  select m.{{ key }}, m.load_date, m.load_end_date, m.hash_diff
    {%- for column in satellite_columns(meta)[4:] %}, s.{{ column }}{% endfor %},
    row_number() over (partition by m.{{ key }}, m.load_date order by {{ vault_byte_order('s.rec_src') }}) as choice
  from {{ missing }} m
  join {{ vault_source(meta['source']) }} s
    on s.{{ meta['source_key'] }} = m.{{ key }} and s.load_date = m.load_date and s.{{ meta['hash_diff'] }} = m.hash_diff
  where s.load_date >= {{ window['start'] }}
) as r
where r.choice = 1
{% endmacro %}


{#- What is observed and what is open goes straight into the stretch; where each key is staged once a day, rows are found by their place. -#}
{% macro satellite_in_order_steps(meta, relation, window) %}
  {%- set key = meta['key'] -%}
  {%- set source = vault_source(meta['source']) -%}
  {%- set is_single = vault_is_unique(meta['source'], meta['source_key']) -%}
  {%- set by_place = is_single and vault_place() is not none -%}
  {%- set in_window = 's.load_date >= ' ~ window['start'] ~ ' and s.load_date < ' ~ window['end'] ~ ' and s.'
      ~ meta['source_key'] ~ ' is not null' -%}
  {%- set observed -%}
(select s.{{ meta['source_key'] }} as {{ key }}, s.load_date, s.{{ meta['hash_diff'] }} as hash_diff{% if by_place %}, s.{{ vault_place() }} as place{% endif %}
 from {{ source }} s where {{ in_window }})
  {%- endset -%}
  {%- set stored -%}
(select t.{{ key }}, t.load_date, t.hash_diff{% if by_place %}, t.{{ vault_place() }} as place{% endif %}
 from {{ relation }} t
 where t.load_end_date = {{ vault_far() }} and t.{{ key }} in (select s.{{ meta['source_key'] }} from {{ source }} s where {{ in_window }}))
  {%- endset -%}
  {%- set payload -%}
  {%- if by_place -%}
select m.{{ key }}, m.load_date, m.load_end_date, m.hash_diff
  {%- for column in satellite_columns(meta)[4:] %}, s.{{ column }}{% endfor %}
from {{ vault_temporary(relation, 'stretch') }} m
join {{ source }} s on s.{{ vault_place() }} = m.place
where m.origin = 1 and s.load_date >= {{ window['start'] }} and s.load_date < {{ window['end'] }}
  {%- else -%}
{{ satellite_payload(meta, chain_missing(meta, relation, false), window) }}
  {%- endif -%}
  {%- endset -%}
  {{ return(chain_steps(meta, relation, window, false, satellite_columns(meta), payload, is_single, observed, stored, by_place)) }}
{% endmacro %}


{% macro satellite_late_steps(meta, relation, window) %}
  {%- set key = meta['key'] -%}
  {%- set source_key = meta['source_key'] -%}
  {%- set source = vault_source(meta['source']) -%}
  {%- set observed = vault_temporary(relation, 'observed') -%}
  {%- set keys = vault_temporary(relation, 'keys') -%}
  {%- set observed_sql -%}
select s.{{ source_key }} as {{ key }}, s.load_date, s.{{ meta['hash_diff'] }} as hash_diff
from {{ source }} s
where s.load_date >= {{ window['start'] }} and s.load_date < {{ window['end'] }} and s.{{ source_key }} is not null
  {%- endset -%}
  {%- set next_sql -%}
insert into {{ observed }}
select s.{{ source_key }}, s.load_date, s.{{ meta['hash_diff'] }}
from {{ source }} s
join (
  select a.{{ source_key }} as {{ key }}, min(a.load_date) as load_date
  from {{ source }} a
  where a.load_date >= {{ window['end'] }} and a.{{ source_key }} in (select {{ key }} from {{ keys }})
  group by a.{{ source_key }}
) as f on f.{{ key }} = s.{{ source_key }} and f.load_date = s.load_date
where s.load_date >= {{ window['end'] }}
  {%- endset -%}
  {{ return(
    vault_temporary_table(observed, observed_sql)
    + vault_temporary_table(keys, chain_keys(meta, relation, window))
    + [['prepare', next_sql]]
    + vault_temporary_table(
        vault_temporary(relation, 'stored'),
        chain_stored(meta, relation, window, true, 'select ' ~ key ~ ' from ' ~ keys)
      )
    + [['prepare', 'drop table ' ~ keys]]
    + chain_steps(meta, relation, window, true, satellite_columns(meta),
                  satellite_payload(meta, chain_missing(meta, relation, true), window))
  ) }}
{% endmacro %}
