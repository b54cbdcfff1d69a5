{{ link(
    key='link_repo_release_hk', hubs=['repo_hk', 'release_hk'],
    sources=['releases']
) }}
