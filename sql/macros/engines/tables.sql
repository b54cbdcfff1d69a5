{#- DDL that differs by engine. -#}

{#- Statements that make the empty table of a model: columns and types are those of its definition. -#}
{% macro vault_create_table(relation, meta, definition) %}
  {{ return(adapter.dispatch('vault_create_table')(relation, meta, definition)) }}
{% endmacro %}

{% macro default__vault_create_table(relation, meta, definition) %}
  {{ return(['create table ' ~ relation ~ ' as select * from (\n' ~ definition ~ '\n) as definition where 1 = 0']) }}
{% endmacro %}

{#-
  Tables of one hub lie together; loads and readers both narrow by the date. Redshift may say of a column whose first
  rows are NULL that it is text, so types come from the contract and not from the definition.
-#}
{% macro redshift__vault_create_table(relation, meta, definition) %}
  {{ return([
    'create table ' ~ relation ~ ' (' ~ redshift_columns() | join(', ') ~ ') diststyle key distkey (' ~ meta['key']
    ~ ') sortkey (' ~ vault_window_column(meta) ~ ')'
  ]) }}
{% endmacro %}

{#- Names and types of the running model's contract, as Redshift has them. -#}
{% macro redshift_columns() %}
  {%- set columns = [] -%}
  {%- for column in model.columns.values() -%}
    {%- do columns.append('"' ~ column.name ~ '" ' ~ redshift_type(column.data_type)) -%}
  {%- endfor -%}
  {{ return(columns) }}
{% endmacro %}
{% macro redshift_type(type) %}{{ return('char(32)' if type == 'uuid' else type) }}{% endmacro %}

{#- Tables that dbt makes itself: with the contract's types, for the same reason. -#}
{% macro redshift__create_table_as(temporary, relation, sql) %}
  {%- set names = '"' ~ model.columns.values() | map(attribute='name') | join('", "') ~ '"' -%}
create table {{ relation }} ({{ redshift_columns() | join(', ') }});
insert into {{ relation }} ({{ names }})
select {{ names }} from (
{{ sql }}
) as definition
{% endmacro %}

{#- Names and types of a definition's columns: [{'name', 'data_type'}]. -#}
{% macro vault_defined_columns(definition) %}{{ return(adapter.dispatch('vault_defined_columns')(definition)) }}{% endmacro %}
{% macro default__vault_defined_columns(definition) %}{{ return(get_column_schema_from_query(definition)) }}{% endmacro %}
{% macro redshift__vault_defined_columns(definition) %}
  {%- set columns = [] -%}
  {%- for column in model.columns.values() -%}
    {%- do columns.append({'name': column.name, 'data_type': redshift_type(column.data_type)}) -%}
  {%- endfor -%}
  {{ return(columns) }}
{% endmacro %}

{#- Names and types of a query's columns are those that the model's yml promises; otherwise the model fails. -#}
{% macro vault_keep_contract(definition) %}{{ return(adapter.dispatch('vault_keep_contract')(definition)) }}{% endmacro %}
{% macro default__vault_keep_contract(definition) %}
  {%- set contract = config.get('contract') -%}
  {%- if contract and contract.enforced -%}{%- do get_assert_columns_equivalent(definition) -%}{%- endif -%}
{% endmacro %}
{#- The table is made of the contract, and rows that do not fit are refused. -#}
{% macro redshift__vault_keep_contract(definition) %}{% endmacro %}

{#- Statistics of a temporary table: PostgreSQL has none by itself, and joins by nested loops meanwhile. -#}
{% macro vault_analyze(name) %}{{ return(adapter.dispatch('vault_analyze')(name)) }}{% endmacro %}
{% macro default__vault_analyze(name) %}{{ return(none) }}{% endmacro %}
{% macro postgres__vault_analyze(name) %}{{ return('analyze ' ~ name) }}{% endmacro %}
{% macro redshift__vault_analyze(name) %}{{ return(none) }}{% endmacro %}

{#- Statement that a table needs after it was written to, or none. -#}
{% macro vault_settle(relation, meta) %}{{ return(adapter.dispatch('vault_settle')(relation, meta)) }}{% endmacro %}
{% macro default__vault_settle(relation, meta) %}{{ return(none) }}{% endmacro %}
{% macro redshift__vault_settle(relation, meta) %}{{ return(none) }}{% endmacro %}

{#-
  Indexes are made after the first rows, which costs a third of keeping them meanwhile. Rows arrive in the order of
  their days, so a block range index finds a window for next to nothing; blocks that came since it was summarized last
  it would return all. Open versions have an index of their own: a day finds those it may end without reading what ended
  before. PostgreSQL gathers statistics late or never, which matters where a table has grown by a quarter since.
-#}
{% macro postgres__vault_settle(relation, meta) %}
  {%- set days = relation.identifier ~ '_days' -%}
  {%- set statements = ['create index if not exists ' ~ days ~ ' on ' ~ relation ~ ' using brin (' ~ vault_window_column(meta) ~ ')'] -%}
  {%- if meta['kind'] in ('satellite', 'multi_active_satellite', 'effectivity_satellite') -%}
    {%- do statements.append('create index if not exists ' ~ relation.identifier ~ '_open on ' ~ relation ~ ' (' ~ meta['key']
        ~ ') where load_end_date = ' ~ vault_far()) -%}
  {%- endif -%}
  {%- set rest -%}
do $settle$
begin
  if (select c.reltuples < 0 or pg_relation_size(c.oid) > 1.25 * current_setting('block_size')::bigint * c.relpages
      from pg_class c where c.oid = '{{ relation }}'::regclass) then
    analyze {{ relation }};
  end if;
  perform brin_summarize_new_values('{{ relation.schema }}.{{ days }}'::regclass);
end
$settle$
  {%- endset -%}
  {{ return((['set local client_min_messages = warning'] + statements + [rest]) | join(';\n')) }}
{% endmacro %}

{#- Where a row lies, which holds for the length of a transaction; none where an engine does not say. -#}
{% macro vault_place() %}{{ return(adapter.dispatch('vault_place')()) }}{% endmacro %}
{% macro default__vault_place() %}{{ return('rowid') }}{% endmacro %}
{% macro postgres__vault_place() %}{{ return('ctid') }}{% endmacro %}
{% macro redshift__vault_place() %}{{ return(none) }}{% endmacro %}

{#- How many rows a statement wrote: DuckDB answers with a row, the others in the cursor. -#}
{% macro vault_rows_written(result) %}{{ return(adapter.dispatch('vault_rows_written')(result)) }}{% endmacro %}
{% macro default__vault_rows_written(result) %}{{ return(result['response'].rows_affected) }}{% endmacro %}
{% macro duckdb__vault_rows_written(result) %}{{ return(result['data'][0][0]) }}{% endmacro %}

{#- Statements as texts that the driver takes at once: Redshift's takes one statement at a time. -#}
{% macro vault_batches(statements) %}{{ return(adapter.dispatch('vault_batches')(statements)) }}{% endmacro %}
{% macro default__vault_batches(statements) %}{{ return([statements | join(';\n')] if statements else []) }}{% endmacro %}
{% macro redshift__vault_batches(statements) %}{{ return(statements) }}{% endmacro %}

{#-
  Run before a model that reads whole tables. PostgreSQL takes a chain of common table expressions for one row each and
  joins them by nested loops: two hundred pull requests took more than nine minutes, and 0.03 seconds by hashes.
-#}
{% macro before_whole_tables() %}{{ return(adapter.dispatch('before_whole_tables')()) }}{% endmacro %}
{% macro default__before_whole_tables() %}{{ return('') }}{% endmacro %}
{% macro postgres__before_whole_tables() %}{{ return('set local enable_nestloop = off') }}{% endmacro %}
{% macro redshift__before_whole_tables() %}{{ return('') }}{% endmacro %}
