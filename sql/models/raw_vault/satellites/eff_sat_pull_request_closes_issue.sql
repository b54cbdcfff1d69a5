{{ effectivity_satellite(
    key='link_pull_request_closes_issue_hk', source='pull_request_closing_issues', driving_key='pull_request_hk', observed_in='pull_requests'
) }}
