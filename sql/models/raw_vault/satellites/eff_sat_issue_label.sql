{{ effectivity_satellite(
    key='link_issue_label_hk', source='issue_labels', driving_key='issue_hk', observed_in='issues'
) }}
