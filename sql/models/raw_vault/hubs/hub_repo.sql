{{ hub(
    key='repo_hk', columns=['host', 'repo_id'],
    sources=[
        'repositories',
        'traffic_views',
        'traffic_views_window',
        'traffic_clones',
        'traffic_clones_window',
        'traffic_referrers',
        'traffic_paths',
        'team_repositories',
        'repository_collaborators',
        'repository_collaborator_sources',
        'dependabot_alerts',
        'issues',
        'issue_comments',
        'issue_events',
        'pull_requests'
    ]
) }}
