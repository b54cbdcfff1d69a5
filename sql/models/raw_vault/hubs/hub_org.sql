{{ hub(
    key='org_hk', columns=['host', 'org_id'],
    sources=[
        'organizations',
        'repositories',
        'members',
        'outside_collaborators',
        'outside_collaborators_without_two_factor',
        'invitations',
        'failed_invitations',
        'teams',
        'repository_advisories',
        'app_installations',
        'projects',
        'organization_webhooks'
    ]
) }}
