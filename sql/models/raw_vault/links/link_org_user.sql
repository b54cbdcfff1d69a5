{{ link(
    key='link_org_user_hk', hubs=['org_hk', 'user_hk'],
    sources=['members']
) }}
