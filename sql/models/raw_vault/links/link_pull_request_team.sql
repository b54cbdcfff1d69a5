{{ link(
    key='link_pull_request_team_hk', hubs=['pull_request_hk', 'team_hk'],
    sources=['review_requests']
) }}
