{{ satellite(key='link_repo_user_hk', source='repository_collaborators', hash_diff='sat_repo_user_hd') }}
