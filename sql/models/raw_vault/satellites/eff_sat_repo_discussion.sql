{{ effectivity_satellite(
    key='link_repo_discussion_hk', source='discussions', dataset='discussions'
) }}
