{{ satellite(key='team_hk', source='teams', hash_diff='sat_team_hd') }}
