{{ link(
    key='link_team_user_hk', hubs=['team_hk', 'user_hk'],
    sources=['team_members']
) }}
