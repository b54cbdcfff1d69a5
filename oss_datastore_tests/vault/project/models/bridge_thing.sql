{{ computed(grain=['thing_hk', 'as_of'], day='as_of', retained=true) }}
select h.thing_hk, d.as_of, s.v
from (
{{ point_in_time_days() }}
) as d
join {{ ref('eff_sat_listed') }} e on e.load_date <= d.as_of and d.as_of < e.load_end_date and e.is_active
join {{ ref('hub_thing') }} h on h.thing_hk = e.thing_hk
left join {{ ref('sat_thing') }} s on s.thing_hk = h.thing_hk and s.load_date <= d.as_of and d.as_of < s.load_end_date
