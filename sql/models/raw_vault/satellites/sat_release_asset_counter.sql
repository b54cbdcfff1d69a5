{{ satellite(key='release_asset_hk', source='release_assets', hash_diff='sat_release_asset_counter_hd') }}
