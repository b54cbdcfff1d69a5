{{ effectivity_satellite(
    key='link_org_user_outside_hk', source='outside_collaborators', dataset='outside_collaborators'
) }}
