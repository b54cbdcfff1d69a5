{{ satellite(key='link_repo_team_hk', source='team_repositories', hash_diff='sat_repo_team_hd') }}
