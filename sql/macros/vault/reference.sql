{#-
  Reference table: a list that people keep in a file, with its history. One row per entry and day on which it changed; an
  entry that a later file lacks ends, as a block of a multi-active satellite does.
-#}

{% macro reference(key, natural_key, source, hash_diff, dataset) %}
  {{- multi_active_satellite(key=key, child_keys=natural_key, source=source, row_hash=hash_diff, dataset=dataset) -}}
{% endmacro %}
