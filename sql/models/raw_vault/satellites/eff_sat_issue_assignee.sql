{{ effectivity_satellite(
    key='link_issue_assignee_hk', source='issue_assignees', driving_key='issue_hk', observed_in='issues'
) }}
