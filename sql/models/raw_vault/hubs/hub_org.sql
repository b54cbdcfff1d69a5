{{ hub(
    key='org_hk', columns=['host', 'org_id'],
    sources=['organizations', 'repositories', 'members', 'outside_collaborators', 'teams']
) }}
