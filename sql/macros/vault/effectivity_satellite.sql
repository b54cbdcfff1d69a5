{#-
  Effectivity satellite: one row per key and day on which a relation (or an object in its parent's list) appeared or was
  known to be gone. Give `dataset` where complete lists are in the fetch ledger, or `driving_key` where the relation hangs
  on one object. That object counts as observed where its row in `observed_in` (default: the source) has a partner; with
  null_is_absence also where it has none; with `dataset` as well only where that dataset was fetched for its scope.
-#}

{% macro effectivity_satellite(key, source, dataset=none, driving_key=none, observed_in=none, null_is_absence=false,
                                source_key=none) %}
  {%- set meta = {'kind': 'effectivity_satellite', 'key': key, 'source_key': source_key or key, 'source': source,
                  'dataset': dataset, 'driving_key': driving_key,
                  'observed_in': observed_in or source, 'null_is_absence': null_is_absence} -%}
  {{- config(meta={'vault': meta}) -}}
with present as (
{{ presences(meta, 'true') }}
),
complete as (
{{ complete_lists(meta, 'true') }}
),
observed as (
  select {{ key }}, load_date, scope, rec_src, hash_diff, true as is_active from present
  union all
  select a.{{ key }}, a.load_date, a.scope, a.rec_src, {{ vault_nothing() }} as hash_diff, false as is_active
  from (
{{ absences(key, 'present', 'complete') }}
  ) as a
)
select v.{{ key }}, v.load_date,
  coalesce(lead(v.load_date) over (partition by v.{{ key }} order by v.load_date), {{ vault_far() }}) as load_end_date,
  v.hash_diff, v.rec_src, v.is_active, v.scope as {{ absence_scope(meta) }}
from (
  select o.*, lag(o.hash_diff) over (partition by o.{{ key }} order by o.load_date) as hash_diff_before
  from observed o
) as v
where v.hash_diff_before is null or v.hash_diff_before <> v.hash_diff
{% endmacro %}


{#- A relation that moves to another scope has changed, too: the scope is part of the state. -#}
{% macro effectivity_hash(meta, scope) %}
  {{ return(vault_hash("'in ' || " ~ (vault_hash_text(scope) if meta['driving_key'] else 'cast(' ~ scope ~ ' as varchar(512))'))) }}
{% endmacro %}


{#- (key, load_date, scope, rec_src, hash_diff) of the source's rows for which the condition (over s) holds, once a day. -#}
{% macro presences(meta, condition) %}
{%- set scope = absence_scope(meta) -%}
select p.{{ meta['key'] }}, p.load_date, p.scope, p.rec_src, {{ effectivity_hash(meta, 'p.scope') }} as hash_diff
from (
  select s.{{ meta['source_key'] }} as {{ meta['key'] }}, s.load_date, s.{{ scope }} as scope, s.rec_src,
    row_number() over (
      partition by s.{{ meta['source_key'] }}, s.load_date
      order by {{ vault_byte_order('s.scope') if scope == 'scope' else 's.' ~ scope }}, {{ vault_byte_order('s.rec_src') }}
    ) as choice
  from {{ vault_source(meta['source']) }} s
  where s.{{ meta['source_key'] }} is not null and {{ condition }}
) as p
where p.choice = 1
{% endmacro %}


{% macro effectivity_satellite_steps(meta, relation, window, late) %}
  {%- set key = meta['key'] -%}
  {%- set scope = absence_scope(meta) -%}
  {%- set points = vault_temporary(relation, 'points') -%}
  {%- set observed = vault_temporary(relation, 'observed') -%}
  {%- set columns = [key, 'load_date', 'load_end_date', 'hash_diff', 'rec_src', 'is_active', scope] -%}
  {%- set keys = vault_temporary(relation, 'keys') -%}
  {%- set first_after -%}
select f.*
from (
{{ presences(meta, 's.load_date >= ' ~ window['end'] ~ ' and s.' ~ meta['source_key'] ~ ' in (select ' ~ key ~ ' from ' ~ keys ~ ')') }}
) as f
join (
  select a.{{ meta['source_key'] }} as {{ key }}, min(a.load_date) as load_date
  from {{ vault_source(meta['source']) }} a
  where a.load_date >= {{ window['end'] }} and a.{{ meta['source_key'] }} in (select {{ key }} from {{ keys }})
  group by a.{{ meta['source_key'] }}
) as g on g.{{ key }} = f.{{ key }} and g.load_date = f.load_date
  {%- endset -%}
  {%- set observed_sql -%}
select {{ key }}, load_date, hash_diff, scope, rec_src, true as is_active from {{ points }} where origin > 0
union all
select a.{{ key }}, a.load_date, {{ vault_nothing() }} as hash_diff, a.scope, a.rec_src, false as is_active
from (
{{ absences(key, points, vault_temporary(relation, 'complete'), origins=true) }}
) as a
  {%- endset -%}
  {%- set payload -%}
select m.{{ key }}, m.load_date, m.load_end_date, m.hash_diff, o.rec_src, o.is_active, o.scope
from {{ chain_missing(meta, relation, late) }} m
join {{ observed }} o on o.{{ key }} = m.{{ key }} and o.load_date = m.load_date and o.hash_diff = m.hash_diff
  {%- endset -%}
  {%- set in_window = 's.load_date >= ' ~ window['start'] ~ ' and s.load_date < ' ~ window['end'] -%}
  {{ return(
    vault_temporary_table(vault_temporary(relation, 'present'), presences(meta, in_window))
    + absence_steps(meta, relation, window, late, 't.is_active and', first_after, ['is_active', scope, 'rec_src'])
    + vault_temporary_table(observed, observed_sql)
    + chain_steps(meta, relation, window, late, columns, payload)
    + absence_cleanup(relation)
  ) }}
{% endmacro %}
