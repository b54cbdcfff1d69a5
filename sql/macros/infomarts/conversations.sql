{#-
  What people did on issues and pull requests, and whether it counts as an answer (CHAOSS: time to first response; draft
  time excluded as in issue-metrics). A mart that uses these macros has `loaded`, `repositories` (repositories_now) and
  `items` (repo_hk, item_hk, number, author_hk, ...) before them.
-#}

{#-
  (repo_hk, issue_number, actor_hk, done_at, kind, detail): comments and events. What happened at or after the close of the last
  loaded day belongs to a later day.
-#}
{% macro spoken() %}
select c.repo_hk, c.issue_number, c.author_hk as actor_hk, c.created_at as done_at, cast('comment' as varchar(40)) as kind, cast(null as varchar(64)) as detail
from {{ ref('nh_link_issue_comment') }} c
union all
select e.repo_hk, e.issue_number, e.actor_hk, e.created_at as done_at,
  case e.event when 'convert_to_draft' then 'draft' when 'converted_to_draft' then 'draft' when 'ready_for_review' then 'ready'
    else e.event end as kind,
  cast(null as varchar(64)) as detail
from {{ ref('nh_link_issue_event') }} e
where e.event in ('closed', 'merged', 'reopened', 'ready_for_review', 'convert_to_draft', 'converted_to_draft', 'review_requested')
{% endmacro %}


{#-
  Who did it, seen from the item (from `deeds`: item_hk, repo_hk, author_hk, actor_hk, done_at, kind, detail): is_author,
  is_human (a deleted account is a human we cannot name, and no answer where the author is deleted, too) and
  is_maintainer as of the day it happened.
-#}
{% macro judged_deeds() %}
select d.item_hk, d.done_at, d.kind, d.detail, d.actor_hk,
  case when d.actor_hk = d.author_hk and coalesce(a.is_gone, 0) = 0 then 1 else 0 end as is_author,
  case when coalesce(a.is_bot, 0) = 1 then 0
    when d.actor_hk is not null and coalesce(a.is_gone, 0) = 0 then 1
    when d.author_hk is not null and coalesce(w.is_gone, 0) = 0 then 1
    else 0 end as is_human,
  case when coalesce(a.is_bot, 0) = 0 and coalesce(a.is_gone, 0) = 0 and (m.user_hk is not null or g.user_hk is not null)
    then 1 else 0 end as is_maintainer
from deeds d
join repositories r on r.repo_hk = d.repo_hk
left join accounts a on a.user_hk = d.actor_hk
left join accounts w on w.user_hk = d.author_hk
left join membership m on m.org_hk = r.org_hk and m.user_hk = d.actor_hk
  and m.valid_from <= {{ day_of('d.done_at') }} and {{ day_of('d.done_at') }} < m.valid_to
left join write_access g on g.repo_hk = d.repo_hk and g.user_hk = d.actor_hk
  and g.valid_from <= {{ day_of('d.done_at') }} and {{ day_of('d.done_at') }} < g.valid_to
{% endmacro %}


{#- The beginning of a moment's day: which partition's state held at its close. -#}
{% macro day_of(moment) %}{{ return('cast(cast(' ~ moment ~ ' as date) as timestamp)') }}{% endmacro %}


{#-
  The kind of an item's author as of the day it was opened: bot, maintainer, community, or unknown where the account is
  gone or no member list of the organisation ever came.
-#}
{% macro author_kinds() %}
select i.item_hk, a.user_id as author_id, a.login as author_login,
  case when a.user_hk is null or a.is_gone = 1 then 'unknown' when a.is_bot = 1 then 'bot'
    when m.user_hk is not null or g.user_hk is not null then 'maintainer'
    when f.scope is null then 'unknown'
    else 'community' end as author_kind
from items i
join repositories r on r.repo_hk = i.repo_hk
left join accounts a on a.user_hk = i.author_hk
left join membership m on m.org_hk = r.org_hk and m.user_hk = i.author_hk
  and m.valid_from <= {{ day_of('i.created_at') }} and {{ day_of('i.created_at') }} < m.valid_to
left join write_access g on g.repo_hk = i.repo_hk and g.user_hk = i.author_hk
  and g.valid_from <= {{ day_of('i.created_at') }} and {{ day_of('i.created_at') }} < g.valid_to
left join (
{{ first_lists('members') }}
) as f on f.scope = r.org_scope
{% endmacro %}


{#- One author per item, should GitHub ever have shown two. -#}
{% macro first_author(link, key) %}
select a.{{ key }}, a.author_hk
from (
  select l.{{ key }}, l.author_hk, row_number() over (partition by l.{{ key }} order by l.load_date, l.author_hk) as choice
  from {{ ref(link) }} l
) as a
where a.choice = 1
{% endmacro %}
