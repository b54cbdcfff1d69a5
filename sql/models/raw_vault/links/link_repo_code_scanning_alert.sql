{{ link(
    key='link_repo_code_scanning_alert_hk', hubs=['repo_hk'], columns=['alert_number'],
    sources=['code_scanning_alerts']
) }}
