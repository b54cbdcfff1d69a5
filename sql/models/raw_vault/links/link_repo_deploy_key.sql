{{ link(
    key='link_repo_deploy_key_hk', hubs=['repo_hk'], columns=['fingerprint'],
    sources=['deploy_keys']
) }}
