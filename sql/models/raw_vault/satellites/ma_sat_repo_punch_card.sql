{{ satellite(
    key='ma_sat_repo_punch_card_hk', source='statistics_punch_card', hash_diff='ma_sat_repo_punch_card_hd',
    columns=['repo_hk', 'day_of_week', 'hour', 'commits']
) }}
