{{ satellite(key='advisory_hk', source='dependabot_alerts', hash_diff='sat_advisory_hd') }}
