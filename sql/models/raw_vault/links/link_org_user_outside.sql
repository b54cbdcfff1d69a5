{{ link(
    key='link_org_user_outside_hk', hubs=['org_hk', 'user_hk'],
    sources=['outside_collaborators', 'outside_collaborators_without_two_factor']
) }}
