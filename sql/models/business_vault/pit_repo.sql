{{ pit(
    key='repo_hk', hub='hub_repo',
    satellites=['sat_repo', 'sat_repo_counter', 'sat_repo_activity']
) }}
