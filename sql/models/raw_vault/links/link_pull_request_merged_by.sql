{{ link(
    key='link_pull_request_merged_by_hk', hubs=['pull_request_hk', 'merged_by_hk'],
    sources=['pull_requests']
) }}
