{{ satellite(
    key='ma_sat_repo_user_contributor_week_hk', source='statistics_contributor_weeks', hash_diff='ma_sat_repo_user_contributor_week_hd',
    columns=['link_repo_user_contributor_hk', 'week', 'additions', 'deletions', 'commits']
) }}
