{{ link(
    key='link_issue_assignee_hk', hubs=['issue_hk', 'assignee_hk'],
    sources=['issue_assignees']
) }}
