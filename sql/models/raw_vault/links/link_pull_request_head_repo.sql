{{ link(
    key='link_pull_request_head_repo_hk', hubs=['pull_request_hk', 'head_repo_hk'],
    sources=['pull_requests']
) }}
