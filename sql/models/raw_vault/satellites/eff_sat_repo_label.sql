{{ effectivity_satellite(
    key='link_repo_label_hk', source='labels', dataset='labels'
) }}
