{{ computed(grain=['sal_user_hk']) }}
with written as (
  select s.author_email_md5, l.author_hk as user_hk, count(distinct s.commit_hk) as commits_count, min(l.load_date) as load_date
  from {{ ref('sat_commit') }} s
  join {{ ref('link_commit_author') }} l on l.commit_hk = s.commit_hk
  where s.author_email_md5 is not null
  group by s.author_email_md5, l.author_hk
),
chosen as (
  select w.author_email_md5, w.user_hk, w.commits_count, w.load_date,
    row_number() over (partition by w.author_email_md5 order by w.commits_count desc, w.load_date, w.user_hk) as choice,
    count(*) over (partition by w.author_email_md5) as accounts_count
  from written w
)
select {{ vault_hash(vault_encoded(['c.author_email_md5'])) }} as sal_user_hk, c.user_hk, c.author_email_md5, c.commits_count,
  c.accounts_count, c.load_date, cast('business_vault' as varchar(40)) as rec_src
from chosen c
where c.choice = 1
