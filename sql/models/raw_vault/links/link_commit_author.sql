{{ link(
    key='link_commit_author_hk', hubs=['commit_hk', 'author_hk'],
    sources=['commits', 'pull_request_commits']
) }}
