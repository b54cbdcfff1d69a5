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
