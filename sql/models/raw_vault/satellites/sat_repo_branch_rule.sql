{{ satellite(key='link_repo_branch_rule_hk', source='branch_rules', hash_diff='sat_repo_branch_rule_hd') }}
