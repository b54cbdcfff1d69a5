{{ effectivity_satellite(
    key='link_repo_secret_scanning_alert_hk', source='secret_scanning_alerts', dataset='secret_scanning_alerts'
) }}
