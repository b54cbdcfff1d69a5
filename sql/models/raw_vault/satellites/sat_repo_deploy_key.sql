{{ satellite(key='link_repo_deploy_key_hk', source='deploy_keys', hash_diff='sat_repo_deploy_key_hd') }}
