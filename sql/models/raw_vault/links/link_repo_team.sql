{{ link(
    key='link_repo_team_hk', hubs=['repo_hk', 'team_hk'],
    sources=['team_repositories']
) }}
