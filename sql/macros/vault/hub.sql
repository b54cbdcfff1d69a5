{#-
  Hub, link, non-historised link: one row per key, with the day and the feed that showed it first (ties: the feed
  whose name is smallest). A row without key is no sighting. An earlier day that comes late moves the sighting back;
  a day staged again without the key moves it to where the key is seen first now, or takes it away.
-#}

{% macro hub(key, columns, sources) %}
  {{- config(meta={'vault': {'kind': 'hub', 'key': key, 'columns': columns, 'sources': sources}}) -}}
  {{- first_sightings({'key': key, 'columns': columns, 'sources': sources}, 'true') -}}
{% endmacro %}


{#- hubs: their hash keys, in the order of the link's name; columns: dependent child keys (a role, an alert's number). -#}
{% macro link(key, hubs, sources, columns=[]) %}
  {{- config(meta={'vault': {'kind': 'link', 'key': key, 'hubs': hubs, 'columns': hubs + columns, 'sources': sources}}) -}}
  {{- first_sightings({'key': key, 'columns': hubs + columns, 'sources': sources}, 'true') -}}
{% endmacro %}


{#-
  Something that happened once: what does not change about it stays in the link. Where two texts of one event are
  possible on one day, name the column of psa that holds their hash: the smallest counts.
-#}
{% macro nh_link(key, hubs, columns, sources, hash_diff=none) %}
  {%- set meta = {'kind': 'nh_link', 'key': key, 'hubs': hubs,
                  'columns': hubs + (['hash_diff'] if hash_diff else []) + columns,
                  'sources': sources, 'hash_diff': hash_diff} -%}
  {{- config(meta={'vault': meta}) -}}
  {{- first_sightings(meta, 'true') -}}
{% endmacro %}


{#- Every sighting for which the condition (over s) holds; with `unknown_to` of keys only that this table lacks. -#}
{% macro sightings(meta, condition, unknown_to=none) %}
  {%- for item in meta['sources'] %}
    {%- set feed = vault_feed(item) -%}
    {%- set named = feed['columns'] -%}
    select s.{{ named.get(meta['key'], meta['key']) }} as {{ meta['key'] }},
      {%- for column in meta['columns'] %} s.{{ named.get(column, meta['hash_diff'] if column == 'hash_diff' else column) }} as {{ column }},{% endfor %} s.load_date, s.rec_src
    from {{ feed['relation'] }} s
    {%- if unknown_to %}
    left join {{ unknown_to }} t on t.{{ meta['key'] }} = s.{{ named.get(meta['key'], meta['key']) }}
    {%- endif %}
    where {{ 't.' ~ meta['key'] ~ ' is null and ' if unknown_to }}s.{{ named.get(meta['key'], meta['key']) }} is not null and {{ condition.replace('{key}', 's.' ~ named.get(meta['key'], meta['key'])) }}
    {%- if not loop.last %}
    union all
    {% endif %}
  {%- endfor %}
{% endmacro %}


{#- With `is_day` the condition holds for one day only: a feed that has each key once a day has nothing to choose from. -#}
{% macro first_sightings(meta, condition, is_day=false, unknown_to=none) -%}
{%- set feed = meta['sources'][0] -%}
{%- set name = feed if feed is string else feed['source'] -%}
{%- set named = {} if feed is string else feed.get('columns', {}) -%}
{%- if is_day and meta['sources'] | length == 1 and vault_is_unique(name, named.get(meta['key'], meta['key'])) -%}
{{ sightings(meta, condition, unknown_to) }}
{%- else -%}
select r.{{ meta['key'] }}, {{ vault_columns(meta['columns'], 'r') }}r.load_date, r.rec_src
from (
  select u.*, row_number() over (
    partition by u.{{ meta['key'] }}
    order by u.load_date, {{ vault_byte_order('u.rec_src') }}{{ ', u.hash_diff' if meta.get('hash_diff') }}
  ) as choice
  from (
    {{ sightings(meta, condition, unknown_to) }}
  ) as u
) as r
where r.choice = 1
{%- endif -%}
{%- endmacro %}


{% macro hub_lateness(meta, relation, window) %}
  {{ return('select count(*) from (select 1 as one from ' ~ relation ~ ' where load_date >= ' ~ window['start']
    ~ ' limit 1) as stored') }}
{% endmacro %}


{% macro hub_steps(meta, relation, window, late) %}
  {%- set key = meta['key'] -%}
  {%- set columns = [key] + meta['columns'] + ['load_date', 'rec_src'] -%}
  {%- set in_window = 's.load_date >= ' ~ window['start'] ~ ' and s.load_date < ' ~ window['end'] -%}
  {%- if not late -%}
    {%- set new_ones = first_sightings(meta, in_window, window.get('is_day'), relation) -%}
    {{ return([['insert', 'insert into ' ~ relation ~ ' (' ~ columns | join(', ') ~ ')\n' ~ new_ones]]) }}
  {%- endif -%}

  {%- set seen = vault_temporary(relation, 'seen') -%}
  {%- set gone = vault_temporary(relation, 'gone') -%}
  {%- set change = vault_temporary(relation, 'change') -%}
  {%- set gone_sql -%}
select t.{{ key }}
from {{ relation }} t
left join {{ seen }} n on n.{{ key }} = t.{{ key }}
where t.load_date >= {{ window['start'] }} and t.load_date < {{ window['end'] }} and n.{{ key }} is null
  {%- endset -%}
  {%- set change_sql -%}
select n.{{ columns | join(', n.') }}
from {{ seen }} n
left join {{ relation }} t on t.{{ key }} = n.{{ key }}
where t.{{ key }} is null
  or n.load_date < t.load_date
  or (n.load_date = t.load_date and {{ vault_byte_order('n.rec_src') }} < {{ vault_byte_order('t.rec_src') }})
  {%- if meta.get('hash_diff') %}
  or (n.load_date = t.load_date and n.rec_src = t.rec_src and n.hash_diff < t.hash_diff)
  {%- endif %}
  or (t.load_date >= {{ window['start'] }} and t.load_date < {{ window['end'] }}
      and (n.load_date <> t.load_date or n.rec_src <> t.rec_src{{ ' or n.hash_diff <> t.hash_diff' if meta.get('hash_diff') }}))
union all
select w.{{ columns | join(', w.') }}
from (
{{ first_sightings(meta, '{key} in (select ' ~ key ~ ' from ' ~ gone ~ ')') }}
) as w
  {%- endset -%}
  {{ return(
    vault_temporary_table(seen, first_sightings(meta, in_window))
    + vault_temporary_table(gone, gone_sql)
    + vault_temporary_table(change, change_sql)
    + [
      ['delete', 'delete from ' ~ relation ~ ' where ' ~ key ~ ' in (select ' ~ key ~ ' from ' ~ gone
        ~ ' union all select ' ~ key ~ ' from ' ~ change ~ ')'],
      ['insert', 'insert into ' ~ relation ~ ' (' ~ columns | join(', ') ~ ')\nselect ' ~ columns | join(', ')
        ~ ' from ' ~ change],
      ['prepare', 'drop table ' ~ seen], ['prepare', 'drop table ' ~ gone], ['prepare', 'drop table ' ~ change]
    ]
  ) }}
{% endmacro %}
