{{ link(
    key='link_release_asset_hk', hubs=['release_hk', 'release_asset_hk'],
    sources=['release_assets']
) }}
