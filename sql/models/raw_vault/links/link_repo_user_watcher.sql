{{ link(
    key='link_repo_user_watcher_hk', hubs=['repo_hk', 'user_hk'],
    sources=['watchers']
) }}
