{{ effectivity_satellite(
    key='link_project_owner_hk', source='projects', dataset='projects'
) }}
