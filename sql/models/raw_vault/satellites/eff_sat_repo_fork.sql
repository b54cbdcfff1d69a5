{{ effectivity_satellite(
    key='link_repo_fork_hk', source='forks', dataset='forks'
) }}
