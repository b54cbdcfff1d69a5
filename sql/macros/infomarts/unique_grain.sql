{#- The grain of a mart: these columns together name one row. NULL counts as a value, as in a row about a whole organisation. -#}
{% test unique_grain(model, columns) %}
select {{ columns | join(', ') }}, count(*) as rows_found
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
