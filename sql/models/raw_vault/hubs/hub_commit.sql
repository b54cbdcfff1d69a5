{{ hub(
    key='commit_hk', columns=['host', 'sha'],
    sources=['pull_request_commits', 'commits']
) }}
