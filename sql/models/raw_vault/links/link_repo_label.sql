{{ link(
    key='link_repo_label_hk', hubs=['repo_hk', 'label_hk'],
    sources=['labels']
) }}
