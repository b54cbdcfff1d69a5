{{ computed(grain=['load_date', 'dataset', 'host'], day='load_date') }}
select l.load_date, l.dataset, l.host, count(*) as scopes, cast(coalesce(sum(l.requests), 0) as bigint) as requests,
  cast(coalesce(sum(l.points), 0) as bigint) as points
from {{ vault_source('fetch_ledger') }} l
where l.host is not null
group by l.load_date, l.dataset, l.host
