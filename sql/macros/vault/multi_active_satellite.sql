{#-
  Multi-active satellite: a version is the whole block of rows that a key has on a day; one row per key, day and child key.
  The block's hash is made of its rows' hashes without an order, so no text is aggregated and no length limit applies.
  row_hash is the column of the source that covers child keys and attributes (unless columns names others). A row without child key is no row. With
  `dataset` a complete list without rows ends the block; without it an empty list says nothing.
-#}

{% macro multi_active_satellite(key, child_keys, source, row_hash, columns=none, dataset=none, source_key=none) %}
  {%- set meta = {'kind': 'multi_active_satellite', 'key': key, 'child_keys': vault_quoted(child_keys), 'source_key': source_key or key,
                  'source': source, 'row_hash': row_hash, 'columns': columns, 'dataset': dataset} -%}
  {{- config(meta={'vault': meta}) -}}
  {%- set attributes = block_attributes(meta) -%}
with block_rows as (
{{ block_rows(meta, 'true') }}
),
present as (
{{ blocks(meta, 'block_rows') }}
),
{%- if dataset %}
complete as (
{{ complete_lists(meta, 'true') }}
),
{%- endif %}
observed as (
  select {{ key }}, load_date, hash_diff from present
  {%- if dataset %}
  union all
  select a.{{ key }}, a.load_date, {{ vault_nothing() }} as hash_diff
  from (
{{ absences(key, 'present', 'complete') }}
  ) as a
  {%- endif %}
),
versions as (
  select v.{{ key }}, v.load_date, v.hash_diff,
    coalesce(lead(v.load_date) over (partition by v.{{ key }} order by v.load_date), {{ vault_far() }}) as load_end_date
  from (
    select o.*, lag(o.hash_diff) over (partition by o.{{ key }} order by o.load_date) as hash_diff_before from observed o
  ) as v
  where v.hash_diff_before is null or v.hash_diff_before <> v.hash_diff
)
select v.{{ key }}, v.load_date, v.load_end_date, v.hash_diff, r.rec_src
  {%- if dataset %}, r.scope{% endif %}{% for column in meta['child_keys'] + attributes %}, r.{{ column }}{% endfor %}
from versions v
join block_rows r on r.{{ key }} = v.{{ key }} and r.load_date = v.load_date
{% endmacro %}


{#- What a row keeps beside its child keys. -#}
{% macro block_attributes(meta) %}
  {{ return(vault_kept_columns(meta['columns'], meta['source'], meta['row_hash']) | reject('in', meta['child_keys']) | list) }}
{% endmacro %}


{#- The source's rows for which the condition (over s) holds, without repetitions. -#}
{% macro block_rows(meta, condition) %}
select b.*
from (
  select s.{{ meta['source_key'] }} as {{ meta['key'] }}, s.load_date, s.{{ meta['row_hash'] }} as row_hash, s.rec_src
    {%- if meta['dataset'] %}, s.scope{% endif %}{% for column in meta['child_keys'] + block_attributes(meta) %}, s.{{ column }}{% endfor %},
    row_number() over (
      partition by s.{{ meta['source_key'] }}, s.load_date, s.{{ meta['row_hash'] }} order by {{ vault_byte_order('s.rec_src') }}
    ) as choice
  from {{ vault_source(meta['source']) }} s
  where {{ condition }} and s.{{ meta['source_key'] }} is not null
    {%- for column in meta['child_keys'] %} and s.{{ column }} is not null{% endfor %}
) as b
where b.choice = 1
{% endmacro %}


{#- (key, load_date, scope, rec_src, hash_diff) of each block in a table or common table expression of block rows. -#}
{% macro blocks(meta, rows) %}
select b.{{ meta['key'] }}, b.load_date, {{ 'min(b.scope)' if meta['dataset'] else "cast('' as varchar(1))" }} as scope, min(b.rec_src) as rec_src,
  {{ block_hash('b.row_hex') }} as hash_diff
from (
  select r.*, {{ vault_hash_hex('r.row_hash') }} as row_hex from {{ rows }} r
) as b
group by b.{{ meta['key'] }}, b.load_date
{% endmacro %}


{#- Number of rows and two sums over the first 120 bits of their hashes: the same in every order. -#}
{% macro block_hash(hex) %}
  {%- set sums = [] -%}
  {%- for start in [1, 16] -%}
    {%- do sums.append('cast(sum(cast(' ~ vault_hex_number('substring(' ~ hex ~ ', ' ~ start ~ ', 15)')
      ~ ' as decimal(38,0))) as varchar(40))') -%}
  {%- endfor -%}
  {{ return(vault_hash("cast(count(*) as varchar(20)) || ':' || " ~ sums | join(" || ':' || "))) }}
{% endmacro %}


{% macro multi_active_satellite_steps(meta, relation, window, late) %}
  {%- set key = meta['key'] -%}
  {%- set keys = vault_temporary(relation, 'keys') -%}
  {%- set stored = vault_temporary(relation, 'stored') -%}
  {%- set present = vault_temporary(relation, 'present') -%}
  {%- set points = vault_temporary(relation, 'points') -%}
  {%- set observed = vault_temporary(relation, 'observed') -%}
  {%- set missing = chain_missing(meta, relation, late) -%}
  {%- set own = (['scope'] if meta['dataset'] else []) + meta['child_keys'] + block_attributes(meta) -%}
  {%- set columns = [key, 'load_date', 'load_end_date', 'hash_diff', 'rec_src'] + own -%}
  {%- set in_window = 's.load_date >= ' ~ window['start'] ~ ' and s.load_date < ' ~ window['end'] -%}
  {%- set present_sql -%}
{{ blocks(meta, '(' ~ block_rows(meta, in_window) ~ ')') }}
  {%- endset -%}
  {%- set first_after -%}
{%- set source_key = meta['source_key'] -%}
{%- set first_rows -%}
select w.*
from (
{{ block_rows(meta, 's.load_date >= ' ~ window['end'] ~ ' and s.' ~ source_key ~ ' in (select ' ~ key ~ ' from ' ~ keys ~ ')') }}
) as w
join (
  select a.{{ source_key }} as {{ key }}, min(a.load_date) as load_date
  from {{ vault_source(meta['source']) }} a
  where a.load_date >= {{ window['end'] }} and a.{{ source_key }} in (select {{ key }} from {{ keys }})
    {%- for column in meta['child_keys'] %} and a.{{ column }} is not null{% endfor %}
  group by a.{{ source_key }}
) as g on g.{{ key }} = w.{{ key }} and g.load_date = w.load_date
{%- endset -%}
{{ blocks(meta, '(' ~ first_rows ~ ')') }}
  {%- endset -%}
  {%- set payload -%}
select m.{{ key }}, m.load_date, m.load_end_date, m.hash_diff, r.rec_src{% for column in own %}, r.{{ column }}{% endfor %}
from {{ missing }} m
join (
{{ block_rows(meta, 's.load_date >= ' ~ window['start'] ~ ' and s.' ~ meta['source_key'] ~ ' in (select k.' ~ key ~ ' from ' ~ missing ~ ' k)') }}
) as r on r.{{ key }} = m.{{ key }} and r.load_date = m.load_date
  {%- endset -%}
  {%- set steps = vault_temporary_table(present, present_sql) -%}
  {%- set cleanup = [['prepare', 'drop table ' ~ present]] -%}
  {%- if meta['dataset'] -%}
    {%- do steps.extend(absence_steps(meta, relation, window, late, '', first_after, ['scope'])) -%}
    {%- set observed_sql -%}
select {{ key }}, load_date, hash_diff from {{ points }} where origin > 0
union all
select a.{{ key }}, a.load_date, {{ vault_nothing() }} as hash_diff
from (
{{ absences(key, points, vault_temporary(relation, 'complete'), origins=true) }}
) as a
    {%- endset -%}
    {%- do steps.extend(vault_temporary_table(observed, observed_sql)) -%}
    {%- set cleanup = absence_cleanup(relation) -%}
  {%- else -%}
    {%- do steps.extend(vault_temporary_table(observed, 'select ' ~ key ~ ', load_date, hash_diff from ' ~ present)) -%}
    {%- if late -%}
      {%- do steps.extend(vault_temporary_table(keys, chain_keys(meta, relation, window))) -%}
      {%- do steps.append(['prepare', 'insert into ' ~ observed ~ ' select f.' ~ key ~ ', f.load_date, f.hash_diff from (\n'
        ~ first_after ~ '\n) as f']) -%}
      {%- do steps.extend(vault_temporary_table(stored, chain_stored(meta, relation, window, late, 'select ' ~ key ~ ' from ' ~ keys))) -%}
      {%- set cleanup = cleanup + [['prepare', 'drop table ' ~ keys]] -%}
    {%- else -%}
      {%- do steps.extend(vault_temporary_table(stored, chain_stored(meta, relation, window, late, 'select ' ~ key ~ ' from ' ~ observed))) -%}
    {%- endif -%}
  {%- endif -%}
  {{ return(steps + chain_steps(meta, relation, window, late, columns, payload) + cleanup) }}
{% endmacro %}
