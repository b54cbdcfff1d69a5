{{ effectivity_satellite(
    key='link_repo_code_scanning_alert_hk', source='code_scanning_alerts', dataset='code_scanning_alerts'
) }}
