-- Stars given and taken back in whole weeks. Where the list of who stars is whole at both ends of a week it counts people;
-- else GitHub's history of stars does, which has days of another zone and forgets who took a star back.
with loaded as (
{{ loaded_days() }}
),
weeks as (
  select d.week_start, max(d.day) as week_end
  from {{ ref('dim_date') }} d
  group by d.week_start
  having count(*) = 7
),
days as (
  select p.*, h.repo_hk, {{ scope_of('h.host', 'repository', 'h.repo_id') }} as scope
  from {{ ref('repo_popularity_daily') }} p
  join {{ ref('hub_repo') }} h on h.repo_id = p.repo_id
),
-- The most that a day of the history ever showed: what was taken back since was there.
given as (
  select k.repo_hk, w.week_start, sum(k.stars) as stars_given
  from (
    select s.repo_hk, s.star_date, max(s."count") as stars
    from {{ ref('ma_sat_repo_star_history') }} s
    group by s.repo_hk, s.star_date
  ) as k
  join weeks w on k.star_date >= w.week_start and k.star_date <= w.week_end
  group by k.repo_hk, w.week_start
),
history_known as (
  select l.scope, max(l.load_date) as known_to, max(l.fetched_at) as observed_at
  from {{ vault_source('fetch_ledger') }} l
  where l.dataset = 'star_history' and l.state = 'complete'
  group by l.scope
),
whole_lists as (
  select l.scope, l.load_date
  from {{ vault_source('fetch_ledger') }} l
  where l.dataset = 'stargazers' and l.state = 'complete' and l.coverage in ('full', 'empty', 'unchanged')
),
moves as (
  select l.repo_hk, w.week_start, sum(case when e.is_active then 1 else 0 end) as people_came,
    sum(case when e.is_active then 0 else 1 end) as people_left
  from {{ ref('eff_sat_repo_user_stargazer') }} e
  join {{ ref('link_repo_user_stargazer') }} l on l.link_repo_user_stargazer_hk = e.link_repo_user_stargazer_hk
  join weeks w on cast(e.load_date as date) >= w.week_start and cast(e.load_date as date) <= w.week_end
  group by l.repo_hk, w.week_start
),
measured as (
  select d.repo_id, d.org_id, d.org_login, d.full_name, d.visibility, d.is_fork, w.week_start, w.week_end, d.stargazers_count,
    d.stargazers_count - b.stargazers_count as stargazers_net, d.data_state, d.observed_at,
    case when f.scope is not null and g.scope is not null then 1 else 0 end as is_listed,
    case when k.known_to >= d.load_date then 1 else 0 end as is_known,
    case when k.known_to > {{ day_of(add_days('w.week_end', 1)) }} then 1 else 0 end as is_settled,
    coalesce(v.stars_given, 0) as stars_given, coalesce(m.people_came, 0) as people_came, coalesce(m.people_left, 0) as people_left
  from weeks w
  join (
    select x.*, {{ day_of('x.day') }} as load_date from days x
  ) as d on d.day = w.week_end
  left join days b on b.repo_hk = d.repo_hk and b.day = {{ add_days('w.week_start', -1) }}
  left join given v on v.repo_hk = d.repo_hk and v.week_start = w.week_start
  left join history_known k on k.scope = d.scope
  left join whole_lists f on f.scope = d.scope and f.load_date = {{ day_of(add_days('w.week_start', -1)) }}
  left join whole_lists g on g.scope = d.scope and g.load_date = d.load_date
  left join moves m on m.repo_hk = d.repo_hk and m.week_start = w.week_start
),
-- Both numbers are at least 0 and differ by the net of our own counts, whatever the history says.
reckoned as (
  select m.*, case when m.stargazers_net is null or m.is_known = 0 then null
    when m.stars_given > m.stargazers_net and m.stars_given > 0 then m.stars_given
    when m.stargazers_net > 0 then m.stargazers_net else 0 end as stars_gained
  from measured m
)
select r.repo_id, r.org_id, r.org_login, r.full_name, r.visibility, r.is_fork, r.week_start, r.week_end, r.stargazers_count, r.stargazers_net,
  cast(case when r.is_listed = 1 then r.people_came else r.stars_gained end as bigint) as stargazers_new,
  cast(case when r.is_listed = 1 then r.people_left else r.stars_gained - r.stargazers_net end as bigint) as stargazers_lost,
  case when r.is_listed = 1 then false when r.stars_gained is not null then true end as is_approximate,
  r.data_state, r.stargazers_net is not null and (r.is_listed = 1 or r.is_settled = 1) as is_final, r.observed_at
from reckoned r
