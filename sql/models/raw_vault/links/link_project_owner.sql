{{ link(
    key='link_project_owner_hk', hubs=['project_hk', 'org_hk'],
    sources=['projects']
) }}
