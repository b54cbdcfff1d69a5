{{ link(
    key='link_discussion_author_hk', hubs=['discussion_hk', 'author_hk'],
    sources=['discussions']
) }}
