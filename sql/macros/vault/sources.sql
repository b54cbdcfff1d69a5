{#- How a model names what feeds it: 'issues' is psa.issues, 'psa_pii.users' is psa_pii.users. -#}
{% macro vault_source(name) %}
  {%- if '.' in name -%}
    {{ return(source(name.split('.')[0], name.split('.')[1])) }}
  {%- else -%}
    {{ return(source('psa', name)) }}
  {%- endif -%}
{% endmacro %}


{#-
  A feed is a table's name, or a mapping where its columns are called otherwise:
  {'source': 'issue_comments', 'columns': {'user_hk': 'author_hk', 'user_id': 'author_id'}}.
-#}
{% macro vault_feed(feed) %}
  {%- if feed is string -%}
    {{ return({'relation': vault_source(feed), 'columns': {}}) }}
  {%- else -%}
    {{ return({'relation': vault_source(feed['source']), 'columns': feed.get('columns', {})}) }}
  {%- endif -%}
{% endmacro %}


{#- 'prefix.a, prefix.b, ' for a list of columns; empty for an empty list. -#}
{% macro vault_columns(columns, prefix) %}
  {%- set names = [] -%}
  {%- for column in columns -%}{%- do names.append(prefix ~ '.' ~ column ~ ', ') -%}{%- endfor -%}
  {{ return(names | join('')) }}
{% endmacro %}


{#-
  The columns a satellite keeps: those named in its model, else those that the catalogue hashes into its hash_diff, which
  psa.yml carries as metadata. So a column declared there is in psa, in the hash and in the satellite at once.
-#}
{% macro vault_kept_columns(columns, source_name, hash_diff) %}
  {%- if columns is not none or not execute -%}{{ return(vault_quoted(columns or [])) }}{%- endif -%}
  {{ return(vault_quoted(vault_staged_as(source_name)['hash_diffs'][hash_diff])) }}
{% endmacro %}


{#- Names that GitHub gave in quotes, for language and permissions are words of Redshift's own. -#}
{% macro vault_quoted(columns) %}
  {%- set names = [] -%}
  {%- for column in columns -%}{%- do names.append('"' ~ column ~ '"') -%}{%- endfor -%}
  {{ return(names) }}
{% endmacro %}


{#- Whether the staged table has each value of this hash key once a day: psa.yml says of which it does. -#}
{% macro vault_is_unique(source_name, key) %}
  {{ return(execute and key in vault_staged_as(source_name).get('unique', [])) }}
{% endmacro %}


{#- What psa.yml says of a staged table beside its columns. -#}
{% macro vault_staged_as(source_name) %}
  {%- set schema = source_name.split('.')[0] if '.' in source_name else 'psa' -%}
  {%- set table = source_name.split('.')[-1] -%}
  {%- for node in graph.sources.values() if node.source_name == schema and node.name == table -%}
    {{ return(node.config.meta) }}
  {%- endfor -%}
  {{ return({}) }}
{% endmacro %}
