{{ computed(grain=['thing_hk', 'load_date'], day='load_end_date') }}
with points as (
  select s.thing_hk, s.load_date from {{ ref('sat_thing') }} s
  union select e.thing_hk, e.load_date from {{ ref('eff_sat_listed') }} e
),
states as (
  select p.thing_hk, p.load_date, s.v, case when e.is_active then 'listed' when not e.is_active then 'gone' end as standing
  from points p
  left join {{ ref('sat_thing') }} s on s.thing_hk = p.thing_hk and s.load_date <= p.load_date and p.load_date < s.load_end_date
  left join {{ ref('eff_sat_listed') }} e on e.thing_hk = p.thing_hk
    and e.load_date <= p.load_date and p.load_date < e.load_end_date
)
{{ computed_versions('thing_hk', ['v', 'standing'], 'states') }}
