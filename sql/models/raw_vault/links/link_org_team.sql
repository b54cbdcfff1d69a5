{{ link(
    key='link_org_team_hk', hubs=['org_hk', 'team_hk'],
    sources=['teams']
) }}
