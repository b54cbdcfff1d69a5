{{ link(
    key='link_org_webhook_hk', hubs=['org_hk', 'webhook_hk'],
    sources=['organization_webhooks']
) }}
