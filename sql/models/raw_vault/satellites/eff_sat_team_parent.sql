{{ effectivity_satellite(key='link_team_parent_hk', source='teams', driving_key='team_hk', null_is_absence=true) }}
