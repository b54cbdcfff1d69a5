{{ hub(
    key='discussion_hk', columns=['host', 'discussion_id'],
    sources=['discussions']
) }}
