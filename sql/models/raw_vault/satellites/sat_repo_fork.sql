{{ satellite(key='link_repo_fork_hk', source='forks', hash_diff='sat_repo_fork_hd') }}
