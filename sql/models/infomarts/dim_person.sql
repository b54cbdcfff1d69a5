-- As of a day: what the directory, the account and the member lists said then. Two equal states in a row are one.
with loaded as (
{{ loaded_days() }}
),
accounts as (
{{ accounts() }}
),
directory as (
{{ people_directory() }}
),
points as (
  select b.user_hk, b.load_date from {{ ref('bsat_user_affiliation') }} b
  union select p.user_hk, p.load_date from {{ ref('sat_user_pii') }} p
  union select d.user_hk, d.seen_from from directory d
  union select d.user_hk, d.seen_to from directory d
  union select d.user_hk, d.valid_from from directory d
  union select d.user_hk, d.valid_to from directory d
),
states as (
  select p.user_hk, p.load_date, coalesce(b.kind, 'unknown') as kind, coalesce(b.basis, 'none') as basis, l.login, max(d.company) as company
  from points p
  join {{ ref('hub_user') }} h on h.user_hk = p.user_hk and h.load_date <= p.load_date
  join loaded o on p.load_date <= o.last_load_date
  left join {{ ref('bsat_user_affiliation') }} b on b.user_hk = p.user_hk and b.load_date <= p.load_date and p.load_date < b.load_end_date
  left join {{ ref('sat_user_pii') }} l on l.user_hk = p.user_hk and l.load_date <= p.load_date and p.load_date < l.load_end_date
  left join directory d on d.user_hk = p.user_hk and d.seen_from <= p.load_date and p.load_date < d.seen_to
    and d.valid_from <= p.load_date and p.load_date < d.valid_to
  group by p.user_hk, p.load_date, b.kind, b.basis, l.login
),
compared as (
  select s.*,
    case when lag(s.load_date) over (partition by s.user_hk order by s.load_date) is not null
      and coalesce(s.login, '') = coalesce(lag(s.login) over (partition by s.user_hk order by s.load_date), '')
      and coalesce(s.company, '') = coalesce(lag(s.company) over (partition by s.user_hk order by s.load_date), '')
      and s.kind = lag(s.kind) over (partition by s.user_hk order by s.load_date)
      and s.basis = lag(s.basis) over (partition by s.user_hk order by s.load_date) then 1 else 0 end as is_same
  from states s
),
versions as (
  select c.*, lead(c.load_date) over (partition by c.user_hk order by c.load_date) as next_load_date
  from compared c
  where c.is_same = 0
)
select a.user_id, cast(v.load_date as date) as valid_from, cast(v.next_load_date as date) as valid_to, v.next_load_date is null as is_current,
  v.login, a.login as login_now, case when a.is_gone = 1 then 'unknown' when a.is_bot = 1 and v.basis <> 'people_directory' then 'bot' else v.kind end
    as kind,
  v.basis, v.company, a.is_gone = 1 as is_gone
from versions v
join accounts a on a.user_hk = v.user_hk
