{{ link(
    key='link_issue_milestone_hk', hubs=['issue_hk', 'milestone_hk'],
    sources=['issues']
) }}
