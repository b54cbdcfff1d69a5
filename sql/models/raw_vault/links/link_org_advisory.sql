{{ link(
    key='link_org_advisory_hk', hubs=['org_hk', 'advisory_hk'],
    sources=['repository_advisories']
) }}
