{{ effectivity_satellite(
    key='link_repo_user_stargazer_hk', source='stargazers', dataset='stargazers'
) }}
