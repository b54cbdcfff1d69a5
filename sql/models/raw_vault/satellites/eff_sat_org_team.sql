{{ effectivity_satellite(key='link_org_team_hk', source='teams', dataset='teams') }}
