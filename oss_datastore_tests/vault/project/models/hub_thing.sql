{{ hub(
    key='thing_hk', columns=['thing_key'],
    sources=['thing', {'source': 'other', 'columns': {'thing_hk': 'other_hk', 'thing_key': 'other_key'}}]
) }}
