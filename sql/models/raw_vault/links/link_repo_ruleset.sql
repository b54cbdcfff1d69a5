{{ link(
    key='link_repo_ruleset_hk', hubs=['repo_hk'], columns=['ruleset_id'],
    sources=['rulesets']
) }}
