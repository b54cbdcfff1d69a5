{{ link(
    key='link_repo_branch_rule_hk', hubs=['repo_hk'], columns=['branch_rule_id'],
    sources=['branch_rules']
) }}
