{#-
  The chain of versions that all satellites share.

  The state of a key on a day is its last observation until then; a version is an observation that differs from the
  one before it. Observations that come, go or change inside a window can only change versions inside the window, the
  version at the first observation after it, and the end of the last version before it. So a load repairs this
  stretch of the keys it touches and nothing else, and the result does not depend on the order of loads.

  Temporary tables: `observed` (key, load_date, hash_diff; also the first observation after the window when late),
  `stored` (the versions of these keys that reach into the window or follow it), `stretch` (what they must be). When late,
  `surplus`, `ended` and `missing` are the difference; in order the stretch itself says it: what came from `stored`
  (origin 0) and has an end now is ended, what came from `observed` (origin 1) is missing.
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


{#-
  What the versions of the stretch must be, of `observed` and `stored`, which name tables or queries. `is_single`: each
  key was observed once a day. In order the columns `carried` come with the versions.
-#}
{% macro chain_stretch(meta, relation, window, late, observed, stored, is_single, carried=[]) %}
{%- set key = meta['key'] -%}
{%- set ends_blocks = meta['kind'] == 'multi_active_satellite' and meta.get('dataset') -%}
{%- set knows_absence = ends_blocks or meta['kind'] == 'effectivity_satellite' -%}
{%- set points -%}
      select q.{{ key }}, q.load_date, q.hash_diff, 1 as origin{% for column in carried %}, q.{{ column }}{% endfor %} from {{ observed }} q
      union all
      select q.{{ key }}, q.load_date, q.hash_diff, 0 as origin{% for column in carried %}, q.{{ column }}{% endfor %} from {{ stored }} q
      where q.load_date < {{ window['start'] }}
      {%- if late %}
      union all
      select {{ key }}, load_date, hash_diff, 2 as origin from {{ stored }} where load_date >= {{ window['end'] }}
      {%- endif %}
      {%- if late and ends_blocks %}
      union all
      select {{ key }}, load_end_date, {{ vault_nothing() }}, 3 as origin from {{ stored }}
      where load_end_date >= {{ window['end'] }} and load_end_date < {{ vault_far() }}
      {%- endif %}
{%- endset -%}
select v.{{ key }}, v.load_date, v.hash_diff,
  {%- if not late %} v.origin,{% for column in carried %} v.{{ column }},{% endfor %}{% endif %}
  coalesce(lead(v.load_date) over (partition by v.{{ key }} order by v.load_date), {{ vault_far() }}) as load_end_date
from (
  select o.{{ key }}, o.load_date, o.hash_diff, o.origin,{% for column in carried %} o.{{ column }},{% endfor %}
    lag(o.hash_diff) over (partition by o.{{ key }} order by o.load_date) as hash_diff_before
  from (
  {%- if is_single and not late %}
{{ points }}
  ) as o
  {%- else %}
    select u.*, row_number() over (partition by u.{{ key }}, u.load_date order by u.origin, u.hash_diff) as choice
    from (
{{ points }}
    ) as u
  ) as o
  where o.choice = 1
  {%- endif %}
) as v
where v.hash_diff_before <> v.hash_diff or (v.hash_diff_before is null{{ ' and (v.origin = 0 or v.hash_diff <> ' ~ vault_nothing() ~ ')' if knows_absence }})
{% endmacro %}


{#- The versions to insert, as a table or query: key, load_date, load_end_date, hash_diff. -#}
{% macro chain_missing(meta, relation, late) %}
  {%- if late -%}{{ return(vault_temporary(relation, 'missing')) }}{%- endif -%}
  {{ return('(select n.* from ' ~ vault_temporary(relation, 'stretch') ~ ' n where n.origin = 1'
    ~ (' and n.hash_diff <> ' ~ vault_nothing() if meta['kind'] == 'multi_active_satellite') ~ ')') }}
{% endmacro %}


{#-
  Steps that write the versions: `payload` is the query of the new rows, of chain_missing. In order, `observed` and
  `stored` may be queries that also give `place`, where a row lies: then nothing is looked up by its key again.
-#}
{% macro chain_steps(meta, relation, window, late, columns, payload, is_single=true, observed=none, stored=none, by_place=false) %}
  {%- set key = meta['key'] -%}
  {%- set stretch = vault_temporary(relation, 'stretch') -%}
  {%- set of_observed = observed or vault_temporary(relation, 'observed') -%}
  {%- set of_stored = stored or vault_temporary(relation, 'stored') -%}
  {%- set steps = vault_temporary_table(
    stretch,
    chain_stretch(meta, relation, window, late, of_observed, of_stored, is_single, ['place'] if by_place and not late else [])
  ) -%}
  {%- set cleanup = [stretch] + ([] if observed else [of_observed]) + ([] if stored else [of_stored]) -%}
  {%- if late -%}
    {%- set surplus = vault_temporary(relation, 'surplus') -%}
    {%- set ended = vault_temporary(relation, 'ended') -%}
    {%- set missing = vault_temporary(relation, 'missing') -%}
    {%- set same = 'm.' ~ key ~ ' = c.' ~ key ~ ' and m.load_date = c.load_date and m.hash_diff = c.hash_diff' -%}
    {%- do cleanup.extend([surplus, ended, missing]) -%}
    {%- do steps.extend(vault_temporary_table(surplus,
      'select c.' ~ key ~ ', c.load_date from ' ~ of_stored ~ ' c left join ' ~ stretch ~ ' m on ' ~ same
      ~ ' where m.' ~ key ~ ' is null')) -%}
    {%- do steps.extend(vault_temporary_table(ended,
      'select m.' ~ key ~ ', m.load_date, m.load_end_date from ' ~ of_stored ~ ' c join ' ~ stretch ~ ' m on ' ~ same
      ~ ' where m.load_end_date <> c.load_end_date')) -%}
    {%- do steps.extend(vault_temporary_table(missing,
      'select m.' ~ key ~ ', m.load_date, m.load_end_date, m.hash_diff from ' ~ stretch ~ ' m left join ' ~ of_stored ~ ' c on '
      ~ same ~ ' where c.' ~ key ~ ' is null' ~ (' and m.hash_diff <> ' ~ vault_nothing() if meta['kind'] == 'multi_active_satellite'))) -%}
    {%- do steps.append(['delete', 'delete from ' ~ relation ~ ' using ' ~ surplus ~ ' x where ' ~ relation ~ '.' ~ key
      ~ ' = x.' ~ key ~ ' and ' ~ relation ~ '.load_date = x.load_date']) -%}
    {%- do steps.append(['update', 'update ' ~ relation ~ ' set load_end_date = x.load_end_date from ' ~ ended ~ ' x where '
      ~ relation ~ '.' ~ key ~ ' = x.' ~ key ~ ' and ' ~ relation ~ '.load_date = x.load_date']) -%}
  {%- else -%}
    {%- do steps.append(['update', 'update ' ~ relation ~ ' set load_end_date = x.load_end_date from ' ~ stretch ~ ' x where '
      ~ (relation ~ '.' ~ vault_place() ~ ' = x.place' if by_place else relation ~ '.' ~ key ~ ' = x.' ~ key ~ ' and '
         ~ relation ~ '.load_date = x.load_date and ' ~ relation ~ '.load_end_date = ' ~ vault_far())
      ~ ' and x.origin = 0 and x.load_end_date <> ' ~ vault_far()]) -%}
  {%- endif -%}
  {%- do steps.append(['insert', 'insert into ' ~ relation ~ ' (' ~ columns | join(', ') ~ ')\n' ~ payload]) -%}
  {%- for name in cleanup -%}
    {%- do steps.append(['prepare', 'drop table ' ~ name]) -%}
  {%- endfor -%}
  {{ return(steps) }}
{% endmacro %}


{#- Keys a late load looks at: those observed, and those whose stored versions begin in the window. -#}
{% macro chain_keys(meta, relation, window) %}
select {{ meta['key'] }} from {{ vault_temporary(relation, 'observed') }}
union
select {{ meta['key'] }} from {{ relation }} where load_date >= {{ window['start'] }} and load_date < {{ window['end'] }}
{% endmacro %}
