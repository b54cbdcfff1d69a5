{{ effectivity_satellite(
    key='link_repo_branch_rule_hk', source='branch_rules', dataset='branch_rules'
) }}
