{{ multi_active_satellite(
    key='repo_hk', child_keys=['traffic_date'], source='traffic_clones', row_hash='ma_sat_repo_traffic_clones_hd'
) }}
