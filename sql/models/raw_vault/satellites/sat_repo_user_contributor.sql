{{ satellite(key='link_repo_user_contributor_hk', source='statistics_contributors', hash_diff='sat_repo_user_contributor_hd') }}
