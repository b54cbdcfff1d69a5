{#- Not a table: every table's statements as JSON lines, with placeholders for the window, so that a test can run them
    without starting dbt for each load. -#}
{%- set hint = [ref('hub_thing'), ref('sat_thing'), ref('ma_sat_thing'), ref('eff_sat_listed')] -%}
{%- if execute -%}
{%- set window = {'start': "timestamp '<start>'", 'end': "timestamp '<end>'"} -%}
{%- for node in graph.nodes.values() if node.config.get('meta', {}).get('vault') -%}
  {%- set meta = node.config.meta['vault'] -%}
  {%- set relation = api.Relation.create(schema='raw_vault', identifier=node.name) -%}
{{ tojson({
    'name': node.name,
    'meta': meta,
    'create': vault_create_table(relation, meta, '<definition>'),
    'lateness': vault_lateness(meta, relation, window),
    'in_order': vault_steps(meta, relation, window, false, '<definition>'),
    'late': vault_steps(meta, relation, window, true, '<definition>'),
    'one_day': vault_steps(meta, relation, dict(window, is_day=true), false, '<definition>'),
    'settle': vault_settle(relation, meta)
}) }}
{% endfor -%}
{%- endif -%}
