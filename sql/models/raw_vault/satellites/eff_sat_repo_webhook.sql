{{ effectivity_satellite(
    key='link_repo_webhook_hk', source='webhooks', dataset='webhooks'
) }}
