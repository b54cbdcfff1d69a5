{{ nh_link(
    key='nh_link_issue_event_hk', hubs=['repo_hk', 'actor_hk'], columns=['event_id', 'issue_id', 'issue_number', 'event', 'assignee_id', 'requested_reviewer_id', 'requested_team_id', 'label_name', 'milestone_title', 'commit_sha', 'state_reason', 'created_at'],
    sources=['issue_events']
) }}
