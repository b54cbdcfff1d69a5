{{ effectivity_satellite(
    key='link_repo_pull_request_hk', source='pull_request_presence', dataset='pull_requests'
) }}
