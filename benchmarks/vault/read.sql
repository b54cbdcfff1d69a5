-- A plain read of a window's rows, every column that the three tables take: the least that any loading of them costs.
select count(*), count(case when issue_hk = repo_hk then 1 end),
  count(case when link_repo_issue_hk = sat_issue_hd then 1 end), max(issue_id), max(host), max(rec_src), max(number), max(title), max(state),
  max(state_reason), max(case when is_locked then 1 else 0 end), max(comments_count), max(author_association),
  max(reactions_count), max(created_at), max(updated_at), max(closed_at)
from psa.issues
where load_date >= timestamp '$start' and load_date < timestamp '$end'
