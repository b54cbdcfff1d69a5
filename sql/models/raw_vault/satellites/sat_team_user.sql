{{ satellite(key='link_team_user_hk', source='team_members', hash_diff='sat_team_user_hd') }}
