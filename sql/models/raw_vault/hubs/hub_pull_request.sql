{{ hub(
    key='pull_request_hk', columns=['host', 'pull_request_id'],
    sources=[
        'pull_requests',
        'pull_request_closing_issues',
        'pull_request_presence',
        'pull_request_reviews',
        'review_requests',
        'pull_request_commits'
    ]
) }}
