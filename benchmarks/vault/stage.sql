-- Days $first to $last (day 1 is 2026-01-01) of psa.issues, hashes included: $issues on day one, then every tenth of
-- those with another content and a hundredth as many new ones a day. One text for DuckDB and PostgreSQL.
insert into psa.issues
select
  timestamp '2026-01-01 00:00:00' + cast(n.day as integer) * interval '1 day' - interval '1 day' as load_date,
  'github.com/repository/' || cast(n.id % 1000 as varchar(20)) as scope,
  'github.com' as host,
  timestamp '2026-01-02 01:00:00' + cast(n.day as integer) * interval '1 day' as fetched_at,
  'github.com/rest/issues' as rec_src,
  n.id as issue_id,
  n.id % 1000 as repo_id,
  cast(floor(n.id / 1000.0) as bigint) as number,
  'The ' || cast(n.id as varchar(20)) || 'th thing that does not work as it is said to' as title,
  case when (n.id + n.day) % 3 = 0 then 'closed' else 'open' end as state,
  case when (n.id + n.day) % 3 = 0 then 'completed' end as state_reason,
  n.id % 50 = 0 as is_locked,
  n.day % 7 as comments_count,
  'CONTRIBUTOR' as author_association,
  n.id % 5 as reactions_count,
  timestamp '2025-06-01 00:00:00' + cast(n.id % 86400 as integer) * interval '1 second' as created_at,
  timestamp '2026-01-01 00:00:00' + cast(n.day as integer) * interval '1 day' - interval '1 hour' as updated_at,
  case when (n.id + n.day) % 3 = 0 then timestamp '2026-01-01 00:00:00' + cast(n.day as integer) * interval '1 day' - interval '2 hour' end as closed_at,
  cast(md5('10:github.com' || cast(n.id as varchar(20))) as uuid) as issue_hk,
  cast(md5('10:github.com' || cast(n.id % 1000 as varchar(20))) as uuid) as repo_hk,
  cast(md5('10:github.com' || cast(n.id % 1000 as varchar(20)) || ':' || cast(n.id as varchar(20))) as uuid) as link_repo_issue_hk,
  cast(md5(cast(n.id as varchar(20)) || ':' || cast(n.day as varchar(20))) as uuid) as sat_issue_hd
from (
  select 1 as day, i.id as id
  from generate_series(1, $issues) as i(id)
  where $first = 1
  union all
  select d.day, i.id * 10 + d.day * 3 % 10 + 1 as id
  from generate_series(0, $tenth - 1) as i(id)
  cross join generate_series(case when $first < 2 then 2 else $first end, $last) as d(day)
  union all
  select d.day, $issues + (d.day - 2) * ($hundredth) + i.id as id
  from generate_series(1, $hundredth) as i(id)
  cross join generate_series(case when $first < 2 then 2 else $first end, $last) as d(day)
) as n
order by 1
