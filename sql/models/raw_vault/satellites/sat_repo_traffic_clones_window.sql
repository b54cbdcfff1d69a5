{{ satellite(key='repo_hk', source='traffic_clones_window', hash_diff='sat_repo_traffic_clones_window_hd') }}
