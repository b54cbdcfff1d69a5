{{ satellite(key='repo_hk', source='repositories', hash_diff='sat_repo_policy_hd') }}
