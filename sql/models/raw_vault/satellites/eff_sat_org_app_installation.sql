{{ effectivity_satellite(
    key='link_org_app_installation_hk', source='app_installations', dataset='app_installations'
) }}
