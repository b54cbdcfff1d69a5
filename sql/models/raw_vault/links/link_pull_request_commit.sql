{{ link(
    key='link_pull_request_commit_hk', hubs=['pull_request_hk', 'commit_hk'],
    sources=['pull_request_commits']
) }}
