{{ effectivity_satellite(key='link_org_repo_hk', source='repositories', dataset='repositories') }}
