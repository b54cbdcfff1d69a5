{{ nh_link(
    key='nh_link_event_hk', hubs=['repo_hk', 'user_hk'],
    columns=['event_id', 'type', 'is_public', 'action', 'ref', 'ref_type', 'number', 'head_sha', 'payload', 'created_at'],
    sources=['events']
) }}
