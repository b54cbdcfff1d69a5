{{ multi_active_satellite(
    key='repo_hk', child_keys=['referrer'], source='traffic_referrers', row_hash='ma_sat_repo_traffic_referrers_hd', dataset='traffic_referrers'
) }}
