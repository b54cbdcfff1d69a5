{{ effectivity_satellite(
    key='link_repo_deploy_key_hk', source='deploy_keys', dataset='deploy_keys'
) }}
