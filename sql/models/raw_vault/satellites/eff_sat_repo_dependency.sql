{{ effectivity_satellite(
    key='link_repo_dependency_hk', source='dependencies', dataset='dependencies'
) }}
