{{ link(
    key='link_repo_dependency_hk', hubs=['repo_hk'], columns=['spdx_id'],
    sources=['dependencies']
) }}
