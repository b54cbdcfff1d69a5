{{ link(
    key='link_team_project_hk', hubs=['team_hk', 'project_hk'],
    sources=['project_teams']
) }}
