{{ effectivity_satellite(
    key='link_repo_license_hk', source='repositories', driving_key='repo_hk', null_is_absence=true
) }}
