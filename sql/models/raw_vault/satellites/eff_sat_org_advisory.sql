{{ effectivity_satellite(
    key='link_org_advisory_hk', source='repository_advisories', dataset='repository_advisories'
) }}
