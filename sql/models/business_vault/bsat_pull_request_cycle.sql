{{ computed(grain=['pull_request_hk', 'load_date'], day='load_end_date') }}
with reviews as (
  select l.pull_request_hk, l.reviewer_hk, s.load_date, s.load_end_date, s.submitted_at
  from {{ ref('link_pull_request_review') }} l
  join {{ ref('sat_pull_request_review') }} s on s.link_pull_request_review_hk = l.link_pull_request_review_hk
  left join {{ ref('link_pull_request_author') }} a on a.pull_request_hk = l.pull_request_hk and a.author_hk = l.reviewer_hk
  where a.author_hk is null and s.submitted_at is not null
),
points as (
  select s.pull_request_hk, s.load_date from {{ ref('sat_pull_request') }} s
  union select r.pull_request_hk, r.load_date from reviews r
),
answered as (
  select p.pull_request_hk, p.load_date, min(r.submitted_at) as first_review_at, count(r.submitted_at) as reviews_count
  from points p
  left join (
    select w.pull_request_hk, w.submitted_at, w.load_date, w.load_end_date, w.reviewer_hk from reviews w
  ) as r on r.pull_request_hk = p.pull_request_hk and r.load_date <= p.load_date and p.load_date < r.load_end_date
  left join {{ ref('sat_user') }} u on u.user_hk = r.reviewer_hk and u.load_date <= p.load_date and p.load_date < u.load_end_date
  where coalesce(u.type, 'User') <> 'Bot'
  group by p.pull_request_hk, p.load_date
),
states as (
  select p.pull_request_hk, p.load_date, s.created_at, a.first_review_at, coalesce(a.reviews_count, 0) as reviews_count,
    s.merged_at, s.closed_at,
    {{ seconds_between('s.created_at', 'a.first_review_at') }} as seconds_to_first_review,
    {{ seconds_between('s.created_at', 's.merged_at') }} as seconds_to_merge,
    {{ seconds_between('s.created_at', 's.closed_at') }} as seconds_to_close
  from points p
  join {{ ref('sat_pull_request') }} s on s.pull_request_hk = p.pull_request_hk
    and s.load_date <= p.load_date and p.load_date < s.load_end_date
  left join answered a on a.pull_request_hk = p.pull_request_hk and a.load_date = p.load_date
)
{{ computed_versions(
    'pull_request_hk',
    ['created_at', 'first_review_at', 'reviews_count', 'merged_at', 'closed_at', 'seconds_to_first_review',
     'seconds_to_merge', 'seconds_to_close'],
    'states',
    hashed=['reviews_count', 'seconds_to_first_review', 'seconds_to_merge', 'seconds_to_close']
) }}
