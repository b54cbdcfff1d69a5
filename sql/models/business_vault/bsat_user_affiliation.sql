{{ computed(grain=['user_hk', 'load_date']) }}
with loaded as (
{{ loaded_days() }}
),
membership as (
{{ membership() }}
),
directory as (
{{ people_directory() }}
),
points as (
  select h.user_hk, h.load_date from {{ ref('hub_user') }} h
  union select s.user_hk, s.load_date from {{ ref('sat_user') }} s
  union select m.user_hk, m.valid_from from membership m
  union select m.user_hk, m.valid_to from membership m
  union select d.user_hk, d.seen_from from directory d
  union select d.user_hk, d.seen_to from directory d
  union select d.user_hk, d.valid_from from directory d
  union select d.user_hk, d.valid_to from directory d
),
known_points as (
  select p.user_hk, p.load_date
  from points p
  join {{ ref('hub_user') }} h on h.user_hk = p.user_hk and h.load_date <= p.load_date
  join loaded b on p.load_date <= b.last_load_date
),
evidence as (
  select p.user_hk, p.load_date,
    max(case when d.affiliation = 'internal' then 1 else 0 end) as is_listed_internal,
    max(case when d.affiliation = 'external' then 1 else 0 end) as is_listed_external,
    max(case when d.affiliation = 'bot' then 1 else 0 end) as is_listed_bot,
    max(case when s.type = 'Bot' then 1 else 0 end) as is_bot,
    max(case when m.user_hk is null then 0 else 1 end) as is_member
  from known_points p
  left join directory d on d.user_hk = p.user_hk and d.seen_from <= p.load_date and p.load_date < d.seen_to
    and d.valid_from <= p.load_date and p.load_date < d.valid_to
  left join {{ ref('sat_user') }} s on s.user_hk = p.user_hk and s.load_date <= p.load_date and p.load_date < s.load_end_date
  left join membership m on m.user_hk = p.user_hk and m.valid_from <= p.load_date and p.load_date < m.valid_to
  group by p.user_hk, p.load_date
),
states as (
  select e.user_hk, e.load_date,
    case when e.is_listed_internal = 1 then 'employee'
      when e.is_listed_external = 1 then 'external'
      when e.is_listed_bot = 1 or e.is_bot = 1 then 'bot'
      when e.is_member = 1 then 'employee'
      else 'unknown' end as kind,
    case when e.is_listed_internal = 1 or e.is_listed_external = 1 or e.is_listed_bot = 1 then 'people_directory'
      when e.is_bot = 1 then 'account_type'
      when e.is_member = 1 then 'organization_member'
      else 'none' end as basis
  from evidence e
)
{{ computed_versions('user_hk', ['kind', 'basis'], 'states') }}
