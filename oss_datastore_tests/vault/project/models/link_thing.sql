{{ link(
    key='thing_hk', hubs=['driving_hk'], columns=['thing_key'],
    sources=[
        'thing',
        {'source': 'other', 'columns': {'thing_hk': 'other_hk', 'thing_key': 'other_key', 'driving_hk': 'other_driving_hk'}}
    ]
) }}
