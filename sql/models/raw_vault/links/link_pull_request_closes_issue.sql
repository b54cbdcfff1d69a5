{{ link(
    key='link_pull_request_closes_issue_hk', hubs=['pull_request_hk', 'issue_hk'],
    sources=['pull_request_closing_issues']
) }}
