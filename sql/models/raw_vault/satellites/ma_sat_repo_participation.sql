{{ satellite(
    key='ma_sat_repo_participation_hk', source='statistics_participation', hash_diff='ma_sat_repo_participation_hd',
    columns=['repo_hk', 'week_start', 'commits', 'owner_commits']
) }}
