{{ effectivity_satellite(
    key='link_issue_milestone_hk', source='issues', driving_key='issue_hk', null_is_absence=true
) }}
