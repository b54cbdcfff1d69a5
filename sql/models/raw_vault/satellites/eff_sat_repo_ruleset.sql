{{ effectivity_satellite(
    key='link_repo_ruleset_hk', source='rulesets', dataset='rulesets'
) }}
