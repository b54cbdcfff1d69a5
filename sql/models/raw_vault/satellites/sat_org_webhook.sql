{{ satellite(key='webhook_hk', source='organization_webhooks', hash_diff='sat_org_webhook_hd') }}
