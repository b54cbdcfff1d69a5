{{ effectivity_satellite(
    key='link_repo_user_watcher_hk', source='watchers', dataset='watchers'
) }}
