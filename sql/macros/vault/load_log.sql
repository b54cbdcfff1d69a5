{#- What each load wrote. It is a log, so it says when: no vault table does. -#}

{% macro create_vault_load_log() %}
  {%- if execute and flags.WHICH in ('run', 'build') -%}
    {%- do adapter.create_schema(api.Relation.create(database=target.database, schema='metrics_vault')) -%}
    create table if not exists metrics_vault.vault_load_log (
      invocation_id varchar(36),
      table_schema varchar(63),
      table_name varchar(63),
      kind varchar(30),
      window_start timestamp,
      window_end timestamp,
      is_late boolean,
      rows_inserted bigint,
      rows_ended bigint,
      rows_deleted bigint,
      loaded_at timestamp,
      definition varchar(32)
    )
  {%- endif -%}
{% endmacro %}


{#- Query with one number: 1 where the running model's table was last loaded by this definition, else 0. -#}
{% macro vault_last_loaded_by(definition) %}
  {%- set of_table = "table_schema = '" ~ this.schema ~ "' and table_name = '" ~ this.identifier ~ "'" -%}
  {{ return("select count(*) from metrics_vault.vault_load_log where " ~ of_table ~ " and definition = '" ~ definition
    ~ "' and loaded_at = (select max(loaded_at) from metrics_vault.vault_load_log where " ~ of_table ~ ")") }}
{% endmacro %}


{#- The statement that notes a load. -#}
{% macro vault_load_log_entry(meta, window, late, written, definition) %}
  {%- set entry -%}
insert into metrics_vault.vault_load_log values (
  '{{ invocation_id }}', '{{ this.schema }}', '{{ this.identifier }}', '{{ meta["kind"] }}',
  {{ window['start'] }}, {{ window['end'] }}, {{ 'true' if late else 'false' }},
  {{ written['insert'] }}, {{ written['update'] }}, {{ written['delete'] }},
  timestamp '{{ modules.datetime.datetime.now(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}',
  '{{ definition }}'
)
  {%- endset -%}
  {{ return(entry) }}
{% endmacro %}


{#- Query with one row: first and last day whose staged rows were parsed again since the running model's table was loaded. -#}
{% macro vault_parsed_again() %}
  {%- set of_table = "table_schema = '" ~ this.schema ~ "' and table_name = '" ~ this.identifier ~ "'" -%}
  {{ return("select min(d.parsed_again_from) as first_day, max(d.parsed_again_to) as last_day from "
    ~ vault_source('declarations') ~ " d cross join (select max(loaded_at) as loaded_at from metrics_vault.vault_load_log where "
    ~ of_table ~ ") as l where d.fetched_at > l.loaded_at") }}
{% endmacro %}
