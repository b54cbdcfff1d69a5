{{ satellite(
    key='ma_sat_repo_commit_activity_day_hk', source='statistics_commit_activity_days', hash_diff='ma_sat_repo_commit_activity_day_hd',
    columns=['repo_hk', 'commit_date', 'commits']
) }}
