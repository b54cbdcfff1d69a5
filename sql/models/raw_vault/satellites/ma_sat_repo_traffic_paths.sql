{{ multi_active_satellite(
    key='repo_hk', child_keys=['path'], source='traffic_paths', row_hash='ma_sat_repo_traffic_paths_hd', dataset='traffic_paths'
) }}
