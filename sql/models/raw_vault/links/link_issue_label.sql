{{ link(
    key='link_issue_label_hk', hubs=['issue_hk', 'label_hk'],
    sources=['issue_labels']
) }}
