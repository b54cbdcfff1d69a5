{{ effectivity_satellite(
    key='link_pull_request_reviewer_hk', source='review_requests', driving_key='pull_request_hk', observed_in='pull_requests', dataset='review_requests'
) }}
