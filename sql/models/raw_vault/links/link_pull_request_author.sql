{{ link(
    key='link_pull_request_author_hk', hubs=['pull_request_hk', 'author_hk'],
    sources=['pull_requests']
) }}
