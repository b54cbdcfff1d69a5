{{ link(
    key='link_repo_pull_request_hk', hubs=['repo_hk', 'pull_request_hk'],
    sources=['pull_requests', 'pull_request_presence']
) }}
