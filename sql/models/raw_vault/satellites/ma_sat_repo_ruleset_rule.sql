{{ multi_active_satellite(
    key='link_repo_ruleset_hk', child_keys=['rule_node_id'], source='ruleset_rules', row_hash='ma_sat_repo_ruleset_rule_hd', dataset='rulesets'
) }}
