{{ link(
    key='link_pull_request_reviewer_hk', hubs=['pull_request_hk', 'reviewer_hk'],
    sources=['review_requests']
) }}
