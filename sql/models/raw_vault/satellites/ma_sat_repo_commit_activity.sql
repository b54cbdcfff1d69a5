{{ satellite(
    key='ma_sat_repo_commit_activity_hk', source='statistics_commit_activity', hash_diff='ma_sat_repo_commit_activity_hd',
    columns=['repo_hk', 'week', 'commits']
) }}
