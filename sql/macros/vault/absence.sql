{#-
  When something is known to be gone. A list that was fetched whole is an observation of everything it could have
  held: what was in it before and is not now, is absent. A list that failed, came in part or was not asked for says
  nothing. So an absence is the first complete list of the scope after a presence, unless the key was seen in between.
  Which lists were complete stands in psa.fetch_ledger; a relation that hangs on one object (its author, its milestone)
  is complete whenever that object itself was observed. The scope belongs to the key: one key is listed in one scope.
-#}

{#- Column that holds the scope, in the source and in the table. -#}
{% macro absence_scope(meta) %}{{ return(meta.get('driving_key') or 'scope') }}{% endmacro %}


{#- (scope, load_date) of every complete list for which the condition (over c) holds. -#}
{% macro complete_lists(meta, condition) %}
{%- if meta.get('driving_key') -%}
select c.{{ meta['driving_key'] }} as scope, c.load_date
from {{ vault_source(meta['observed_in']) }} c
{%- if meta.get('dataset') %}
join {{ vault_source('fetch_ledger') }} l
  on l.dataset = '{{ meta['dataset'] }}' and l.scope = c.scope and l.load_date = c.load_date and l.state = 'complete'
{%- endif %}
where c.{{ meta['driving_key'] }} is not null
  {%- if meta['observed_in'] == meta['source'] and not meta['null_is_absence'] %} and c.{{ meta['source_key'] }} is not null{% endif %} and {{ condition }}
{%- else -%}
select c.scope, c.load_date
from {{ vault_source('fetch_ledger') }} c
where c.dataset = '{{ meta['dataset'] }}' and c.state = 'complete' and c.coverage in ('full', 'empty') and {{ condition }}
{%- endif -%}
{% endmacro %}


{#-
  (key, load_date, scope, rec_src) of the absences that follow the presences: present has key, load_date, scope, rec_src,
  complete has scope, load_date; both are names of tables or common table expressions. With `origins` present also holds
  the first presence after the window (origin 2): it ends the wait for an absence, but what follows it is not asked here.
-#}
{% macro absences(key, present, complete, origins=false) %}
select p.{{ key }}, c.next_complete as load_date, p.scope, p.rec_src
from (
  select q.{{ key }}, q.load_date, q.scope, q.rec_src{{ ', q.origin' if origins }},
    lead(q.load_date) over (partition by q.{{ key }} order by q.load_date) as next_present
  from {{ present }} q
) as p
join (
  select d.scope, d.load_date, min(d.complete_date) over (
    partition by d.scope order by d.load_date desc rows between unbounded preceding and 1 preceding
  ) as next_complete
  from (
    select e.scope, e.load_date, max(e.complete_date) as complete_date
    from (
      select scope, load_date, load_date as complete_date from {{ complete }}
      union all
      select scope, load_date, cast(null as timestamp) as complete_date from {{ present }}
    ) as e
    group by e.scope, e.load_date
  ) as d
) as c on c.scope = p.scope and c.load_date = p.load_date
where c.next_complete is not null and (p.next_present is null or c.next_complete < p.next_present)
  {%- if origins %} and p.origin < 2{% endif %}
{% endmacro %}


{#-
  Steps from `present` (presences of the window) to `points` and `stored`: who was there before the window, who is in it,
  and, when late, who is seen first after it. Needs `present`, leaves `complete`, `stored` and `points`.
-#}
{% macro absence_steps(meta, relation, window, late, still_there, first_after, remembers) %}
  {%- set key = meta['key'] -%}
  {%- set scope = absence_scope(meta) -%}
  {%- set complete = vault_temporary(relation, 'complete') -%}
  {%- set present = vault_temporary(relation, 'present') -%}
  {%- set keys = vault_temporary(relation, 'keys') -%}
  {%- set stored = vault_temporary(relation, 'stored') -%}
  {%- set points = vault_temporary(relation, 'points') -%}
  {%- set in_window = 'c.load_date >= ' ~ window['start'] ~ ' and c.load_date < ' ~ window['end'] -%}
  {%- set complete_sql -%}
{{ complete_lists(meta, in_window) }}
{%- if late %}
union all
select f.scope, min(f.load_date) as load_date
from (
{{ complete_lists(meta, 'c.load_date >= ' ~ window['end']) }}
) as f
group by f.scope
{%- endif %}
  {%- endset -%}
  {%- set keys_sql -%}
select {{ key }} from {{ present }}
union
select t.{{ key }}
from {{ relation }} t
join {{ complete }} c on c.scope = t.{{ scope }} and c.load_date < {{ window['end'] }}
where {{ still_there }} t.load_date < {{ window['start'] }} and t.load_end_date {{ '>= ' ~ window['start'] if late else '= ' ~ vault_far() }}
{%- if late %}
union
select {{ key }} from {{ relation }} where load_date >= {{ window['start'] }} and load_date < {{ window['end'] }}
{%- endif %}
{%- if late and meta['kind'] == 'multi_active_satellite' %}
union
select {{ key }} from {{ relation }} where load_end_date >= {{ window['start'] }} and load_end_date < {{ window['end'] }}
{%- endif %}
  {%- endset -%}
  {%- set points_sql -%}
select {{ key }}, load_date, scope, rec_src, hash_diff, 1 as origin from {{ present }}
union all
select t.{{ key }}, t.load_date, t.{{ scope }} as scope, {{ 't.rec_src' if 'rec_src' in remembers else "cast('' as varchar(1))" }} as rec_src, t.hash_diff, 0 as origin
from {{ stored }} t
where {{ still_there }} t.load_date < {{ window['start'] }}
{%- if late %}
union all
select {{ key }}, load_date, scope, rec_src, hash_diff, 2 as origin
from (
{{ first_after }}
) as f
{%- endif %}
  {%- endset -%}
  {{ return(
    vault_temporary_table(complete, complete_sql)
    + vault_temporary_table(keys, keys_sql)
    + vault_temporary_table(stored, chain_stored(meta, relation, window, late, 'select ' ~ key ~ ' from ' ~ keys, remembers))
    + vault_temporary_table(points, points_sql)
  ) }}
{% endmacro %}


{% macro absence_cleanup(relation) %}
  {%- set steps = [] -%}
  {%- for name in ['present', 'complete', 'keys', 'points'] -%}
    {%- do steps.append(['prepare', 'drop table ' ~ vault_temporary(relation, name)]) -%}
  {%- endfor -%}
  {{ return(steps) }}
{% endmacro %}
