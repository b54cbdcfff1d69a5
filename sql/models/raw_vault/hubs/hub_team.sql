{{ hub(
    key='team_hk', columns=['host', 'team_id'],
    sources=[
        'teams',
        'team_members',
        'team_repositories',
        'project_teams',
        {'source': 'review_requests', 'columns': {'team_id': 'reviewer_team_id'}},
        {'source': 'teams', 'columns': {'team_hk': 'parent_team_hk', 'team_id': 'parent_team_id'}}
    ]
) }}
