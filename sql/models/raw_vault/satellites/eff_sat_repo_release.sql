{{ effectivity_satellite(
    key='link_repo_release_hk', source='releases', dataset='releases'
) }}
