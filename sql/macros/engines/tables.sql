{#- DDL that differs by engine. -#}

{#- Statements that make the empty table of a model: columns and types are those of its definition. -#}
{% macro vault_create_table(relation, meta, definition) %}
  {{ return(adapter.dispatch('vault_create_table')(relation, meta, definition)) }}
{% endmacro %}

{% macro default__vault_create_table(relation, meta, definition) %}
  {{ return(['create table ' ~ relation ~ ' as select * from (\n' ~ definition ~ '\n) as definition where 1 = 0']) }}
{% endmacro %}

{#- Rows arrive in the order of their days, so a block range index finds a window for next to nothing. -#}
{% macro postgres__vault_create_table(relation, meta, definition) %}
  {{ return(default__vault_create_table(relation, meta, definition) + [
    'create index on ' ~ relation ~ ' using brin (' ~ vault_window_column(meta) ~ ')'
  ]) }}
{% endmacro %}

{#- Tables of one hub lie together; loads and readers both narrow by the date. -#}
{% macro redshift__vault_create_table(relation, meta, definition) %}
  {{ return([
    'create table ' ~ relation ~ ' diststyle key distkey (' ~ meta['key'] ~ ') sortkey (' ~ vault_window_column(meta)
    ~ ') as select * from (\n' ~ definition ~ '\n) as definition where 1 = 0'
  ]) }}
{% endmacro %}

{#- Statistics of a table that was just written: PostgreSQL gathers them late or never, and joins by nested loops meanwhile. -#}
{% macro vault_analyze(name) %}{{ return(adapter.dispatch('vault_analyze')(name)) }}{% endmacro %}
{% macro default__vault_analyze(name) %}{{ return(none) }}{% endmacro %}
{% macro postgres__vault_analyze(name) %}{{ return('analyze ' ~ name) }}{% endmacro %}
{% macro redshift__vault_analyze(name) %}{{ return(none) }}{% endmacro %}

{#- How many rows a statement wrote: DuckDB answers with a row, the others in the cursor. -#}
{% macro vault_rows_written(result) %}{{ return(adapter.dispatch('vault_rows_written')(result)) }}{% endmacro %}
{% macro default__vault_rows_written(result) %}{{ return(result['response'].rows_affected) }}{% endmacro %}
{% macro duckdb__vault_rows_written(result) %}{{ return(result['data'][0][0]) }}{% endmacro %}

{#- Statements as texts that the driver takes at once: Redshift's takes one statement at a time. -#}
{% macro vault_batches(statements) %}{{ return(adapter.dispatch('vault_batches')(statements)) }}{% endmacro %}
{% macro default__vault_batches(statements) %}{{ return([statements | join(';\n')] if statements else []) }}{% endmacro %}
{% macro redshift__vault_batches(statements) %}{{ return(statements) }}{% endmacro %}
