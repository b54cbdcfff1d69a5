{{ hub(
    key='advisory_hk', columns=['host', 'ghsa_id'],
    sources=['dependabot_alerts']
) }}
