{{ hub(
    key='issue_hk', columns=['host', 'issue_id'],
    sources=[
        'issues',
        'issue_assignees',
        'issue_labels',
        'issue_presence',
        'pull_request_closing_issues'
    ]
) }}
