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
      {%- for column in columns %}, s.{{ column }}{% endfor %},
      row_number() over (
        partition by s.{{ meta['source_key'] }}, s.load_date order by s.{{ hash_diff }}, {{ vault_byte_order('s.rec_src') }}
      ) as choice
    from {{ vault_source(source) }} s
    where s.{{ meta['source_key'] }} is not null
  ) as o
  where o.choice = 1
) as v
where v.hash_diff_before is null or v.hash_diff_before <> v.hash_diff
{% endmacro %}


{% macro satellite_steps(meta, relation, window, late) %}
  {%- set key = meta['key'] -%}
  {%- set source_key = meta['source_key'] -%}
  {%- set source = vault_source(meta['source']) -%}
  {%- set observed = vault_temporary(relation, 'observed') -%}
  {%- set stored = vault_temporary(relation, 'stored') -%}
  {%- set missing = vault_temporary(relation, 'missing') -%}
  {%- set attributes = vault_kept_columns(meta['columns'], meta['source'], meta['hash_diff']) -%}
  {%- set columns = [key, 'load_date', 'load_end_date', 'hash_diff', 'rec_src'] + attributes -%}
  {%- set observed_sql -%}
select s.{{ source_key }} as {{ key }}, s.load_date, s.{{ meta['hash_diff'] }} as hash_diff
from {{ source }} s
where s.load_date >= {{ window['start'] }} and s.load_date < {{ window['end'] }} and s.{{ source_key }} is not null
  {%- endset -%}
  {%- set payload -%}
select r.{{ columns | join(', r.') }}
from (
  select m.{{ key }}, m.load_date, m.load_end_date, m.hash_diff, s.rec_src
    {%- for column in attributes %}, s.{{ column }}{% endfor %},
    row_number() over (partition by m.{{ key }}, m.load_date order by {{ vault_byte_order('s.rec_src') }}) as choice
  from {{ missing }} m
  join {{ source }} s
    on s.{{ source_key }} = m.{{ key }} and s.load_date = m.load_date and s.{{ meta['hash_diff'] }} = m.hash_diff
  where s.load_date >= {{ window['start'] }}
) as r
where r.choice = 1
  {%- endset -%}
  {%- set steps = vault_temporary_table(observed, observed_sql) -%}
  {%- if late -%}
    {%- set keys = vault_temporary(relation, 'keys') -%}
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
    {%- do steps.extend(vault_temporary_table(keys, chain_keys(meta, relation, window))) -%}
    {%- do steps.append(['prepare', next_sql]) -%}
    {%- do steps.extend(vault_temporary_table(stored, chain_stored(meta, relation, window, late, 'select ' ~ key ~ ' from ' ~ keys))) -%}
    {%- do steps.append(['prepare', 'drop table ' ~ keys]) -%}
  {%- else -%}
    {%- do steps.extend(vault_temporary_table(stored, chain_stored(meta, relation, window, late, 'select ' ~ key ~ ' from ' ~ observed))) -%}
  {%- endif -%}
  {{ return(steps + chain_steps(meta, relation, window, late, columns, payload)) }}
{% endmacro %}
