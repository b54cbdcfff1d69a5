{{ link(
    key='link_repo_secret_scanning_alert_hk', hubs=['repo_hk'], columns=['alert_number'],
    sources=['secret_scanning_alerts']
) }}
