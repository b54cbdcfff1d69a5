{{ effectivity_satellite(
    key='link_team_project_hk', source='project_teams', dataset='projects'
) }}
