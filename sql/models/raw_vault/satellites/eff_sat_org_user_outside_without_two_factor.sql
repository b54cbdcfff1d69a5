{{ effectivity_satellite(
    key='link_org_user_outside_hk', source='outside_collaborators_without_two_factor', dataset='outside_collaborators_without_two_factor'
) }}
