{{ link(
    key='link_release_author_hk', hubs=['release_hk', 'author_hk'],
    sources=['releases']
) }}
