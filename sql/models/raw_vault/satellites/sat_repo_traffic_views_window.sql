{{ satellite(key='repo_hk', source='traffic_views_window', hash_diff='sat_repo_traffic_views_window_hd') }}
