{{ computed(grain=['sal_repo_hk']) }}
with names as (
  select h.host, lower(s.full_name) as name, s.repo_hk, min(s.load_date) as first_held, max(s.load_date) as last_held
  from {{ ref('sat_repo') }} s
  join {{ ref('hub_repo') }} h on h.repo_hk = s.repo_hk
  where s.full_name is not null
  group by h.host, lower(s.full_name), s.repo_hk
),
holders as (
  select n.host, n.name, n.repo_hk, n.first_held,
    row_number() over (partition by n.host, n.name order by n.last_held desc, n.first_held desc, n.repo_hk) as choice
  from names n
),
pairs as (
  select m.repo_hk, d.repo_hk as former_repo_hk,
    min(case when m.first_held > d.first_held then m.first_held else d.first_held end) as load_date
  from holders m
  join holders d on d.host = m.host and d.name = m.name and d.choice > 1
  where m.choice = 1
  group by m.repo_hk, d.repo_hk
)
select {{ vault_hash(vault_encoded([vault_hash_hex('p.repo_hk'), vault_hash_hex('p.former_repo_hk')])) }} as sal_repo_hk,
  p.repo_hk, p.former_repo_hk, p.load_date, cast('business_vault' as varchar(40)) as rec_src
from pairs p
