{{ link(
    key='link_repo_project_hk', hubs=['repo_hk', 'project_hk'],
    sources=['project_repositories']
) }}
