{{ effectivity_satellite(
    key='link_repo_milestone_hk', source='milestones', dataset='milestones'
) }}
