{{ satellite(key='link_repo_advisory_alert_hk', source='dependabot_alerts', hash_diff='sat_repo_advisory_alert_hd') }}
