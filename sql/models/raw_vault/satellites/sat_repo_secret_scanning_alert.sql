{{ satellite(key='link_repo_secret_scanning_alert_hk', source='secret_scanning_alerts', hash_diff='sat_repo_secret_scanning_alert_hd') }}
