{#-
  The one materialization of the vault. A model's compiled SQL is its definition: the whole table as a function of
  what was staged. This materialization never runs that query over history: it makes the table with the definition's
  columns, then runs the statements that repair the window of days, in one transaction, and writes the difference.

  Window: [--event-time-start, --event-time-end). These flags are read here and not at parse time, so that a new
  window does not throw away dbt's partial parse. Without them the window is all time.
-#}
{% materialization vault, default %}
  {%- set meta = config.get('meta')['vault'] -%}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {%- if existing is not none and (should_full_refresh() or not existing.is_table) -%}
    {%- do adapter.drop_relation(existing) -%}
    {%- set existing = none -%}
  {%- endif -%}
  {%- set window = vault_window() -%}
  {#- A table that is new is filled from everything staged: days before the window may be there already. -#}
  {%- if existing is none -%}{%- set window = vault_all_days() -%}{%- endif -%}
  {%- set written = {'insert': 0, 'update': 0, 'delete': 0} -%}

  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}

  {%- if existing is none -%}
    {%- do vault_keep_contract(sql) -%}
    {%- for ddl in vault_create_table(target_relation, meta, sql) -%}
      {%- call statement('create_table') -%}{{ ddl }}{%- endcall -%}
    {%- endfor -%}
  {%- endif -%}

  {%- set definition = local_md5(sql) -%}
  {%- call statement('standing', fetch_result=True) -%}
select ({{ vault_lateness(meta, target_relation, window) }}) as late, ({{ vault_last_loaded_by(definition) }}) as is_known,
  a.first_day, a.last_day
from ({{ vault_parsed_again() }}) as a
  {%- endcall -%}
  {%- set standing = load_result('standing')['data'][0] -%}
  {%- set late = standing[0] | int > 0 -%}
  {#- Staged rows of other days were parsed again since this table was loaded: the window reaches to them. -#}
  {%- if existing is not none and standing[2] is not none -%}
    {%- set window = vault_reaching(window, standing[2], standing[3]) -%}
    {%- set late = true -%}
  {%- endif -%}
  {#- Comparing columns asks the engine's catalogue twice: only where another definition loaded the table last. -#}
  {%- if existing is not none and standing[1] | int == 0 -%}
    {%- do vault_keep_contract(sql) -%}
    {%- do vault_add_columns(target_relation, sql) -%}
  {%- endif -%}

  {#- A statement costs dbt more than it costs the engine, so what leads up to a write goes with it. -#}
  {%- set pending = [] -%}
  {%- for what, statement_sql in vault_steps(meta, target_relation, window, late, sql) -%}
    {%- do pending.append(statement_sql) -%}
    {%- if what in written -%}
      {%- for batch in vault_batches(pending) -%}
        {%- call statement('write', fetch_result=(target.type == 'duckdb')) -%}{{ batch }}{%- endcall -%}
      {%- endfor -%}
      {%- do written.update({what: written[what] + vault_rows_written(load_result('write')) | int}) -%}
      {%- do pending.clear() -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if written['insert'] + written['update'] + written['delete'] > 0 and vault_settle(target_relation, meta) -%}
    {%- do pending.append(vault_settle(target_relation, meta)) -%}
  {%- endif -%}
  {%- do pending.append(vault_load_log_entry(meta, window, late, written, definition)) -%}

  {%- set summary = written['insert'] ~ ' inserted, ' ~ written['update'] ~ ' ended, ' ~ written['delete'] ~ ' deleted'
      ~ (', late path' if late else '') -%}
  {%- call noop_statement('main', summary, 'VAULT', written['insert'] + written['update'] + written['delete']) -%}
    {{ sql }}
  {%- endcall -%}
  {%- for batch in vault_batches(pending) -%}
    {%- call statement('load_log') -%}{{ batch }}{%- endcall -%}
  {%- endfor -%}

  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {%- do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke(existing, full_refresh_mode=False)) -%}
  {%- do persist_docs(target_relation, model) -%}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}

  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{#- The window as SQL literals, start inclusive, end exclusive, and whether it is one day. -#}
{% macro vault_window() %}
  {%- set start = (invocation_args_dict.get('event_time_start') or '0001-01-01 00:00:00') | string -%}
  {%- set end = (invocation_args_dict.get('event_time_end') or '9999-12-31 00:00:00') | string -%}
  {%- set day = modules.datetime.datetime.strptime(start[:10], '%Y-%m-%d') -%}
  {{ return({
    'start': "timestamp '" ~ start[:19] ~ "'",
    'end': "timestamp '" ~ end[:19] ~ "'",
    'is_day': start[11:19] == '00:00:00' and end[:19].replace('T', ' ') == (day + modules.datetime.timedelta(days=1)) | string
  }) }}
{% endmacro %}


{#- The window of all time. -#}
{% macro vault_all_days() %}
  {{ return({'start': "timestamp '0001-01-01 00:00:00'", 'end': "timestamp '9999-12-31 00:00:00'"}) }}
{% endmacro %}


{#- The window made wide enough for the days from first to last. Its literals compare as texts. -#}
{% macro vault_reaching(window, first, last) %}
  {%- set start = "timestamp '" ~ (first | string)[:10] ~ " 00:00:00'" -%}
  {%- set end = "timestamp '" ~ ((last + modules.datetime.timedelta(days=1)) | string)[:10] ~ " 00:00:00'" -%}
  {{ return({'start': [window['start'], start] | min, 'end': [window['end'], end] | max}) }}
{% endmacro %}


{#- End of a version that no later observation has ended. -#}
{% macro vault_far() %}{{ return("timestamp '9999-12-31 00:00:00'") }}{% endmacro %}


{#- The column by which a window cuts a table of the kind. -#}
{% macro vault_window_column(meta) %}{{ return(meta.get('day') or ('as_of' if meta['kind'] == 'pit' else 'load_date')) }}{% endmacro %}


{#- A column added to a declaration appears in the table. Stored rows keep NULL, which is what their hash says. -#}
{% macro vault_add_columns(relation, definition) %}
  {%- set stored = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
  {%- set declared = vault_defined_columns(definition) -%}
  {%- for column in declared if column.name | lower not in stored -%}
    {%- call statement('add_column') -%}
      alter table {{ relation }} add column {{ column.name }} {{ column.data_type }}
    {%- endcall -%}
  {%- endfor -%}
  {%- set declared_names = declared | map(attribute='name') | map('lower') | list -%}
  {%- for name in stored if name not in declared_names -%}
    {%- do exceptions.raise_compiler_error(
      relation ~ ' has the column ' ~ name ~ ', its model no longer has. Load all days again with --full-refresh.'
    ) -%}
  {%- endfor -%}
{% endmacro %}


{#- Name of a temporary table of the model that is running. -#}
{% macro vault_temporary(relation, what) %}{{ return('_' ~ relation.identifier ~ '_' ~ what) }}{% endmacro %}


{#- Steps that make a temporary table. -#}
{% macro vault_temporary_table(name, select) %}
  {%- set steps = [
    ['prepare', 'create temporary table ' ~ name ~ ' as\n' ~ select]
  ] -%}
  {%- if vault_analyze(name) -%}{%- do steps.append(['prepare', vault_analyze(name)]) -%}{%- endif -%}
  {{ return(steps) }}
{% endmacro %}


{#- Query with one number: more than 0 where days at or after the window are already in the table or staged. -#}
{% macro vault_lateness(meta, relation, window) %}
  {%- set kind = meta['kind'] -%}
  {%- if kind in ('hub', 'link', 'nh_link') -%}
    {{ return(hub_lateness(meta, relation, window)) }}
  {%- elif kind == 'satellite' -%}
    {{ return(satellite_lateness(meta, relation, window)) }}
  {%- elif kind == 'multi_active_satellite' -%}
    {{ return(satellite_lateness(meta, relation, window)) }}
  {%- elif kind == 'effectivity_satellite' -%}
    {{ return(satellite_lateness(meta, relation, window)) }}
  {%- else -%}
    {{ return('select 1') }}
  {%- endif -%}
{% endmacro %}


{#- Statements of a load, in order: [['prepare' | 'delete' | 'update' | 'insert', sql], ...]. -#}
{% macro vault_steps(meta, relation, window, late, definition) %}
  {%- set kind = meta['kind'] -%}
  {%- if kind in ('hub', 'link', 'nh_link') -%}
    {{ return(hub_steps(meta, relation, window, late)) }}
  {%- elif kind == 'satellite' -%}
    {{ return(satellite_steps(meta, relation, window, late)) }}
  {%- elif kind == 'multi_active_satellite' -%}
    {{ return(multi_active_satellite_steps(meta, relation, window, late)) }}
  {%- elif kind == 'effectivity_satellite' -%}
    {{ return(effectivity_satellite_steps(meta, relation, window, late)) }}
  {%- elif kind == 'pit' -%}
    {{ return(pit_steps(meta, relation, window)) }}
  {%- elif kind == 'computed' -%}
    {{ return(computed_steps(meta, relation, window, definition)) }}
  {%- else -%}
    {%- do exceptions.raise_compiler_error('No vault table is of the kind ' ~ kind) -%}
  {%- endif -%}
{% endmacro %}
