-- One row per dataset of a day: what asking for it cost.
select
    dataset,
    sum(requests)::bigint as requests,
    sum(points)::bigint as points
from psa.fetch_ledger
where load_date = ?
group by dataset
