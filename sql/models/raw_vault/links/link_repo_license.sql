{{ link(
    key='link_repo_license_hk', hubs=['repo_hk', 'license_hk'],
    sources=['repositories']
) }}
