{{ hub(
    key='advisory_hk', columns=['host', 'ghsa_id'],
    sources=[
        'dependabot_alerts',
        'repository_advisories',
        'repository_advisory_vulnerabilities',
        'repository_advisory_credits'
    ]
) }}
