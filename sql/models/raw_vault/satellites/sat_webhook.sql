{{ satellite(key='webhook_hk', source='webhooks', hash_diff='sat_webhook_hd') }}
