{{ link(
    key='link_pull_request_review_hk', hubs=['pull_request_hk', 'reviewer_hk'], columns=['review_id'],
    sources=['pull_request_reviews']
) }}
