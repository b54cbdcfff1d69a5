{{ effectivity_satellite(
    key='link_repo_project_hk', source='project_repositories', dataset='projects'
) }}
