{{ hub(
    key='label_hk', columns=['host', 'label_id'],
    sources=['labels', 'issue_labels']
) }}
