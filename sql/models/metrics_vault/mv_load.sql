{{ config(materialized='view') }}
select l.table_schema, l.table_name, l.loaded_at, l.invocation_id, l.kind, l.window_start, l.window_end, l.is_late,
  l.rows_inserted, l.rows_ended, l.rows_deleted
from metrics_vault.vault_load_log l
