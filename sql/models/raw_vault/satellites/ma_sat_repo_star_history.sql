{{ satellite(
    key='ma_sat_repo_star_history_hk', source='star_history', hash_diff='ma_sat_repo_star_history_hd',
    columns=['repo_hk', 'star_date', 'week', 'count']
) }}
