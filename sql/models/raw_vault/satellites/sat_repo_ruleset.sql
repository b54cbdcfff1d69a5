{{ satellite(key='link_repo_ruleset_hk', source='rulesets', hash_diff='sat_repo_ruleset_hd') }}
