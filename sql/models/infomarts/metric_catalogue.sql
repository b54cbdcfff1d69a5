{%- for metric in metric_list() %}
{{- '\nunion all\n' if not loop.first }}
select cast('{{ metric['name'] }}' as varchar(40)) as metric, cast('{{ metric['unit'] }}' as varchar(40)) as unit, cast('{{ metric['over_time'] }}' as varchar(40)) as over_time, cast('sum' as varchar(40)) as over_repositories,
  cast('{{ metric['definition'] }}' as varchar(400)) as definition, cast('{{ metric['mart'] }}' as varchar(40)) as mart, cast('{{ metric['value'] }}' as varchar(40)) as source_column
{%- endfor %}
