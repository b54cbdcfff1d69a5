{{ link(
    key='link_commit_committer_hk', hubs=['commit_hk', 'committer_hk'],
    sources=['commits', 'pull_request_commits']
) }}
