{#- Schemas have the same fixed names on every engine and target: the layer's name, nothing before it. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
