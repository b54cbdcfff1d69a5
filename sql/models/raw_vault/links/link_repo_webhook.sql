{{ link(
    key='link_repo_webhook_hk', hubs=['repo_hk', 'webhook_hk'],
    sources=['webhooks']
) }}
