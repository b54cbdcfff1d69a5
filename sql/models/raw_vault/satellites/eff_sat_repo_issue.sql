{{ effectivity_satellite(
    key='link_repo_issue_hk', source='issue_presence', dataset='issues'
) }}
