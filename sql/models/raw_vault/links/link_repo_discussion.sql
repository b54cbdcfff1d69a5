{{ link(
    key='link_repo_discussion_hk', hubs=['repo_hk', 'discussion_hk'],
    sources=['discussions']
) }}
