{{ hub(
    key='label_hk', columns=['host', 'label_id'],
    sources=['issue_labels']
) }}
