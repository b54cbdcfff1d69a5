{{ computed(grain=['load_date', 'dataset', 'state', 'coverage', 'visibility'], day='load_date') }}
select l.load_date, l.dataset, l.state, coalesce(l.coverage, 'none') as coverage, coalesce(l.visibility, 'none') as visibility,
  count(*) as scopes, cast(coalesce(sum(l.rows), 0) as bigint) as rows_count, count(l.letter) as letters_count
from {{ vault_source('fetch_ledger') }} l
group by l.load_date, l.dataset, l.state, coalesce(l.coverage, 'none'), coalesce(l.visibility, 'none')
