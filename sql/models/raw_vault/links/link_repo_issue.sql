{{ link(
    key='link_repo_issue_hk', hubs=['repo_hk', 'issue_hk'],
    sources=['issues', 'issue_presence']
) }}
