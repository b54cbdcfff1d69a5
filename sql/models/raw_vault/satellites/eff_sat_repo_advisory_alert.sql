{{ effectivity_satellite(
    key='link_repo_advisory_alert_hk', source='dependabot_alerts', dataset='dependabot_alerts'
) }}
