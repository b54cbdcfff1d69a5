{{ hub(
    key='release_asset_hk', columns=['host', 'asset_id'],
    sources=['release_assets']
) }}
