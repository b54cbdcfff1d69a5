{{ satellite(key='link_repo_code_scanning_alert_hk', source='code_scanning_alerts', hash_diff='sat_repo_code_scanning_alert_hd') }}
