{{ link(
    key='link_repo_commit_hk', hubs=['repo_hk', 'commit_hk'],
    sources=['commits']
) }}
