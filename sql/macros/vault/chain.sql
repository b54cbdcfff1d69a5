{#-
  The chain of versions that all satellites share.

  The state of a key on a day is its last observation until then; a version is an observation that differs from the
  one before it. Observations that come, go or change inside a window can only change versions inside the window, the
  version at the first observation after it, and the end of the last version before it. So a load repairs this
  stretch of the keys it touches and nothing else, and the result does not depend on the order of loads.

  Temporary tables: `observed` (key, load_date, hash_diff; also the first observation after the window when late),
  `stored` (the versions of these keys that reach into the window or follow it), `stretch` (what they must be),
  `surplus`, `ended` and `missing` (the difference).
-#}

{% macro satellite_lateness(meta, relation, window) %}
  {%- set queries = [
    'select 1 as one from ' ~ relation ~ ' where load_date >= ' ~ window['start'] ~ ' limit 1',
    'select 1 as one from ' ~ vault_source(meta['source']) ~ ' where load_date >= ' ~ window['end'] ~ ' limit 1'
  ] -%}
  {%- if meta.get('observed_in') and meta['observed_in'] != meta['source'] -%}
    {%- do queries.append('select 1 as one from ' ~ vault_source(meta['observed_in']) ~ ' where load_date >= '
      ~ window['end'] ~ ' limit 1') -%}
  {%- endif -%}
  {%- if meta.get('dataset') -%}
    {%- do queries.append('select 1 as one from ' ~ vault_source('fetch_ledger') ~ ' where load_date >= ' ~ window['end']
      ~ " and dataset = '" ~ meta['dataset'] ~ "' limit 1") -%}
  {%- endif -%}
  {%- if meta.get('dataset') and meta['kind'] == 'multi_active_satellite' -%}
    {%- do queries.append('select 1 as one from ' ~ relation ~ ' where load_end_date >= ' ~ window['start']
      ~ ' and load_end_date < ' ~ vault_far() ~ ' limit 1') -%}
  {%- endif -%}
  {{ return('select count(*) from (select * from (' ~ queries | join(') as q union all select * from (') ~ ') as q) as days') }}
{% endmacro %}


{#-
  The hash of an absence. It follows a presence or it is none: an absence before every presence is dropped. In an
  effectivity satellite it is a version; in a multi-active one it ends a version without beginning another.
-#}
{% macro vault_nothing() %}{{ return(vault_hash("''")) }}{% endmacro %}


{#- Stored versions of the keys in question. In order only open ones matter. A block of many rows counts once. -#}
{% macro chain_stored(meta, relation, window, late, keys, extra=[]) %}
select {{ 'distinct ' if meta['kind'] == 'multi_active_satellite' }}t.{{ meta['key'] }}, t.load_date, t.load_end_date, t.hash_diff
  {%- for column in extra %}, t.{{ column }}{% endfor %}
from {{ relation }} t
where t.load_end_date {{ '>= ' ~ window['start'] if late else '= ' ~ vault_far() }}
  and t.{{ meta['key'] }} in ({{ keys }})
{% endmacro %}


{#- What the versions of the stretch must be. -#}
{% macro chain_stretch(meta, relation, window, late) %}
{%- set key = meta['key'] -%}
{%- set stored = vault_temporary(relation, 'stored') -%}
{%- set ends_blocks = meta['kind'] == 'multi_active_satellite' and meta.get('dataset') -%}
{%- set knows_absence = ends_blocks or meta['kind'] == 'effectivity_satellite' -%}
select v.{{ key }}, v.load_date, v.hash_diff,
  coalesce(lead(v.load_date) over (partition by v.{{ key }} order by v.load_date), {{ vault_far() }}) as load_end_date
from (
  select o.{{ key }}, o.load_date, o.hash_diff, o.origin,
    lag(o.hash_diff) over (partition by o.{{ key }} order by o.load_date) as hash_diff_before
  from (
    select u.{{ key }}, u.load_date, u.hash_diff, u.origin,
      row_number() over (partition by u.{{ key }}, u.load_date order by u.origin, u.hash_diff) as choice
    from (
      select {{ key }}, load_date, hash_diff, 1 as origin from {{ vault_temporary(relation, 'observed') }}
      union all
      select {{ key }}, load_date, hash_diff, 0 as origin from {{ stored }} where load_date < {{ window['start'] }}
      {%- if late %}
      union all
      select {{ key }}, load_date, hash_diff, 2 as origin from {{ stored }} where load_date >= {{ window['end'] }}
      {%- endif %}
      {%- if late and ends_blocks %}
      union all
      select {{ key }}, load_end_date, {{ vault_nothing() }}, 3 as origin from {{ stored }}
      where load_end_date >= {{ window['end'] }} and load_end_date < {{ vault_far() }}
      {%- endif %}
    ) as u
  ) as o
  where o.choice = 1
) as v
where v.hash_diff_before <> v.hash_diff or (v.hash_diff_before is null{{ ' and (v.origin = 0 or v.hash_diff <> ' ~ vault_nothing() ~ ')' if knows_absence }})
{% endmacro %}


{#- Steps from `observed` and `stored` to the difference, written. `payload`: query of the new rows, joined to `missing`. -#}
{% macro chain_steps(meta, relation, window, late, columns, payload) %}
  {%- set key = meta['key'] -%}
  {%- set stored = vault_temporary(relation, 'stored') -%}
  {%- set stretch = vault_temporary(relation, 'stretch') -%}
  {%- set surplus = vault_temporary(relation, 'surplus') -%}
  {%- set ended = vault_temporary(relation, 'ended') -%}
  {%- set missing = vault_temporary(relation, 'missing') -%}
  {%- set same = 'm.' ~ key ~ ' = c.' ~ key ~ ' and m.load_date = c.load_date and m.hash_diff = c.hash_diff' -%}
  {%- set steps = vault_temporary_table(stretch, chain_stretch(meta, relation, window, late)) -%}
  {%- if late -%}
    {%- do steps.extend(vault_temporary_table(surplus,
      'select c.' ~ key ~ ', c.load_date from ' ~ stored ~ ' c left join ' ~ stretch ~ ' m on ' ~ same
      ~ ' where m.' ~ key ~ ' is null')) -%}
  {%- endif -%}
  {%- do steps.extend(vault_temporary_table(ended,
    'select m.' ~ key ~ ', m.load_date, m.load_end_date from ' ~ stored ~ ' c join ' ~ stretch ~ ' m on ' ~ same
    ~ ' where m.load_end_date <> c.load_end_date')) -%}
  {%- do steps.extend(vault_temporary_table(missing,
    'select m.' ~ key ~ ', m.load_date, m.load_end_date, m.hash_diff from ' ~ stretch ~ ' m left join ' ~ stored ~ ' c on '
    ~ same ~ ' where c.' ~ key ~ ' is null' ~ (' and m.hash_diff <> ' ~ vault_nothing() if meta['kind'] == 'multi_active_satellite'))) -%}
  {%- if late -%}
    {%- do steps.append(['delete', 'delete from ' ~ relation ~ ' using ' ~ surplus ~ ' x where ' ~ relation ~ '.' ~ key
      ~ ' = x.' ~ key ~ ' and ' ~ relation ~ '.load_date = x.load_date']) -%}
  {%- endif -%}
  {%- do steps.append(['update', 'update ' ~ relation ~ ' set load_end_date = x.load_end_date from ' ~ ended ~ ' x where '
    ~ relation ~ '.' ~ key ~ ' = x.' ~ key ~ ' and ' ~ relation ~ '.load_date = x.load_date']) -%}
  {%- do steps.append(['insert', 'insert into ' ~ relation ~ ' (' ~ columns | join(', ') ~ ')\n' ~ payload]) -%}
  {%- for name in ['observed', 'stored', 'stretch', 'ended', 'missing'] + (['surplus'] if late else []) -%}
    {%- do steps.append(['prepare', 'drop table ' ~ vault_temporary(relation, name)]) -%}
  {%- endfor -%}
  {{ return(steps) }}
{% endmacro %}


{#- Keys a late load looks at: those observed, and those whose stored versions begin in the window. -#}
{% macro chain_keys(meta, relation, window) %}
select {{ meta['key'] }} from {{ vault_temporary(relation, 'observed') }}
union
select {{ meta['key'] }} from {{ relation }} where load_date >= {{ window['start'] }} and load_date < {{ window['end'] }}
{% endmacro %}
