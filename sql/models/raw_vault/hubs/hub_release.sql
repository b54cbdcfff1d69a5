{{ hub(
    key='release_hk', columns=['host', 'release_id'],
    sources=['releases', 'release_assets']
) }}
