{{ satellite(key='repo_hk', source='repository_security_settings', hash_diff='sat_repo_security_settings_hd') }}
