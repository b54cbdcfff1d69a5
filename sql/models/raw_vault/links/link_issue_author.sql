{{ link(
    key='link_issue_author_hk', hubs=['issue_hk', 'author_hk'],
    sources=['issues']
) }}
