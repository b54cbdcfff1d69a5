{{ satellite(key='link_repo_dependency_hk', source='dependencies', hash_diff='sat_repo_dependency_hd') }}
