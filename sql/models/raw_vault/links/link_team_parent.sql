{{ link(
    key='link_team_parent_hk', hubs=['team_hk', 'parent_team_hk'],
    sources=['teams']
) }}
