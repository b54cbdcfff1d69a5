{#- Links: every hub key that is given stands in its hub. Rows are the keys without a hub. -#}
{% test parents_are_present(model, parents) %}
{%- for column, hub in parents.items() %}
select cast('{{ column }}' as varchar(63)) as parent, l.{{ column }} as missing_hk, count(*) as times
from {{ model }} l
left join {{ ref(hub['hub']) }} h on h.{{ hub['key'] }} = l.{{ column }}
where l.{{ column }} is not null and h.{{ hub['key'] }} is null
group by l.{{ column }}
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
{% endtest %}
