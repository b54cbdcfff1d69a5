{{ effectivity_satellite(
    key='link_org_webhook_hk', source='organization_webhooks', dataset='organization_webhooks'
) }}
