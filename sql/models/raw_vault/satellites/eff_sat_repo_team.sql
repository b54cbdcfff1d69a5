{{ effectivity_satellite(key='link_repo_team_hk', source='team_repositories', dataset='team_repositories') }}
