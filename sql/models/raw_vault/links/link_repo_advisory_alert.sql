{{ link(
    key='link_repo_advisory_alert_hk', hubs=['repo_hk', 'advisory_hk'], columns=['alert_number'],
    sources=['dependabot_alerts']
) }}
