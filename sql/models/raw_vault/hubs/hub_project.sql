{{ hub(
    key='project_hk', columns=['host', 'project_id'],
    sources=['projects', 'project_repositories', 'project_teams']
) }}
