{{ link(
    key='link_repo_user_stargazer_hk', hubs=['repo_hk', 'user_hk'],
    sources=['stargazers']
) }}
