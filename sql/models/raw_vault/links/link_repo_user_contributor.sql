{{ link(
    key='link_repo_user_contributor_hk', hubs=['repo_hk', 'user_hk'],
    sources=['statistics_contributors']
) }}
