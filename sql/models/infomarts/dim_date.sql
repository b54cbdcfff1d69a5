with loaded as (
{{ loaded_days() }}
),
-- Traffic of the first loaded day reaches two weeks back.
calendar as (
{{ calendar(add_days('b.first_day', -14)) }}
),
ledger as (
  select l.load_date, count(*) as scopes_planned
  from {{ vault_source('fetch_ledger') }} l
  group by l.load_date
)
select c.day, cast(extract(year from c.day) as bigint) as year, cast(extract(quarter from c.day) as bigint) as quarter,
  cast(extract(month from c.day) as bigint) as month,
  cast(date_trunc('week', c.day) as date) as week_start, cast(date_trunc('month', c.day) as date) as month_start,
  cast(date_trunc('quarter', c.day) as date) as quarter_start,
  {{ days_between("cast(date_trunc('week', c.day) as date)", 'c.day') }} + 1 as day_of_week,
  {{ days_between("cast(date_trunc('week', c.day) as date)", 'c.day') }} >= 5 as is_weekend,
  coalesce(l.scopes_planned, 0) > 0 as is_loaded, c.day = b.last_day as is_last
from calendar c
cross join loaded b
left join ledger l on l.load_date = c.load_date
