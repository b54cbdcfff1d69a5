-- How fast alerts were closed. GitHub's mean leaves out what never was a fault and counts from the first day; a few old alerts
-- drag it far, so the median and the 90th percentile stand beside it, and what was dismissed apart from what was fixed.
with closed as (
  select s.org_id, s.org_login, cast(date_trunc('month', s.closed_at) as date) as closed_month, s.alert_kind,
    coalesce(s.severity, 'none') as severity, s.resolution, s.is_false_positive, s.is_breached, s.exposure_days
  from {{ ref('security_sla') }} s
  where s.closed_at is not null and s.state <> 'open'
),
ranked as (
  select c.*, row_number() over (partition by c.org_id, c.closed_month, c.alert_kind, c.severity order by c.exposure_days) as place,
    count(*) over (partition by c.org_id, c.closed_month, c.alert_kind, c.severity) as n
  from closed c
  where not c.is_false_positive
),
timed as (
  select r.org_id, r.closed_month, r.alert_kind, r.severity,
    cast(cast(sum(r.exposure_days) as decimal(38,6)) / count(*) as decimal(38,6)) as exposure_days_mean,
    cast(avg(case when r.place >= r.n / 2.0 and r.place <= r.n / 2.0 + 1 then cast(r.exposure_days as decimal(38,6)) end) as decimal(38,6))
      as exposure_days_median,
    min(case when r.place >= 0.9 * r.n then r.exposure_days end) as exposure_days_p90
  from ranked r
  group by r.org_id, r.closed_month, r.alert_kind, r.severity
),
counted as (
  select c.org_id, max(c.org_login) as org_login, c.closed_month, c.alert_kind, c.severity,
    sum(case when c.is_false_positive then 0 else 1 end) as closed,
    sum(case when c.resolution = 'fixed' then 1 else 0 end) as fixed,
    sum(case when c.resolution <> 'fixed' and not c.is_false_positive then 1 else 0 end) as dismissed,
    sum(case when c.is_false_positive then 1 else 0 end) as false_positives,
    sum(case when c.is_breached and not c.is_false_positive then 1 else 0 end) as closed_late
  from closed c
  group by c.org_id, c.closed_month, c.alert_kind, c.severity
)
select c.org_id, c.org_login, c.closed_month, c.alert_kind, c.severity, cast(c.closed as bigint) as closed, cast(c.fixed as bigint) as fixed,
  cast(c.dismissed as bigint) as dismissed, cast(c.false_positives as bigint) as false_positives, cast(c.closed_late as bigint) as closed_late,
  t.exposure_days_mean, t.exposure_days_median, t.exposure_days_p90
from counted c
left join timed t on t.org_id = c.org_id and t.closed_month = c.closed_month and t.alert_kind = c.alert_kind and t.severity = c.severity
