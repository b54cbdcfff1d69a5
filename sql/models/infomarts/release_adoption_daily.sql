-- Downloads are a counter that starts again when an asset is replaced: a day's downloads are never negative. One that the
-- whole list of the day before did not hold is new, and all its downloads are of its first day.
with loaded as (
{{ loaded_days() }}
),
calendar as (
{{ calendar() }}
),
repositories as (
{{ repository_days() }}
),
ledger as (
{{ ledger_rows(['release_assets']) }}
),
assets as (
  select lr.repo_hk, h.release_id, s.tag_name, s.published_at, s.is_prerelease, a.asset_id, la.release_asset_hk, e.load_date, e.load_end_date,
    n.name as asset_name
  from {{ ref('eff_sat_release_asset') }} e
  join {{ ref('link_release_asset') }} la on la.link_release_asset_hk = e.link_release_asset_hk
  join {{ ref('link_repo_release') }} lr on lr.release_hk = la.release_hk
  join {{ ref('hub_release') }} h on h.release_hk = la.release_hk
  join {{ ref('hub_release_asset') }} a on a.release_asset_hk = la.release_asset_hk
  left join {{ ref('sat_release') }} s on s.release_hk = la.release_hk and s.load_end_date = {{ vault_far() }}
  left join {{ ref('sat_release_asset') }} n on n.release_asset_hk = la.release_asset_hk and n.load_end_date = {{ vault_far() }}
  where e.is_active and not coalesce(s.is_draft, false)
),
counted as (
  select r.scope, r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, a.release_id, a.tag_name, a.published_at, a.is_prerelease, a.asset_id,
    a.asset_name, r.day, coalesce(l.state, 'missing') as state, l.fetched_at, coalesce(l.is_observed, 0) as is_observed,
    case when l.is_observed = 1 then c.download_count end as download_count
  from assets a
  join repositories r on r.repo_hk = a.repo_hk and a.load_date <= r.load_date and r.load_date < a.load_end_date
  left join ledger l on l.scope = r.scope and l.load_date = r.load_date
  left join {{ ref('sat_release_asset_counter') }} c on c.release_asset_hk = a.release_asset_hk
    and c.load_date <= r.load_date and r.load_date < c.load_end_date
)
select c.repo_id, c.org_id, c.org_login, c.full_name, c.visibility, c.release_id, c.tag_name, c.published_at, c.is_prerelease, c.asset_id,
  c.asset_name, c.day, c.download_count,
  case when c.download_count < p.download_count then 0
    when p.asset_id is null and y.is_observed = 1 then c.download_count
    else c.download_count - p.download_count end as downloads,
  coalesce(c.download_count < p.download_count, false) as is_reset,
  case when c.is_observed = 1 then 'complete' when c.state = 'complete' then 'unchanged' else c.state end as data_state,
  c.is_observed = 1 as is_final, case when c.is_observed = 1 then c.fetched_at end as observed_at
from counted c
left join ledger y on y.scope = c.scope and y.load_date = {{ day_of(add_days('c.day', -1)) }}
left join counted p on p.asset_id = c.asset_id and p.release_id = c.release_id and p.repo_id = c.repo_id and p.day = {{ add_days('c.day', -1) }}
