{{ effectivity_satellite(
    key='link_repo_user_hk', source='repository_collaborators', dataset='repository_collaborators'
) }}
