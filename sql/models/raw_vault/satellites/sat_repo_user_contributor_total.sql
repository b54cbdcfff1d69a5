{{ satellite(key='link_repo_user_contributor_hk', source='statistics_contributor_totals', hash_diff='sat_repo_user_contributor_total_hd') }}
