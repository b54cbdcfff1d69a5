{{ effectivity_satellite(
    key='link_release_asset_hk', source='release_assets', dataset='release_assets'
) }}
