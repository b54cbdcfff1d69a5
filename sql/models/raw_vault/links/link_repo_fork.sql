{{ link(
    key='link_repo_fork_hk', hubs=['repo_hk', 'fork_repo_hk'],
    sources=['forks']
) }}
