{{ link(
    key='link_repo_milestone_hk', hubs=['repo_hk', 'milestone_hk'],
    sources=['milestones']
) }}
