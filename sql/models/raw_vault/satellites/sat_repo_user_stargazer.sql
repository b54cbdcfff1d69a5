{{ satellite(key='link_repo_user_stargazer_hk', source='stargazers', hash_diff='sat_repo_user_stargazer_hd') }}
