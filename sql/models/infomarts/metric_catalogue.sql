{%- for metric in metric_list() %}
{{- '\nunion all\n' if not loop.first }}
select '{{ metric['name'] }}' as metric, '{{ metric['unit'] }}' as unit, '{{ metric['over_time'] }}' as over_time, 'sum' as over_repositories,
  '{{ metric['definition'] }}' as definition, '{{ metric['mart'] }}' as mart, '{{ metric['value'] }}' as source_column
{%- endfor %}
