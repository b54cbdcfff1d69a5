{# Not a table: what the materialization asks and notes around a table's steps, as JSON lines. #}
{{ tojson({'standing': [
  vault_last_loaded_by('definition'),
  vault_parsed_again(),
  vault_load_log_entry({'kind': 'hub'}, vault_all_days(), true, {'insert': 1, 'update': 0, 'delete': 0}, 'definition')
]}) }}
