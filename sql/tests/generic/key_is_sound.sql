{#- Hubs, links, point-in-time tables: the key (with as_of, where given) is there and there once. Rows are the keys at fault. -#}
{% test key_is_sound(model, column_name, per=none) %}
{%- set columns = [column_name] + ([per] if per else []) %}
select {{ columns | join(', ') }}, count(*) as times
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1{% for column in columns %} or {{ column }} is null{% endfor %}
{% endtest %}
