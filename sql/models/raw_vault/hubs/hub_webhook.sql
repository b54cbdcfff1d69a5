{{ hub(
    key='webhook_hk', columns=['host', 'webhook_id'],
    sources=['webhooks', 'organization_webhooks']
) }}
