{{ link(
    key='link_org_repo_hk', hubs=['org_hk', 'repo_hk'],
    sources=['repositories']
) }}
