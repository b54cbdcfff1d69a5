{{ effectivity_satellite(key='link_team_user_hk', source='team_members', dataset='team_members') }}
