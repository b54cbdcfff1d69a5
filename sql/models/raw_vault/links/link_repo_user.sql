{{ link(
    key='link_repo_user_hk', hubs=['repo_hk', 'user_hk'],
    sources=['repository_collaborators', 'repository_collaborator_sources']
) }}
