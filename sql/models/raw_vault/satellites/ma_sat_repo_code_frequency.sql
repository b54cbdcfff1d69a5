{{ satellite(
    key='ma_sat_repo_code_frequency_hk', source='statistics_code_frequency', hash_diff='ma_sat_repo_code_frequency_hd',
    columns=['repo_hk', 'week', 'additions', 'deletions']
) }}
